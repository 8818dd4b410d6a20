"""The original's ResNet-50 without dilation: every count and shape that is known of it."""

import pytest
import torch
from torch import nn

from atdt.errors import NetworkError
from atdt.networks import NetworkSpec, build_network, macs, parameters
from atdt.networks.atdt_resnet import build

WIDTHS = (512, 256, 128, 64, 32)
MAPS = (1024, 512, 256, 64, 64)


def on_meta(out_channels=11, norm="batch", skips=False):
    with torch.device("meta"):
        return build(out_channels, norm, skips)


@pytest.mark.parametrize("norm", ["batch", "group", "instance"])
def test_it_has_the_originals_parameters(norm):
    assert parameters(on_meta(norm=norm)) == 52_234_327


def test_its_encoder_has_as_many_as_the_dilated_one():
    assert parameters(on_meta().stages) == 38_079_552
    assert parameters(on_meta(norm="none").stages) == 38_041_728


def test_the_levels_of_a_512_image():
    network = on_meta()
    assert [network.feature_shape(level, (512, 512)) for level in network.levels] == [
        (64, 256, 256),
        (64, 128, 128),
        (256, 64, 64),
        (512, 32, 32),
        (1024, 16, 16),
        (2048, 8, 8),
    ]
    assert (network.mean, network.std, network.stride) == ((0, 0, 0), (1, 1, 1), 64)


def test_it_costs_what_the_original_costs():
    network = on_meta()
    assert round(macs(nn.Sequential(*network.stages), (512, 512)) / 1e9, 1) == 27.2
    assert round(macs(network.decoder, (8, 8), channels=2048) / 1e9, 1) == 11.4


def test_stages_stride_in_their_last_unit_and_never_dilate():
    middles = [[unit.body[1][0] for unit in stage] for stage in on_meta().stages[2:]]
    assert [[conv.stride[0] for conv in stage] for stage in middles] == [
        [1, 1, 2],
        [1, 1, 1, 2],
        [1, 1, 1, 1, 1, 2],
        [1, 1, 2],
    ]
    assert {conv.dilation for stage in middles for conv in stage} == {(1, 1)}


@pytest.mark.parametrize("skips", [False, True])
def test_the_decoder_has_no_norm_in_two_doublings_and_reads_what_skips_bring(layers, skips):
    plain = ["BatchNorm2d", "ELU"]
    expected = []
    for before, width, more in zip((2048, *WIDTHS), WIDTHS, MAPS, strict=False):
        up = ["ELU"] if width == 32 else plain
        bias = "bias" if width == 32 else "no bias"
        inside = width + more if skips else width
        expected += ["double", (before, width, bias), *up, (inside, width, "no bias"), *plain]
    expected += ["double", (32, 11, "bias"), "ELU", (11, 11, "bias")]
    assert layers(on_meta(skips=skips).decoder) == expected


def test_skips_are_the_maps_of_its_steps_sizes():
    shapes = [tuple(tensor.shape[1:]) for tensor in on_meta(skips=True).decoder_inputs((512, 512))]
    assert shapes == [
        (2048, 8, 8),
        (1024, 16, 16),
        (512, 32, 32),
        (256, 64, 64),
        (64, 128, 128),
        (64, 256, 256),
    ]


@pytest.mark.parametrize("skips", [False, True])
def test_sizes_that_are_no_multiples_go_through(skips):
    made = on_meta(skips=skips)(torch.empty(1, 3, 375, 1242, device="meta"))
    assert made.shape == (1, 11, 375, 1242)


@pytest.mark.parametrize("skips", ["yes", 1, None])
def test_skips_are_true_or_false(skips):
    refused = pytest.raises(NetworkError, match=f"skips={skips}: choose true or false")
    with torch.device("meta"), refused:
        build_network(NetworkSpec("atdt-resnet50", {"skips": skips}), 1)
