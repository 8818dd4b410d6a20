"""The original's VGG as it was meant: counts by hand, shapes, a decoder without its mistake."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from atdt.errors import NetworkError
from atdt.networks import macs, parameters
from atdt.networks.atdt_vgg import build

BLOCKS = ((32, 7), (64, 5), (128, 3), (256, 3), (512, 3), (512, 3), (512, 3))
WIDTHS = (512, 512, 256, 128, 64, 32)
MAPS = (512, 512, 256, 128, 64, 32)


def on_meta(out_channels=11, norm="batch", skips=False):
    with torch.device("meta"):
        return build(out_channels, norm, skips)


def test_its_parameters_by_hand():
    encoder = decoder = 0
    before = 3
    for channels, kernel in BLOCKS:
        encoder += kernel**2 * channels * (before + channels) + 2 * 2 * channels
        before = channels
    for before, width in pairwise((512, *WIDTHS)):
        decoder += 9 * width * (before + width) + 2 * 2 * width
    decoder += 9 * 11 * (32 + 11) + 2 * 11
    network = on_meta()
    assert (parameters(network.stages), parameters(network.decoder)) == (encoder, decoder)


def test_its_multiply_accumulates_by_hand():
    encoder = decoder = 0
    before, side = 3, 512
    for channels, kernel in BLOCKS:
        encoder += kernel**2 * channels * (before * side**2 + channels * (side // 2) ** 2)
        before, side = channels, side // 2
    for before, width in pairwise((512, *WIDTHS)):
        side *= 2
        decoder += 9 * width * (before + width) * side**2
    decoder += 9 * 11 * (32 + 11) * (2 * side) ** 2
    network = on_meta()
    assert macs(nn.Sequential(*network.stages), (512, 512)) == encoder
    assert macs(network.decoder, (4, 4), channels=512) == decoder


@pytest.mark.parametrize("norm", ["group", "instance"])
def test_other_norms_have_as_many_scales_and_offsets_as_batch_norm(norm):
    assert parameters(on_meta(norm=norm)) == parameters(on_meta())


def test_the_levels_of_a_512_image():
    network = on_meta()
    assert [network.feature_shape(level, (512, 512)) for level in network.levels] == [
        (32, 256, 256),
        (64, 128, 128),
        (128, 64, 64),
        (256, 32, 32),
        (512, 16, 16),
        (512, 8, 8),
        (512, 4, 4),
    ]
    assert (network.mean, network.std, network.stride) == ((0, 0, 0), (1, 1, 1), 128)


def test_blocks_are_two_convolutions_of_one_kernel_with_elu_of_which_the_second_strides():
    for stage, (channels, kernel) in zip(on_meta(norm="none").stages, BLOCKS, strict=True):
        assert [type(module) for block in stage for module in block] == [nn.Conv2d, nn.ELU] * 2
        first, second = stage[0][0], stage[1][0]
        assert first.kernel_size == second.kernel_size == (kernel, kernel)
        assert (first.stride, second.stride) == ((1, 1), (2, 2))
        assert first.padding == second.padding == (kernel // 2, kernel // 2)
        assert first.out_channels == second.in_channels == second.out_channels == channels


@pytest.mark.parametrize("skips", [False, True])
def test_each_step_of_the_decoder_reads_the_step_before(layers, skips):
    plain = ["BatchNorm2d", "ELU"]
    expected = []
    for (before, width), more in zip(pairwise((512, *WIDTHS)), MAPS, strict=True):
        inside = width + more if skips else width
        expected += ["double", (before, width, "no bias"), *plain]
        expected += [(inside, width, "no bias"), *plain]
    expected += ["double", (32, 11, "bias"), "ELU", (11, 11, "bias")]
    assert layers(on_meta(skips=skips).decoder) == expected


def test_skips_are_the_maps_of_its_steps_sizes():
    shapes = [tuple(tensor.shape[1:]) for tensor in on_meta(skips=True).decoder_inputs((512, 512))]
    sides = (4, 8, 16, 32, 64, 128, 256)
    assert shapes == [(c, side, side) for c, side in zip((512, *MAPS), sides, strict=True)]


@pytest.mark.parametrize("skips", [False, True])
def test_sizes_that_are_no_multiples_go_through(skips):
    made = on_meta(skips=skips)(torch.empty(1, 3, 375, 1242, device="meta"))
    assert made.shape == (1, 11, 375, 1242)


def test_instance_norm_of_a_single_position_is_refused():
    network = on_meta(norm="instance")
    assert network.feature_shape(None, (128, 129)) == (512, 1, 2)
    with pytest.raises(NetworkError, match=r"norm=instance: features of 1x1 .*larger images"):
        network.feature_shape(None, (128, 128))
