"""Modules of one piece, cut: the same numbers, or a refusal that names what is in the way."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate, relu, relu_
from torchvision.models.segmentation import (
    deeplabv3_mobilenet_v3_large,
    fcn_resnet50,
    lraspp_mobilenet_v3_large,
)

from atdt.errors import NetworkError
from atdt.networks import split_module

DEEPLAB = ["backbone.1", "backbone.3", "backbone.6", "backbone.16"]
LRASPP = ["backbone.0", "backbone.1", "backbone.3", "backbone.4"]
FCN = ["backbone.maxpool", *(f"backbone.layer{number}" for number in range(1, 5))]


def segmentation(make, **options):
    torch.manual_seed(0)
    return make(weights=None, weights_backbone=None, num_classes=4, **options)


class Toy(nn.Module):
    """Four strided convolutions and an output; what else it does is up to `tail`."""

    def __init__(self, tail=None):
        super().__init__()
        widths = [3, 4, 4, 4, 4]
        self.steps = nn.ModuleList(nn.Conv2d(i, o, 3, 2, 1) for i, o in pairwise(widths))
        self.inplace = nn.ReLU(inplace=True)
        self.head = nn.Conv2d(4, 2, 1)
        self.tail = tail or (lambda module, image, found: interpolate(found[-1], image.shape[-2:]))

    def forward(self, image):
        found = [image]
        for step in self.steps:
            found.append(step(found[-1]))
        return self.head(self.tail(self, image, found))


STEPS = [f"steps.{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("make", "nodes", "stride"),
    [
        (deeplabv3_mobilenet_v3_large, DEEPLAB, 16),
        (lraspp_mobilenet_v3_large, LRASPP, 8),
        (fcn_resnet50, FCN, 8),
    ],
)
def test_torchvisions_segmentation_models_are_themselves_once_cut(make, nodes, stride, images):
    module = segmentation(make).eval()
    network = split_module(module, nodes, output="out").eval()
    assert network.stride == stride
    assert len(network.levels) == len(nodes)
    batch = images(2, 2 * stride, 3 * stride)
    odd = images(1, 2 * stride - 3, 3 * stride - 1)
    with torch.no_grad():
        assert torch.equal(network(batch), module(batch)["out"])
        whole = network(odd)
        assert whole.shape == (1, 4, *odd.shape[-2:])
        for level, features in network.encode_levels(odd, network.levels).items():
            assert torch.equal(network.decode(features, level, odd.shape[-2:]), whole)
            assert network.feature_shape(level, odd.shape[-2:]) == features.shape[1:]


def test_weights_keep_their_names_and_what_is_not_needed_is_left_out():
    module = segmentation(fcn_resnet50, aux_loss=True)
    network = split_module(module, FCN, output="out")
    names = {name.removeprefix("stages.").partition(".")[2] for name in network.state_dict()}
    theirs = set(module.state_dict())
    assert names == {name for name in theirs if not name.startswith("aux_classifier")}
    assert any(name.startswith("aux_classifier") for name in theirs)


def test_mode_and_statistics_follow_the_network(images):
    module = segmentation(deeplabv3_mobilenet_v3_large)
    network = split_module(module, DEEPLAB)
    assert all(part.training for part in network.modules())
    before = network.weights_digest("encoder")
    network(images(2, 32, 32))
    assert network.weights_digest("encoder") != before
    assert not any(part.training for part in network.eval().modules())


def test_a_skip_over_a_cut_is_refused_and_named():
    module = Toy(
        lambda module, image, found: interpolate(found[1], scale_factor=2) + found[4].sum()
    )
    with pytest.raises(
        NetworkError, match=r"cut at 'steps\.3': 'steps\.0' is needed on both sides"
    ):
        split_module(module, STEPS)
    # Cut before the skip begins, all is well.
    assert len(split_module(Chain(module), ["a", "b", "c", "module.steps.0"]).levels) == 4


class Chain(nn.Module):
    """Three layers that keep the size, then a module."""

    def __init__(self, module):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(3, 3, 1) for _ in range(3))
        self.module = module

    def forward(self, image):
        return self.module(self.c(self.b(self.a(image))))


def test_lraspp_cannot_be_cut_behind_the_features_that_it_skips_from():
    nodes = [*LRASPP[:3], "backbone.10"]
    with pytest.raises(NetworkError, match=r"in 'backbone\.10': 'backbone\.4\.\S+' is needed on b"):
        split_module(segmentation(lraspp_mobilenet_v3_large), nodes)


def test_the_image_itself_may_not_cross():
    module = Toy(lambda module, image, found: module.steps[0](image) + found[4].sum())
    with pytest.raises(NetworkError, match="the image 'image' is needed on both sides"):
        split_module(module, STEPS)


def test_the_size_of_other_features_may_not_cross():
    module = Toy(
        lambda module, image, found: interpolate(
            interpolate(found[4], found[1].shape[-2:]), image.shape[-2:]
        )
    )
    with pytest.raises(NetworkError, match=r"'steps\.0' is needed on both sides"):
        split_module(module, STEPS)


@pytest.mark.parametrize(
    "size_of",
    [
        lambda image: image.shape[-2:],
        lambda image: image.size()[2:],
        lambda image: (image.size(2), image.size(dim=-1)),
        lambda image: (image.shape[2] // 4 * 4, image.shape[3] * 1),
    ],
)
def test_the_image_s_size_crosses_in_every_spelling(size_of, images):
    module = Toy(lambda module, image, found: interpolate(found[-1], size_of(image))).eval()
    network = split_module(module, STEPS).eval()
    batch = images(2, 32, 48)
    assert torch.equal(network(batch), module(batch))
    for level in network.levels:
        features = network.encode(batch, level)
        assert torch.equal(network.decode(features, level), module(batch))


def test_a_middle_stage_may_read_the_size_as_well(images):
    class Middle(Toy):
        def forward(self, image):
            deep = self.steps[1](self.steps[0](image))
            wide = self.inplace(self.steps[2](interpolate(deep, image.shape[-2:])))
            return self.head(interpolate(wide, image.shape[-2:]))

    module = Middle().eval()
    network = split_module(module, ["steps.0", "steps.1", "interpolate", "inplace"]).eval()
    batch = images(1, 16, 24)
    assert torch.equal(network(batch), module(batch))
    assert [network.feature_shape(level, (16, 24))[1] for level in network.levels] == [8, 4, 16, 8]


@pytest.mark.parametrize(
    ("overwrite", "named"),
    [
        (lambda module, x: module.inplace(x), "inplace"),
        (lambda module, x: relu_(x), "relu_"),
        (lambda module, x: relu(x, inplace=True), "relu"),
        (lambda module, x: x.mul_(2), "mul_"),
    ],
)
def test_a_cut_whose_features_are_overwritten_is_refused(overwrite, named):
    module = Toy(
        lambda module, image, found: interpolate(overwrite(module, found[-1]), image.shape[-2:])
    )
    message = rf"cut at 'steps\.3': '{named}' changes it in place; cut behind that"
    with pytest.raises(NetworkError, match=message):
        split_module(module, STEPS)
    split_module(module, [*STEPS[:3], named])


def test_a_result_in_place_that_nobody_takes_is_refused():
    def tail(module, image, found):
        found[-1].mul_(2)
        return interpolate(found[-1], image.shape[-2:])

    with pytest.raises(NetworkError, match="'mul_' changes a tensor in place and its result is no"):
        split_module(Toy(tail), STEPS)


def test_nodes_out_of_order_are_refused():
    with pytest.raises(NetworkError, match=r"'steps\.1' does not depend on 'steps\.2'.* in order"):
        split_module(Toy(), ["steps.0", "steps.2", "steps.1", "steps.3"])


def test_three_cuts_are_too_few():
    with pytest.raises(NetworkError, match="at least 4 stages"):
        split_module(Toy(), STEPS[:3])


def test_levels_divide_the_image_s_sides_by_whole_numbers():
    module = Toy()
    module.steps[2] = nn.Conv2d(4, 4, 3, 2)
    with pytest.raises(NetworkError, match=r"'steps\.2': is 47x79 for an image of 384x640"):
        split_module(module, STEPS)
    pooled = Toy(lambda module, image, found: interpolate(found[-1], image.shape[-2:]))
    pooled.steps[3] = nn.Sequential(nn.AdaptiveAvgPool2d(1), pooled.steps[3])
    with pytest.raises(NetworkError, match=r"'steps\.3': is 1x1 for an image"):
        split_module(pooled, STEPS)


def test_a_stride_that_is_too_small_is_refused():
    with pytest.raises(NetworkError, match="stride=8: its levels need a multiple of 16"):
        split_module(Toy(), STEPS, stride=8)
    assert split_module(Toy(), STEPS, stride=32).stride == 32


def test_a_level_holds_features():
    module = Toy(lambda module, image, found: interpolate(found[-1], image.shape[-2:]))
    module.steps[3] = nn.Sequential(module.steps[3], nn.Flatten(), nn.Unflatten(1, (4, -1, 1)))
    with pytest.raises(NetworkError, match=r"'steps\.3\.1': not a tensor of features"):
        split_module(module, [*STEPS[:3], "steps.3.1"])


def test_preprocessing_is_handed_on():
    network = split_module(Toy(), STEPS, mean=(0.1, 0.2, 0.3), std=(1, 2, 3))
    assert (network.mean, network.std) == ((0.1, 0.2, 0.3), (1, 2, 3))
