"""Costs by hand against costs as counted."""

import pytest
import torch
from torch import nn

from atdt.networks import macs, parameters
from atdt.networks.complexity import meta_call


def test_a_convolution_by_hand():
    layer = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
    assert macs(layer, (8, 12), channels=4) == (4 * 6) * 6 * 2 * 9
    assert parameters(layer) == 6 * 2 * 9 + 6


def test_frozen_parameters_are_not_trainable():
    layer = nn.Linear(3, 5)
    layer.weight.requires_grad_(False)
    assert parameters(layer) == 5


def test_a_network_s_images_are_padded_first(toy):
    network = toy(stride=4)
    assert macs(network, (5, 6)) == macs(network, (8, 8)) > macs(network, (4, 8))


def test_counting_computes_nothing_and_changes_nothing(toy):
    network = toy().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for _ in range(2):
        macs(network, (8192, 8192))  # 800 MB of features, were they computed
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


@pytest.mark.parametrize("training", [False, True])
def test_a_meta_call_gives_shapes(training):
    layer = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)).train(training)
    made = meta_call(layer, torch.empty(2, 3, 5, 5, device="meta"))
    assert made.is_meta
    assert made.shape == (2, 2, 3, 3)
    assert layer[1].num_batches_tracked == 0
