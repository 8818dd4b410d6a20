"""Our Adam is torch's to the bit, and its memory survives being written down."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from atdt.adam import Adam


def named(layer, unused) -> dict[str, nn.Parameter]:
    return dict(layer.named_parameters()) | {"unused": unused}


def step(layer, adam, batch, rate):
    adam.zero_grad()
    layer(batch).square().sum().backward()
    adam.step(rate)


@pytest.fixture
def layers():
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
    for layer in (first, second):
        layer.to(memory_format=torch.channels_last)
    second.load_state_dict(first.state_dict())
    return first, second


def test_it_is_torchs_own(layers):
    first, second = layers
    unused = nn.Parameter(torch.zeros(1))
    own = Adam(named(first, unused), betas=(0.5, 0.99))
    theirs = torch.optim.Adam([*second.parameters(), unused], betas=(0.5, 0.99))
    for number, batch in enumerate(torch.randn(5, 2, 3, 5, 5)):
        rate = 0.1 / (1 + number)
        step(first, own, batch, rate)
        theirs.param_groups[0]["lr"] = rate
        theirs.zero_grad()
        second(batch).square().sum().backward()
        theirs.step()
        assert torch.equal(first.weight, second.weight)
        assert torch.equal(first.bias, second.bias)
    for kind, tensor in theirs.state[second.weight].items():
        assert torch.equal(own.tensors()[f"adam.{kind}.weight"], tensor)
    assert not any("unused" in name for name in own.tensors())


def test_restored_it_takes_the_same_steps(layers):
    first, second = layers
    unused = nn.Parameter(torch.zeros(1))
    adams = [Adam(named(layer, unused)) for layer in layers]
    batches = torch.randn(5, 2, 3, 5, 5)
    for batch in batches[:3]:
        step(first, adams[0], batch, 0.1)
    second.load_state_dict(first.state_dict())
    adams[1].restore({name: tensor.clone() for name, tensor in adams[0].tensors().items()})
    for batch in batches[3:]:
        step(first, adams[0], batch, 0.1)
        step(second, adams[1], batch, 0.1)
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)


def test_it_imports_no_compiler():
    program = (
        "import sys, torch\n"
        "from atdt.adam import Adam\n"
        "parameter = torch.nn.Parameter(torch.ones(2))\n"
        "adam = Adam({'p': parameter})\n"
        "parameter.square().sum().backward()\n"
        "adam.step(0.1)\n"
        "assert parameter.max() < 1\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
