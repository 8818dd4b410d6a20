"""The paper's network: every count and shape that is known of it, and its quirks."""

import hashlib
import math

import pytest
import torch
from torch import nn

from atdt.networks import macs, parameters
from atdt.networks.dilated_resnet import build


def on_meta(out_channels=11, norm="batch", skips=False):
    with torch.device("meta"):
        return build(out_channels, norm, skips)


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


def test_the_decoder_doubles_four_times_with_its_quirks(layers):
    plain = ["BatchNorm2d", "ELU"]
    assert layers(on_meta(out_channels=11).decoder) == [
        *("double", (2048, 128, "no bias"), *plain, (128, 128, "no bias"), *plain),
        *("double", (128, 64, "no bias"), *plain, (64, 64, "no bias"), *plain),
        *("double", (64, 32, "bias"), "ELU", (32, 32, "no bias"), *plain),
        *("double", (32, 11, "bias"), "ELU", (11, 11, "bias")),
    ]


def test_weights_keep_the_names_that_runs_have():
    """Runs of long ago must load: nothing may be renamed."""
    names = sorted(name for name, _ in on_meta(norm="none").named_parameters())
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    assert (len(names), names[0], names[-1]) == (
        146,
        "decoder.0.1.0.bias",
        "stages.4.2.shortcut.0.weight",
    )
    assert digest == "9885dad03c4705007e7307c889ac11e5c79be3e3d565a95ec636cad8dae376ca"


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


def test_skips_are_the_maps_of_its_steps_sizes(layers):
    """Mended by one level: the original's maps are twice too small."""
    network = on_meta(skips=True)
    convolutions = [layer[:2] for layer in layers(network.decoder) if isinstance(layer, tuple)]
    assert convolutions == [
        *((2048, 128), (128 + 256, 128)),
        *((128, 64), (64 + 64, 64)),
        *((64, 32), (32 + 64, 32)),
        *((32, 11), (11, 11)),
    ]
    shapes = [tuple(tensor.shape[1:]) for tensor in network.decoder_inputs((512, 512))]
    assert shapes == [(2048, 32, 32), (256, 64, 64), (64, 128, 128), (64, 256, 256)]
    assert parameters(network) - parameters(on_meta()) == 9 * (256 * 128 + 64 * 64 + 64 * 32)


def test_skips_leave_all_names_as_they_are():
    plain, skipping = on_meta().state_dict(), on_meta(skips=True).state_dict()
    assert list(plain) == list(skipping)
    changed = [name for name in plain if plain[name].shape != skipping[name].shape]
    assert changed == [f"decoder.{step}.0.weight" for step in (1, 3, 5)]


@pytest.mark.parametrize("skips", [False, True])
def test_sizes_that_are_no_multiples_go_through(skips):
    assert on_meta(skips=skips)(torch.empty(1, 3, 375, 1242, device="meta")).shape[2:] == (
        375,
        1242,
    )
