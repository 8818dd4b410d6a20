"""What a module costs, known before it is run."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
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

    Half of what torch's FlopCounterMode counts, which is asked where a network does what is not
    known here: convolutions and matrix products. Biases, norms, activations and resizing do not
    count.

    Args:
        module: a whole network, a sequence of its stages, a transfer network.
        size: (height, width) of the module's input: pixels of an image, or sides of features.
        channels: of that input.
    """
    sample = torch.empty(2, channels, *size, device="meta")  # batch norm in training wants two
    with _Products() as products:
        meta_call(module, sample)
    if products.unsure:
        from torch.utils.flop_counter import FlopCounterMode  # brings torch's compiler, too

        with FlopCounterMode(display=False) as counter:
            meta_call(module, sample)
        return counter.get_total_flops() // (2 * len(sample))
    return products.total // len(sample)


def parameters(module: nn.Module) -> int:
    """How many trainable numbers the module has."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


class _Products(TorchFunctionMode):
    """Counts multiply-accumulates; `unsure` once something passes that might have more of them."""

    FREE = frozenset(
        """
        __get__ __getitem__ size dim numel to float type contiguous is_contiguous is_floating_point
        _set_grad_enabled empty empty_like new_empty zeros zeros_like ones ones_like arange
        __add__ __radd__ __iadd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __neg__
        add add_ sub sub_ mul mul_ div div_ abs exp log sqrt rsqrt clamp
        relu relu_ leaky_relu elu gelu silu sigmoid tanh softplus softmax log_softmax
        dropout dropout2d batch_norm instance_norm group_norm layer_norm normalize
        mean sum amax amin var std max_pool2d avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d
        cat stack split chunk unbind expand repeat view reshape flatten unflatten squeeze unsqueeze
        permute transpose movedim pad interpolate pixel_shuffle pixel_unshuffle
        """.split()  # noqa: SIM905 – a name a line is none the clearer
    )

    def __init__(self) -> None:
        super().__init__()
        self.total, self.unsure = 0, False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        if func in PRODUCTS and len(args) > 1:
            self.total += PRODUCTS[func](made, *args[:2])
        elif getattr(func, "__name__", "") not in self.FREE:
            self.unsure = True
        return made


def _of_convolution(made: Tensor, _: Tensor, weight: Tensor) -> int:
    return made.numel() * weight[0].numel()


def _of_transposed(_: Tensor, x: Tensor, weight: Tensor) -> int:
    return x.numel() * weight[0].numel()


def _of_matrices(made: Tensor, x: Tensor, _: Tensor) -> int:
    return made.numel() * x.shape[-1]


# By the result and the first two arguments.
PRODUCTS: Mapping[Callable[..., Any], Callable[[Tensor, Tensor, Tensor], int]] = {
    F.conv2d: _of_convolution,
    F.conv_transpose2d: _of_transposed,
    F.linear: _of_matrices,
    torch.matmul: _of_matrices,
    torch.bmm: _of_matrices,
    Tensor.matmul: _of_matrices,
    Tensor.__matmul__: _of_matrices,
}


class _ShapesAlone(TorchFunctionMode):
    """Answers what torch would work out in Python, step by step, on the meta device.

    It imports its compiler for that, two seconds of a processor in every process that opens a
    network, and then takes most of the time of opening it. What is not plainly as below, or does
    not fit, is left to torch.
    """

    POINTWISE = frozenset(
        (
            *(F.relu, F.leaky_relu, F.elu, F.gelu, F.silu, F.dropout, F.dropout2d),
            *(torch.relu, torch.sigmoid, torch.add, torch.sub, torch.mul, torch.div),
            *(Tensor.relu, Tensor.sigmoid, Tensor.add, Tensor.sub, Tensor.mul, Tensor.div),
            *(Tensor.__add__, Tensor.__sub__, Tensor.__mul__, Tensor.__truediv__),
        )
    )
    IN_PLACE = frozenset((F.relu_, torch.relu_, Tensor.relu_, Tensor.add_, Tensor.__iadd__))

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in self.IN_PLACE and _pointwise(args, kwargs) == args[0].shape:
            return args[0]
        if func in self.POINTWISE and (shape := _pointwise(args, kwargs)) is not None:
            return args[0].new_empty(shape)
        if func in FITS and FITS[func](*args, **kwargs):
            return torch.empty_like(args[0])
        if func is F.interpolate and (sides := _resized(*args, **kwargs)):
            return args[0].new_empty((*args[0].shape[:2], *sides))
        return func(*args, **kwargs)


def _pointwise(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> tuple[int, ...] | None:
    """The shape of what is computed point by point of these; None where torch is to say."""
    tensors = [each for each in arguments if isinstance(each, Tensor)]
    plain = (
        tensors
        and tensors[0] is arguments[0]
        and tensors[0].is_floating_point()
        and all((e.dtype, e.device) == (tensors[0].dtype, tensors[0].device) for e in tensors)
        and not any(isinstance(option, Tensor) for option in options.values())
    )
    try:
        return np.broadcast_shapes(*(each.shape for each in tensors)) if plain else None
    except ValueError:
        return None


def _batch_norm_fits(
    x: Tensor,
    mean: Any = None,
    var: Any = None,
    weight: Any = None,
    bias: Any = None,
    *_: Any,
    **__: Any,
) -> bool:
    return x.ndim > 1 and _are(x.shape[1:2], mean, var, weight, bias)


def _group_norm_fits(
    x: Tensor, groups: int, weight: Any = None, bias: Any = None, *_: Any, **__: Any
) -> bool:
    return x.ndim > 1 and x.shape[1] % groups == 0 and _are(x.shape[1:2], weight, bias)


def _layer_norm_fits(
    x: Tensor, shape: Sequence[int], weight: Any = None, bias: Any = None, *_: Any, **__: Any
) -> bool:
    return x.shape[x.ndim - len(shape) :] == tuple(shape) and _are(tuple(shape), weight, bias)


def _are(shape: Sequence[int], *tensors: Tensor | None) -> bool:
    return all(tensor is None or tensor.shape == tuple(shape) for tensor in tensors)


# Norms change no shape, if they fit.
FITS: Mapping[Callable[..., Any], Callable[..., bool]] = {
    F.batch_norm: _batch_norm_fits,
    F.instance_norm: _batch_norm_fits,
    F.group_norm: _group_norm_fits,
    F.layer_norm: _layer_norm_fits,
}


def _resized(
    x: Any = None,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    *_: Any,
    **__: Any,
) -> tuple[int, ...]:
    """Height and width of what `F.interpolate` gives; empty where torch is to say."""
    asked = scale_factor if size is None else size
    plain = mode in ("bilinear", "bicubic") or (mode == "nearest" and align_corners is None)
    if not (plain and isinstance(x, Tensor) and x.ndim == 4) or None not in (size, scale_factor):
        return ()
    each = tuple(asked) if isinstance(asked, tuple | list) else (asked, asked)
    if len(each) != 2 or not all(isinstance(side, int | float) for side in each):
        return ()
    if size is None:
        each = tuple(math.floor(side * by) for side, by in zip(x.shape[2:], each, strict=True))
    return each if min(each) > 0 and all(isinstance(side, int) for side in each) else ()
