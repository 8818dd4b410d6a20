"""The door: names, options, seeds, and networks of one's own."""

import sys

import pytest
import torch

from atdt.errors import NetworkError
from atdt.networks import BUILT_IN, NetworkSpec, TaskNetwork, build_network

OWN = """
from torch import nn
from atdt.networks import TaskNetwork

def build(out_channels, width=4):
    stages = [nn.Conv2d(3, width, 1), *(nn.Conv2d(width, width, 1) for _ in range(3))]
    return TaskNetwork(stages, nn.Conv2d(width, out_channels, 1), stride=1)

def three(out_channels):
    return TaskNetwork([nn.Identity()] * 3, nn.Identity(), stride=1)

def bare(out_channels):
    return nn.Conv2d(3, out_channels, 1)

def other_channels(out_channels):
    return build(out_channels + 1)

def small(out_channels):
    network = build(out_channels)
    network.decoder = nn.Sequential(network.decoder, nn.AvgPool2d(2))
    network.stride = 4
    return network

def unfit(out_channels):
    network = build(out_channels)
    network.decoder = nn.Conv2d(7, out_channels, 1)
    return network

def unfit_norm(out_channels):
    network = build(out_channels)
    network.decoder = nn.Sequential(nn.BatchNorm2d(7), network.decoder)
    return network

NOT_A_FUNCTION = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder, made the current one, with a package `mine` that holds `nets.py`."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "nets.py").write_text(OWN)
    (tmp_path / "mine" / "broken.py").write_text("import no_such_thing_at_all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "mine":
            del sys.modules[name]


def build(name, out_channels=3, **options):
    return build_network(NetworkSpec(name, options), out_channels, seed=0, allow_import=True)


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_names_need_no_permission(name):
    with torch.device("meta"):
        network = build_network(NetworkSpec(name), 7)
    made = network(torch.empty(2, 3, 65, 70, device="meta"))
    assert made.shape == (2, 7, 65, 70)


def test_a_seed_decides_all_weights_and_leaves_random_numbers_alone():
    torch.manual_seed(11)
    state = torch.get_rng_state()
    first, again, other = (
        build_network(NetworkSpec("tiny"), 3, seed=seed).weights_digest("network")
        for seed in (5, 5, 6)
    )
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_seed_the_weights_follow_torchs_random_numbers():
    digests = []
    for seed in (1, 1, None):
        if seed is not None:
            torch.manual_seed(seed)
        digests.append(build_network(NetworkSpec("tiny"), 3).weights_digest("network"))
    assert digests[0] == digests[1] != digests[2]


def test_the_encoder_is_the_same_for_every_task():
    encoders = {
        build_network(NetworkSpec("tiny"), channels, seed=3).weights_digest("encoder")
        for channels in (1, 11)
    }
    assert len(encoders) == 1


@pytest.mark.parametrize("name", ["dilated", "mine.nets", ":build", "mine.nets:"])
def test_an_unknown_name_is_refused_with_those_there_are(name):
    with pytest.raises(NetworkError, match=r"choose one of tiny, dilated-resnet50, .*:function"):
        build(name)


def test_unknown_options_are_refused_with_those_there_are():
    message = "'dilated-resnet50': .*'width'; its options: norm: .* = 'batch'"
    with pytest.raises(NetworkError, match=message):
        build("dilated-resnet50", width=3)
    with pytest.raises(NetworkError, match=r"'tiny': .*'width'; its options: norm"):
        build("tiny", width=3)
    with pytest.raises(NetworkError, match="out_channels"):
        build_network(NetworkSpec("tiny", {"out_channels": 3}), 3)


def test_a_network_of_one_s_own(own):
    network = build("mine.nets:build", 5, width=6)
    assert isinstance(network, TaskNetwork)
    assert network.feature_shape(None, (3, 4)) == (6, 3, 4)
    assert network(torch.rand(1, 3, 3, 4)).shape == (1, 5, 3, 4)


def test_importing_code_needs_permission(own):
    with pytest.raises(NetworkError, match=r"importing mine\.nets runs its code; .*--allow-import"):
        build_network(NetworkSpec("mine.nets:build"), 3)
    assert "mine.nets" not in sys.modules


def test_a_current_folder_hides_no_installed_module(own):
    (own / "json.py").write_text("raise RuntimeError('the wrong one')\n")
    assert build("mine.nets:build").levels[-1] == "level3"
    assert sys.path[-1] == str(own)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_package.nets:build", "no_such_package.nets cannot be imported .*No module named"),
        ("mine.other:build", "mine.other cannot be imported .*No module named 'mine.other'"),
        ("mine.broken:build", "mine.broken cannot be imported .*no_such_thing_at_all"),
        ("mine.nets:biuld", "mine.nets has no function biuld"),
        ("mine.nets:NOT_A_FUNCTION", "mine.nets has no function NOT_A_FUNCTION"),
        ("mine.nets:bare", "returned a Conv2d, not a TaskNetwork; see docs/networks.md"),
        ("mine.nets:three", "at least 4 stages, one a level, but this one has 3"),
        ("mine.nets:other_channels", r"decode to \(2, 4, 2, 3\), not to \(2, 3, 2, 3\)"),
        ("mine.nets:small", r"decode to \(2, 3, 4, 6\), not to \(2, 3, 8, 12\) or larger"),
        ("mine.nets:unfit", "its decoder fails"),
        ("mine.nets:unfit_norm", "its decoder fails .*elements not 7"),
    ],
)
def test_networks_that_cannot_be_used_are_refused_in_one_line(own, name, message):
    with pytest.raises(NetworkError, match=message) as refusal:
        build(name)
    assert "\n" not in str(refusal.value)
