"""What a module costs, known before it is run."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode


def meta_call(module: nn.Module, *inputs: Tensor) -> Any:
    """What `module` returns for inputs on the meta device: shapes without values.

    Its weights are stood in for by empty ones for the call, so the module itself, its
    batch-norm statistics included, stays as it is, on whatever device.
    """
    stand_ins = {
        name: torch.empty_like(tensor, device="meta")
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }
    with torch.no_grad(), _ShapesAlone():
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


class _ShapesAlone(TorchFunctionMode):
    """Answers what torch would work out in Python, step by step, on the meta device.

    It imports its compiler for that, two seconds of a processor in every process that opens a
    network, and then takes most of the time of opening it. All else is as torch has it.
    """

    NORMS = frozenset((F.batch_norm, F.group_norm, F.instance_norm, F.layer_norm))
    POINTWISE = frozenset(
        (
            *(F.relu, F.relu_, F.leaky_relu, F.elu, F.gelu, F.silu, F.dropout, F.dropout2d),
            *(torch.relu, torch.relu_, torch.sigmoid, torch.add, torch.mul),
            *(Tensor.relu, Tensor.relu_, Tensor.sigmoid, Tensor.add, Tensor.add_, Tensor.mul),
            *(Tensor.__add__, Tensor.__iadd__, Tensor.__sub__, Tensor.__mul__),
        )
    )

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in self.NORMS and args:
            return args[0]
        if func in self.POINTWISE and _all_alike(args):
            return args[0]
        if func is F.interpolate and args:
            return _interpolated(*args, **kwargs)
        return func(*args, **kwargs)


def _all_alike(arguments: tuple[Any, ...]) -> bool:
    """Whether what is computed point by point of these is as the first of them."""
    first = arguments[0] if arguments else None
    return isinstance(first, Tensor) and all(
        (each.shape, each.dtype) == (first.shape, first.dtype)
        for each in arguments
        if isinstance(each, Tensor)
    )


def _interpolated(
    features: Tensor, size: Any = None, scale_factor: Any = None, *_: Any, **__: Any
) -> Tensor:
    """Of the shape that `F.interpolate` gives it."""
    sides = features.shape[2:]
    each = scale_factor if size is None else size
    each = tuple(each) if isinstance(each, tuple | list | torch.Size) else (each,) * len(sides)
    if size is None:
        each = tuple(math.floor(side * by) for side, by in zip(sides, each, strict=True))
    return features.new_empty((*features.shape[:2], *each))
