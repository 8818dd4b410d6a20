"""The demo's network is small, sees far, and learns."""

import pytest
import torch
from torch import nn
from torch.nn.functional import l1_loss

from atdt.networks import NetworkSpec, build_network, macs, parameters

SIZE = (96, 192)


@pytest.fixture(scope="module")
def tiny():
    return build_network(NetworkSpec("tiny"), 11, seed=0)


def test_it_costs_little(tiny):
    assert 0.35e9 < macs(nn.Sequential(*tiny.stages), SIZE) < 0.5e9
    assert macs(tiny.decoder, (12, 24), channels=128) < 0.1e9
    assert parameters(tiny) < 1.5e6


def test_its_levels(tiny):
    assert [tiny.feature_shape(level, SIZE) for level in tiny.levels] == [
        (32, 48, 96),
        (64, 24, 48),
        (128, 12, 24),
        (128, 12, 24),
        (128, 12, 24),
    ]
    assert tiny.stride == 8


def test_a_deepest_feature_sees_most_of_the_image(tiny, images):
    image = images(1, *SIZE).requires_grad_()
    tiny.eval().encode(image)[0, :, 6, 12].sum().backward()
    seen = image.grad[0].abs().sum(0) > 0
    assert seen.any(1).sum() == SIZE[0]
    assert seen.any(0).sum() > 0.9 * SIZE[1]


def test_it_learns_where_it_is_in_the_image_and_what_is_bright(images):
    network = build_network(NetworkSpec("tiny"), 1, seed=0).train()
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    batch = images(4, 6, 12).repeat_interleave(8, 2).repeat_interleave(8, 3)
    target = batch.mean(1, keepdim=True) + torch.linspace(0, 1, 48)[:, None]
    losses = []
    for _ in range(25):
        loss = l1_loss(network(batch), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("norm", ["batch", "group", "instance", "none"])
def test_every_norm_gives_outputs_and_the_same_levels(images, norm):
    network = build_network(NetworkSpec("tiny", {"norm": norm}), 3, seed=0)
    assert network(images(2, 16, 24)).shape == (2, 3, 16, 24)
    assert network.feature_shape(None, SIZE) == (128, 12, 24)
    norms = [m for m in network.modules() if "Norm" in type(m).__name__]
    assert bool(norms) == (norm != "none")
