"""The paper's network: every count and shape that is known of it, and its quirks."""

import math

import pytest
import torch
from torch import nn

from atdt.networks import macs, parameters
from atdt.networks.dilated_resnet import Bottleneck, ZeroPaddedMaxPool, build


def on_meta(out_channels=11, norm="batch"):
    with torch.device("meta"):
        return build(out_channels, norm)


@pytest.mark.parametrize(("norm", "expected"), [("batch", 38_079_552), ("none", 38_041_728)])
def test_the_encoder_has_the_papers_parameters(norm, expected):
    assert parameters(on_meta(norm=norm).stages) == expected


@pytest.mark.parametrize(
    ("out_channels", "expected"), [(11, 40_729_687), (1, 40_725_707), (3, 40_726_359)]
)
def test_the_whole_network_has_the_papers_parameters(out_channels, expected):
    assert parameters(on_meta(out_channels)) == expected


@pytest.mark.parametrize("norm", ["group", "instance"])
def test_other_norms_have_as_many_scales_and_offsets_as_batch_norm(norm):
    assert parameters(on_meta(norm=norm)) == 40_729_687


def test_the_levels_of_a_512_image():
    network = on_meta()
    assert [network.feature_shape(level, (512, 512)) for level in network.levels] == [
        (64, 128, 128),
        (256, 64, 64),
        (512, 32, 32),
        (1024, 32, 32),
        (2048, 32, 32),
    ]


def test_it_costs_what_the_paper_s_costs():
    network = on_meta()
    assert round(macs(nn.Sequential(*network.stages), (512, 512)) / 1e9, 1) == 48.0
    assert round(macs(network.decoder, (32, 32), channels=2048) / 1e9, 1) == 15.0
    assert round(macs(on_meta(1).decoder, (32, 32), channels=2048) / 1e9, 1) == 14.0


def test_stages_stride_in_their_last_unit_or_dilate_in_all():
    stages = on_meta().stages[1:]
    middles = [[unit.body[1][0] for unit in stage] for stage in stages]
    assert [[conv.stride[0] for conv in stage] for stage in middles] == [
        [1, 1, 2],
        [1, 1, 1, 2],
        [1] * 6,
        [1] * 3,
    ]
    assert [[conv.dilation[0] for conv in stage] for stage in middles] == [
        [1] * 3,
        [1] * 4,
        [2] * 6,
        [4] * 3,
    ]
    assert all(unit.shortcut[0].kernel_size == (1, 1) for stage in stages for unit in stage)


def test_a_bottleneck_is_elu_of_a_sum_of_two_linear_paths():
    unit = Bottleneck(8, 4, None, stride=2, dilation=2)
    features = torch.randn(2, 8, 6, 6)
    first, middle, last = (block[0] for block in unit.body)
    elu = nn.functional.elu
    expected = elu(last(elu(middle(elu(first(features))))) + unit.shortcut[0](features))
    assert torch.equal(unit(features), expected)
    assert expected.shape == (2, 16, 3, 3)


def test_the_decoder_doubles_four_times_with_its_quirks():
    described = []
    for module in on_meta(out_channels=11).decoder.modules():
        if isinstance(module, nn.Upsample):
            assert (module.scale_factor, module.mode) == (2, "nearest")
            described.append("double")
        elif isinstance(module, nn.Conv2d):
            assert (module.kernel_size, module.stride, module.padding) == ((3, 3), (1, 1), (1, 1))
            bias = "bias" if module.bias is not None else "no bias"
            described.append((module.in_channels, module.out_channels, bias))
        elif isinstance(module, nn.BatchNorm2d | nn.ELU):
            described.append(type(module).__name__)
    plain = ["BatchNorm2d", "ELU"]
    assert described == [
        *("double", (2048, 128, "no bias"), *plain, (128, 128, "no bias"), *plain),
        *("double", (128, 64, "no bias"), *plain, (64, 64, "no bias"), *plain),
        *("double", (64, 32, "bias"), "ELU", (32, 32, "no bias"), *plain),
        *("double", (32, 11, "bias"), "ELU", (11, 11, "bias")),
    ]


def test_pooling_pads_with_zeros():
    features = torch.full((1, 1, 4, 4), -0.5)
    pooled = ZeroPaddedMaxPool()(features)
    assert pooled.tolist() == [[[[0.0, 0.0], [0.0, -0.5]]]]


def test_weights_are_glorot_uniform_and_biases_zero():
    torch.manual_seed(0)
    convolutions = [m for m in build(11, "none").modules() if isinstance(m, nn.Conv2d)]
    for layer in convolutions:
        fan = layer.kernel_size[0] ** 2 * (layer.in_channels + layer.out_channels)
        bound = math.sqrt(6 / fan)
        assert layer.weight.abs().max() <= bound
        assert layer.weight.abs().max() > 0.95 * bound
        assert not layer.bias.any()


def test_images_are_not_normalised():
    network = on_meta()
    assert (network.mean, network.std, network.stride) == ((0, 0, 0), (1, 1, 1), 16)
