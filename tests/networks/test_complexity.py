"""Costs by hand against costs as counted."""

import subprocess
import sys
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from atdt.networks import NetworkSpec, build_network, macs, parameters
from atdt.networks.complexity import meta_call
from atdt.transfer.architectures import ARCHITECTURES
from atdt.transfer.network import build_transfer


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


class Called(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def _by(function, x):
    return function(x, 2.5)


def same_shape(function, *inputs):
    wanted = function(*inputs)
    made = meta_call(Called(function), *(each.to("meta") for each in inputs))
    assert made.is_meta
    assert (made.shape, made.dtype) == (wanted.shape, wanted.dtype)


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.one_of(
        st.fixed_dictionaries(
            {"size": st.one_of(st.integers(1, 9), st.tuples(*[st.integers(1, 9)] * 2))}
        ),
        st.fixed_dictionaries(
            {"scale_factor": st.one_of(st.integers(1, 3), st.tuples(*[st.floats(1, 3)] * 2))}
        ),
    ),
)
def test_a_meta_call_resizes_as_torch_does(sides, how):
    features = torch.zeros(1, 2, *sides)
    for mode in ("nearest", "bilinear"):
        same_shape(partial(F.interpolate, mode=mode, **how), features)
    same_shape(nn.Upsample(**how), features)


def test_a_meta_call_computes_point_by_point_as_torch_does():
    a, row = torch.zeros(2, 4, 3, 3), torch.zeros(1, 4, 1, 1)
    whole = torch.zeros(2, 4, 3, 3, dtype=torch.int64)
    named = (torch.add, torch.mul, torch.Tensor.sub, torch.Tensor.div)
    for function in (*named, *(getattr(torch.Tensor, f"__{n}__") for n in ("add", "mul", "sub"))):
        for x, y in (
            (a, a),
            (a, row),
            (row, a),
            (a, row[0]),
            (row[0], a),
            (whole, a),
            (a, whole),
            (a[:1], a),
        ):
            same_shape(function, x, y)
        same_shape(partial(_by, function), a)
    for layer in (nn.ReLU(inplace=True), nn.ELU(), nn.GELU(), nn.Sigmoid(), nn.Dropout2d(0.5)):
        same_shape(layer, a)
    for norm in (nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.LayerNorm(3)):
        same_shape(norm, a)
    strided = a[..., ::2]
    for function in (F.relu, nn.BatchNorm2d(4), partial(_by, torch.mul)):
        same_shape(lambda x, by=function: by(x).view(2, -1), strided)
    same_shape(lambda x: x.mean((2, 3), keepdim=True).add(other=x), a)
    same_shape(lambda x: (x.to(torch.int64) * 0.5).sigmoid(), a)
    same_shape(lambda x: torch.sigmoid(x.to(torch.int64)), a)


def _other_shape(x):
    return x + torch.zeros(5, 3, device=x.device)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (nn.BatchNorm2d(5), "running_mean should contain 4 elements not 5"),
        (partial(F.instance_norm, weight=torch.zeros(5)), "weight|elements|shape"),
        (nn.GroupNorm(3, 3), "divisible|channels|groups"),
        (nn.LayerNorm(5), "normalized_shape"),
        (_other_shape, "broadcast|size"),
        (partial(F.interpolate, scale_factor=0.01), "greater than 0"),
        (partial(F.interpolate, size=2, scale_factor=2), "only one of size or scale_factor"),
        (F.interpolate, "either size or scale_factor"),
        (partial(F.interpolate, size=(2, 2, 2)), "spatial dimensions|same number"),
        (partial(F.interpolate, size=2, mode="trilinear"), "trilinear|5D"),
    ],
)
def test_what_does_not_fit_is_told_in_torchs_words(function, message):
    features = torch.zeros(2, 4, 3, 3, device="meta")
    with pytest.raises((RuntimeError, ValueError, NotImplementedError), match=message):
        meta_call(Called(function), features)


def test_a_network_is_opened_without_torchs_compiler():
    program = (
        "import sys\n"
        "from atdt.networks import NetworkSpec, build_network, macs\n"
        "for name in ('tiny', 'dilated-resnet50'):\n"
        "    network = build_network(NetworkSpec(name), 3)\n"
        "    network.feature_shape(None, (96, 192))\n"
        "    macs(network, (96, 192))\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def counted_by_torch(module, *shape) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        meta_call(module, torch.empty(2, *shape, device="meta"))
    return counter.get_total_flops() // 4


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, (3, 2), stride=2, dilation=2, groups=2),
        nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2),
        nn.Sequential(nn.Linear(8, 5), nn.GELU(), nn.Linear(5, 3)),
        Called(lambda x: x @ x.transpose(2, 3)),
        Called(lambda x: torch.bmm(x[0], x[0].transpose(1, 2))),
        # Left to torch, since nothing here knows them.
        Called(lambda x: torch.einsum("ncab,ncad->ncbd", x, x)),
        Called(lambda x: F.scaled_dot_product_attention(x, x, x)),
        Called(lambda x: F.conv2d(input=x, weight=x.new_ones(2, 4, 3, 3))),
    ],
)
def test_it_is_half_of_what_torch_counts(layer):
    assert macs(layer, (12, 8), channels=4) == counted_by_torch(layer, 4, 12, 8) > 0


@pytest.mark.parametrize("name", ["dilated-resnet50", "atdt-vgg"])
def test_networks_cost_what_torch_counts(name):
    network = build_network(NetworkSpec(name, {}), 11)
    assert macs(network, (64, 128)) == counted_by_torch(network, 3, 64, 128)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_transfer_networks_cost_what_torch_counts(name):
    network = build_transfer(name, {}, (16, 8, 12), (16, 8, 12), seed=0)
    assert macs(network, (8, 12), channels=16) == counted_by_torch(network, 16, 8, 12)
