"""Runs and weights from strangers: nothing runs, nothing outside is read, sizes are proved first.

Weights that lie outside of a run, and links: tests/test_runs.py; edited task networks:
tests/training/test_load.py; pickles inside checkpoints: tests/training/test_importing.py.
"""

import json
import pickle
import struct

import pytest
import torch

from atdt.digests import sha256_file
from atdt.domains import label_space
from atdt.errors import UserError
from atdt.networks import NetworkSpec, build_network
from atdt.networks.weights import read_weights
from atdt.runs import INFO, WEIGHTS, create_run, open_run
from atdt.tasks import get_task
from atdt.training.load import load_task_network, network_keys
from atdt.transfer.load import load_transfer
from atdt.transfer.network import build_transfer

SHAPE = [4, 2, 3]
KEYS = {
    "mode": "features",
    "architecture": "bottleneck",
    "options": {"width": 2, "blocks": 1, "standardise": False},
    "level": "level4",
    "source": {"level": "level4", "shape": SHAPE},
    "target": {"level": "level4", "shape": SHAPE},
}


@pytest.fixture
def transfer(tmp_path):
    """A finished run of a G of a few numbers."""
    options = {"width": 2, "blocks": 1, "standardise": False}
    network = build_transfer("bottleneck", options, tuple(SHAPE), tuple(SHAPE))
    create_run(tmp_path / "g", "transfer", {}).finish(network.state_dict(), **KEYS)
    assert load_transfer(tmp_path / "g").mode == "features"
    return tmp_path / "g"


@pytest.fixture
def network(tmp_path):
    """A finished run of a task network."""
    task, space, spec = get_task("depth"), label_space("coarse4"), NetworkSpec("tiny", {})
    made = build_network(spec, 1, seed=0)
    run = create_run(tmp_path / "n", "task-network", {})
    run.finish(made.state_dict(), **network_keys(made, spec, task, space))
    return run.path


def replace_weights(path, data, edit):
    (path / WEIGHTS).write_bytes(data)
    edit(path / INFO, weights={"file": WEIGHTS, "sha256": sha256_file(path / WEIGHTS)})


def header(content):
    text = json.dumps(content).encode() if isinstance(content, dict) else content
    return struct.pack("<Q", len(text)) + text


CLAIM = {"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}


@pytest.mark.parametrize(
    "data",
    [
        header(CLAIM),
        struct.pack("<Q", 2**62),
        header(b"[" * 10**5),
        header({"__metadata__": {"atdt": "[" * 10**5}}),
        header({"__metadata__": {"atdt": "9" * 5000}}),
        b"",
    ],
)
def test_weights_that_claim_more_than_they_hold(transfer, edit, frugal, refused, data):
    replace_weights(transfer, data, edit)
    with frugal(), pytest.raises(UserError, match=r"weights\.safetensors: not a readable"):
        load_transfer(transfer)


def test_a_pickle_in_place_of_weights_is_not_run(transfer, edit, canary):
    replace_weights(transfer, pickle.dumps(canary), edit)
    with pytest.raises(UserError, match=r"weights\.safetensors: not a readable"):
        load_transfer(transfer)
    assert not canary.path.exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_pickle_that_is_imported_is_not_run(tmp_path, canary, refused, name, how):
    file, numbers = tmp_path / name, tmp_path / "p.toml"
    if how == "torch":
        torch.save({"state_dict": canary}, file)
    else:
        file.write_bytes(pickle.dumps(canary))
    numbers.write_text("mean = [0, 0, 0]\nstd = [1, 1, 1]\n")
    with pytest.raises(UserError, match=name):
        read_weights(file)
    options = ["--network", "tiny", "--weights", file, "--task", "depth", "--unscored"]
    options += ["--label-space", "coarse4", "--preprocessing", numbers, "--out", tmp_path / "n"]
    assert name in refused("import", *options)
    assert not canary.path.exists()
    pickle.loads(pickle.dumps(canary))  # noqa: S301 - it does bite: the test could fail
    assert canary.path.exists()


SIZES = [
    {"options": {"width": 10**9}},
    {"options": {"width": 10**30}},
    {"options": {"width": 2, "blocks": 10**9}},
    {"architecture": "paper", "options": {"width": 10**7}},
    {"architecture": "linear", "options": {"width": 10**7}},
    {"source": {"level": "level4", "shape": [10**12, 2, 3]}},
    {"target": {"level": "level4", "shape": [10**40, 2, 3]}},
    {"target": {"level": "level4", "shape": []}},
    {"options": []},
    {"mode": "head", "options": {"body": "bottleneck", "width": 10**9}, "head": {}},
]


@pytest.mark.parametrize("changes", SIZES)
def test_a_network_is_not_made_before_its_size_is_proved(transfer, edit, monkeypatch, changes):
    edit(transfer / INFO, **changes)
    monkeypatch.setattr("atdt.transfer.load._built", lambda *_: pytest.fail("memory was taken"))
    with pytest.raises(UserError, match=r"g(/run\.json)?: |--architecture|--option"):
        load_transfer(transfer)


@pytest.mark.parametrize("channels", [10**9, 10**30, 0, -1])
def test_output_channels_that_no_task_has(network, edit, frugal, channels):
    edit(network / INFO, out_channels=channels)
    with frugal(), pytest.raises(UserError, match="output channels"):
        load_task_network(network)


@pytest.mark.parametrize("load", [load_task_network, load_transfer])
def test_a_module_of_the_current_folder_is_not_imported(
    network, transfer, edit, tmp_path, monkeypatch, load
):
    (tmp_path / "evil.py").write_text("import os\nos.mkdir('ran')\n")
    monkeypatch.chdir(tmp_path)
    evil = {"name": "evil:build", "options": {}}
    edit(network / INFO, network=evil)
    keys = {"mode": "head", "options": {"body": "bottleneck", "width": 2, "blocks": 1}}
    keys["options"]["standardise"] = False
    weights = open_run(transfer).weights()
    create_run(tmp_path / "h", "transfer", {}).finish(
        {f"transfer.{name}": tensor for name, tensor in weights.items()},
        **(KEYS | keys | {"head": {"network": evil, "out_channels": 1}}),
    )
    with pytest.raises(UserError, match="allow-import"):
        load(network if load is load_task_network else tmp_path / "h")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", ["deep", '{"schema": ' + "9" * 5000 + "}", "\xff"])
def test_a_run_json_that_no_reader_can_take(network, deep, refused, content):
    (network / INFO).write_text(deep if content == "deep" else content, encoding="latin-1")
    with pytest.raises(UserError, match=r"run\.json: not valid JSON"):
        load_task_network(network)
    assert "run.json" in refused("inspect", network)


@pytest.mark.parametrize("mean", [[10**400, 0, 0], [[0], 0, 0], "no", {"a": 1}])
def test_absurd_preprocessing(network, edit, mean):
    edit(network / INFO, preprocessing={"mean": mean, "std": [1, 1, 1]})
    with pytest.raises(UserError, match=r"run\.json: preprocessing is unusable"):
        load_task_network(network)
