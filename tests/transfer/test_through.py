"""E1, G and D2 on images of KITTI's size, which no stride divides."""

import pytest
import torch

from atdt.networks import NetworkSpec, build_network
from atdt.transfer.network import build_transfer
from atdt.transfer.through import Through

KITTI = (375, 1242)


def outputs(network, architecture, options, device, channels=11):
    """T2's output through a G at the first level and at the deepest, by level."""
    n1, n2 = (build_network(network, out).eval().to(device) for out in (1, channels))
    images = torch.rand(1, 3, *KITTI, device=device)
    made = {}
    for level in (n1.levels[0], n1.levels[-1]):
        shape = n1.feature_shape(level, KITTI)
        g = build_transfer(architecture, options, shape, shape).eval().to(device)
        features = n1.encode(images, level)
        assert features.shape[1:] == shape
        made[level], seen = Through(g, n2, level).output_and_features(features, KITTI)
        assert seen.shape[1:] == n2.feature_shape(level, KITTI)
    return made


@pytest.mark.parametrize("name", ["dilated-resnet50", "atdt-resnet50", "atdt-vgg"])
def test_the_papers_networks_give_kittis_size_back(name):
    with torch.device("meta"), torch.no_grad():
        found = outputs(NetworkSpec(name), "paper", {}, "meta")
    assert {tuple(output.shape) for output in found.values()} == {(1, 11, *KITTI)}


@pytest.mark.parametrize("architecture", ["paper", "bottleneck"])
def test_a_tiny_network_gives_finite_numbers_at_kittis_size(architecture):
    with torch.no_grad():
        found = outputs(NetworkSpec("tiny"), architecture, {"width": 8}, "cpu")
    for output in found.values():
        assert output.shape == (1, 11, *KITTI)
        assert output.isfinite().all()
        assert output.std() > 0
