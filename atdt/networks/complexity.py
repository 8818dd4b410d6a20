"""What a module costs, known before it is run."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call


def meta_call(module: nn.Module, *inputs: Tensor) -> Any:
    """What `module` returns for inputs on the meta device: shapes without values.

    Its weights are stood in for by empty ones for the call, so the module itself, its
    batch-norm statistics included, stays as it is, on whatever device.
    """
    stand_ins = {
        name: torch.empty_like(tensor, device="meta")
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }
    with torch.no_grad():
        return functional_call(module, stand_ins, inputs)


def macs(module: nn.Module, size: tuple[int, int], channels: int = 3) -> int:
    """Multiply-accumulates of a forward pass over one sample; nothing is computed.

    Half of what torch's FlopCounterMode counts: convolutions and matrix products. Biases, norms,
    activations and resizing do not count.

    Args:
        module: a whole network, a sequence of its stages, a transfer network.
        size: (height, width) of the module's input: pixels of an image, or sides of features.
        channels: of that input.
    """
    from torch.utils.flop_counter import FlopCounterMode  # brings triton: 76 MB, half a second

    sample = torch.empty(2, channels, *size, device="meta")  # batch norm in training wants two
    with FlopCounterMode(display=False) as counter:
        meta_call(module, sample)
    return counter.get_total_flops() // (2 * len(sample))


def parameters(module: nn.Module) -> int:
    """How many trainable numbers the module has."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
