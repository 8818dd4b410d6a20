"""torchvision's ResNets: the same features as there, and weights of ImageNet."""

import os
from functools import partial
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import ResNet, ResNet50_Weights, resnet50
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.models.resnet import Bottleneck

from atdt.digests import sha256_file
from atdt.errors import NetworkError
from atdt.networks import NetworkSpec, build_network, torchvision_resnet

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FILE = "resnet50-11ad3fa6.pth"  # what torchvision calls IMAGENET1K_V2's


def build(**options):
    return build_network(NetworkSpec("resnet50", options), 5, seed=0)


@pytest.fixture
def thin(monkeypatch):
    """Makes ResNets of torchvision's class with one narrow block a layer, in place of all fifty."""
    make = partial(ResNet, Bottleneck, [1, 1, 1, 1], width_per_group=2)
    monkeypatch.setattr(torchvision_resnet, "resnet50", lambda weights, **options: make(**options))
    return make


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Where torchvision keeps its files; it cannot download any."""

    def unreachable(url, *_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_features_are_torchvisions_to_the_bit(images):
    network = build(output_stride=8).eval()
    theirs = resnet50(weights=None, replace_stride_with_dilation=[False, True, True]).eval()
    weights = {k: v for stage in network.stages for k, v in stage.state_dict().items()}
    theirs.load_state_dict(weights | theirs.fc.state_dict(prefix="fc."))
    nodes = ("maxpool", "layer1", "layer2", "layer3", "layer4")
    batch = images(1, 40, 48)
    with torch.no_grad():
        expected = create_feature_extractor(theirs, dict(zip(nodes, network.levels, strict=True)))
        found = network.encode_levels(batch, network.levels)
        for level, features in expected(batch).items():
            assert torch.equal(found[level], features)


@pytest.mark.parametrize(
    ("stride", "sides"), [(8, [16, 16, 8, 8, 8]), (16, [16, 16, 8, 4, 4]), (32, [16, 16, 8, 4, 2])]
)
def test_output_strides(thin, stride, sides):
    network = build(output_stride=stride)
    shapes = [network.feature_shape(level, (64, 64)) for level in network.levels]
    assert shapes == [(c, s, s) for c, s in zip([64, 256, 512, 1024, 2048], sides, strict=True)]
    assert network.stride == stride
    assert network.eval()(torch.rand(1, 3, 50, 70)).shape == (1, 5, 50, 70)


def test_other_output_strides_are_refused():
    with pytest.raises(NetworkError, match="output_stride=4: choose 8, 16 or 32"):
        build(output_stride=4)


def test_from_scratch_images_are_not_normalised(thin):
    network = build()
    assert (network.mean, network.std, network.origin) == ((0, 0, 0), (1, 1, 1), {})


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_of_a_local_file(thin, tmp_path, suffix):
    weights, path = thin().state_dict(), tmp_path / f"w{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(weights, path)
    network = build(weights=str(path))
    found = {k: v for stage in network.stages for k, v in stage.state_dict().items()}
    assert all(torch.equal(found[name], weights[name]) for name in found)
    assert set(weights) - set(found) == {"fc.weight", "fc.bias"}
    assert (network.mean, network.std) == (MEAN, STD)
    assert network.origin == {
        "weights": str(path),
        "file": str(path),
        "sha256": sha256_file(path),
    }


def test_weights_by_torchvisions_name_come_from_its_folder(thin, hub):
    weights = thin().state_dict()
    torch.save(weights, hub / FILE)
    network = build(weights="IMAGENET1K_V2")
    assert torch.equal(network.stages[0].conv1.weight, weights["conv1.weight"])
    assert (network.mean, network.std) == (MEAN, STD)
    assert network.origin["weights"] == "IMAGENET1K_V2"
    assert network.origin["sha256"] == sha256_file(hub / FILE)


def test_weights_that_are_not_here_are_downloaded_by_torchvision(thin, hub, monkeypatch):
    asked = {}

    def download(self, **options):
        asked.update(options, name=self.name)
        torch.save(thin().state_dict(), hub / FILE)

    monkeypatch.setattr(ResNet50_Weights, "get_state_dict", download)
    build(weights="IMAGENET1K_V2")
    assert asked["weights_only"] is True
    assert asked["check_hash"] is True
    assert asked["name"] == "IMAGENET1K_V2"


def test_a_download_that_fails_names_the_address(thin, hub):
    with pytest.raises(NetworkError, match=f"{FILE} cannot be downloaded .*no route.*local copy"):
        build(weights="IMAGENET1K_V2")


def test_a_malicious_file_in_torchvisions_folder_runs_nothing(thin, hub, tmp_path):
    class Touch:
        def __reduce__(self):
            return os.system, (f"touch '{tmp_path / 'made'}'",)

    torch.save(Touch(), hub / FILE)
    with pytest.raises(NetworkError, match=f"{FILE}: not loaded"):
        build(weights="IMAGENET1K_V2")
    assert not (tmp_path / "made").exists()


def test_neither_a_name_nor_a_file():
    with pytest.raises(NetworkError, match=r"weights=V3: no such file, .*IMAGENET1K_V2"):
        build(weights="V3")
    with pytest.raises(NetworkError, match=r"weights=s3://b/w\.pth: takes no URLs"):
        build(weights="s3://b/w.pth")


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights.pop("layer1.0.conv1.weight"),
        lambda weights: weights.update({"layer5.weight": torch.ones(1)}),
        lambda weights: weights.update({"conv1.weight": torch.ones(1)}),
    ],
)
def test_weights_of_another_network_are_refused(thin, tmp_path, change):
    weights = thin().state_dict()
    change(weights)
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(NetworkError, match=r"w.pth: not weights of torchvision's ResNet"):
        build(weights=str(tmp_path / "w.pth"))


def test_files_of_old_lack_a_counter(thin, tmp_path):
    weights = {k: v for k, v in thin().state_dict().items() if "num_batches" not in k}
    torch.save(weights, tmp_path / "w.pth")
    network = build(weights=str(tmp_path / "w.pth"))
    assert torch.equal(network.stages[4].layer4[0].conv1.weight, weights["layer4.0.conv1.weight"])


def test_a_run_comes_back_without_the_file_it_started_from(thin, tmp_path):
    path = tmp_path / "w.pth"
    torch.save(thin().state_dict(), path)
    spec = NetworkSpec("resnet50", {"weights": str(path), "output_stride": 32})
    trained = build_network(spec, 5)
    path.unlink()
    back = build_network(spec.without_initial_weights(), 5)
    back.load_state_dict(trained.state_dict())
    assert back.weights_digest("network") == trained.weights_digest("network")
