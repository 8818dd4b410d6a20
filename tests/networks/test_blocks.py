"""What the networks are made of, against the same by hand."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import elu, interpolate

from atdt.networks.blocks import (
    Bottleneck,
    Decoder,
    ZeroPaddedMaxPool,
    convolution,
    residual_stage,
    start_by_glorot,
)


def test_a_bottleneck_is_elu_of_a_sum_of_two_linear_paths():
    unit = Bottleneck(8, 4, None, stride=2, dilation=2)
    features = torch.randn(2, 8, 6, 6)
    first, middle, last = (block[0] for block in unit.body)
    expected = elu(last(elu(middle(elu(first(features))))) + unit.shortcut[0](features))
    assert torch.equal(unit(features), expected)
    assert expected.shape == (2, 16, 3, 3)


def test_pooling_pads_with_zeros():
    features = torch.full((1, 1, 4, 4), -0.5)
    pooled = ZeroPaddedMaxPool()(features)
    assert pooled.tolist() == [[[[0.0, 0.0], [0.0, -0.5]]]]


@pytest.mark.parametrize("units", [2, 5])
def test_a_stage_strides_in_its_last_unit(units):
    stage = residual_stage(6, 2, units=units, norm=None, stride=2)
    sides = []
    features = torch.randn(1, 6, 8, 8)
    for unit in stage:
        features = unit(features)
        sides.append(features.shape[-1])
    assert sides == [8] * (units - 1) + [4]


@pytest.mark.parametrize(("norm", "bias"), [(None, True), (nn.BatchNorm2d, False)])
def test_a_bias_is_where_no_norm_is(norm, bias):
    layer = convolution(3, 4, norm=norm, activation=nn.ELU)
    assert (layer[0].bias is not None) == bias


@pytest.mark.parametrize("skips", [(), (2,), (2, 7)])
def test_a_decoder_doubles_and_reads_a_map_between_its_two_convolutions(skips):
    decoder = Decoder(5, (4, 3), 6, None, skips=skips)
    features = torch.randn(2, 5, 2, 3)
    maps = [torch.randn(2, c, 4 * 2**i, 6 * 2**i) for i, c in enumerate(skips)]
    expected = features
    convolutions = [module for module in decoder.modules() if isinstance(module, nn.Conv2d)]
    for step, (up, flat) in enumerate(zip(convolutions[::2], convolutions[1::2], strict=True)):
        expected = elu(up(interpolate(expected, scale_factor=2, mode="nearest")))
        if step < len(maps):
            expected = torch.cat([expected, maps[step]], dim=1)
        expected = flat(expected) if step == 2 else elu(flat(expected))
    assert expected.shape == (2, 6, 16, 24)
    assert torch.equal(decoder(features, *maps), expected)


def test_a_decoder_has_no_norm_at_full_size_and_at_half_if_told():
    for norm_at_half, expected in ((True, [4, 4, 3, 3]), (False, [4, 4, 3])):
        decoder = Decoder(5, (4, 3), 6, nn.BatchNorm2d, norm_at_half=norm_at_half)
        normed = [m.num_features for m in decoder.modules() if isinstance(m, nn.BatchNorm2d)]
        assert normed == expected
        assert (decoder[2][1][0].bias is None) == norm_at_half


def test_glorot_weights_are_uniform_within_their_bound_and_biases_zero():
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 48, 5)
    start_by_glorot(nn.Sequential(layer))
    bound = math.sqrt(6 / (25 * (16 + 48)))
    assert 0.99 * bound < layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert not layer.bias.any()
