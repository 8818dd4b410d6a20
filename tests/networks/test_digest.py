"""Who is whom: digests of a network's parts."""

import copy
import re

import pytest
import torch

from atdt.networks import NetworkSpec, build_network

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
PARTS = ("encoder", "decoder", "network")


def digests(network):
    return {
        (part, level): network.weights_digest(part, level)
        for part in PARTS
        for level in network.levels
    }


@pytest.fixture
def five(toy):
    torch.manual_seed(3)
    return toy(stages=5)


def test_a_digest_is_a_sha256(five):
    assert re.fullmatch("[0-9a-f]{64}", five.weights_digest("encoder"))


@pytest.mark.parametrize("device", DEVICES)
def test_device_memory_layout_mode_and_preprocessing_do_not_count(five, device):
    before = digests(five)
    five.mean = (0.1, 0.2, 0.3)
    moved = copy.deepcopy(five).to(device, memory_format=torch.channels_last).eval()
    assert moved.stages[0][0].weight.is_contiguous(memory_format=torch.channels_last)
    assert digests(moved.requires_grad_(False)) == before


def test_the_deepest_level_is_the_default(five):
    for part in PARTS:
        assert five.weights_digest(part) == five.weights_digest(part, "level4")


def test_the_whole_network_is_the_same_wherever_it_is_cut(five):
    found = digests(five)
    assert len({found["network", level] for level in five.levels}) == 1
    assert len(set(found.values())) == 2 * 5 + 1  # all others differ


@pytest.mark.parametrize("stage", range(5))
@pytest.mark.parametrize("tensor", ["0.weight", "0.bias", "1.running_var"])
def test_a_changed_number_changes_what_it_is_in_and_nothing_else(five, stage, tensor):
    before = digests(five)
    five.stages[stage].state_dict()[tensor].view(-1)[-1] += 1e-3
    after = digests(five)
    for (part, level), digest in after.items():
        index = five.levels.index(level)
        inside = {"encoder": stage <= index, "decoder": stage > index, "network": True}[part]
        assert (digest != before[part, level]) == inside, (part, level)


def test_the_decoder_counts_in_every_decoder_and_in_no_encoder(five):
    before = digests(five)
    with torch.no_grad():
        five.decoder[0].bias += 1
    after = digests(five)
    for (part, level), digest in after.items():
        assert (digest != before[part, level]) == (part != "encoder"), (part, level)


def test_dtype_counts(five):
    assert copy.deepcopy(five).double().weights_digest("encoder") != five.weights_digest("encoder")


def test_shared_stages_have_one_digest(five, toy):
    other = toy(stages=5)
    assert other.weights_digest("encoder") != five.weights_digest("encoder")
    other.stages = five.stages
    assert other.weights_digest("encoder") == five.weights_digest("encoder")
    assert other.weights_digest("decoder") != five.weights_digest("decoder")


def test_options_that_leave_weights_as_they_are_count():
    """Two output strides of a ResNet have the same weights and other features."""
    wide, narrow = (
        build_network(NetworkSpec("resnet50", {"output_stride": stride}), 1, seed=0)
        for stride in (8, 32)
    )
    narrow.stages.load_state_dict(wide.stages.state_dict())  # by the same names and shapes
    assert wide.weights_digest("encoder") != narrow.weights_digest("encoder")
