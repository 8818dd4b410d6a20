"""Adam's memory survives being written down."""

import torch
from torch import nn

from atdt.adam import adam_tensors, restore_adam


def test_a_restored_adam_takes_the_same_steps():
    torch.manual_seed(0)
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    unused = nn.Parameter(torch.zeros(1))
    adams = [torch.optim.Adam([*layer.parameters(), unused], lr=0.1) for layer in (first, second)]
    names = [dict(layer.named_parameters()) | {"unused": unused} for layer in (first, second)]
    inputs = torch.randn(5, 4, 3)

    def step(layer, adam, batch):
        adam.zero_grad()
        layer(batch).square().sum().backward()
        adam.step()

    for batch in inputs[:3]:
        step(first, adams[0], batch)
    second.load_state_dict(first.state_dict())
    saved = {name: tensor.clone() for name, tensor in adam_tensors(adams[0], names[0]).items()}
    assert "adam.exp_avg.weight" in saved
    assert not any("unused" in name for name in saved)
    restore_adam(adams[1], names[1], saved)
    for batch in inputs[3:]:
        step(first, adams[0], batch)
        step(second, adams[1], batch)
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)
