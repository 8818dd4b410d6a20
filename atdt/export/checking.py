"""Whether a file predicts what the networks predict that it was made from."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from atdt.errors import NetworkError
from atdt.export.deployed import Deployed
from atdt.export.tracing import said

Call = Callable[[Tensor], Tensor]

TIMES = (
    8  # two runtimes that round in their own ways were 1.0 to 1.4 times as far apart as measured
)
FLOOR = 2.0**-20  # sixteen roundings of float32, where a network has hardly any of its own
CEILING = 0.05  # what is further is no rounding, in no precision
TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class Check:
    """How far a file is from PyTorch.

    Attributes:
        difference: the greatest, in units of the largest output; infinite where shapes or dtypes
            differ, NaN where an output is NaN.
        changed, pixels: of classes: how many pixels have another, of how many; else 0.
    """

    difference: float
    changed: int = 0
    pixels: int = 0


@torch.inference_mode()
def compare(deployed: Deployed, call: Call, batches: Sequence[Tensor]) -> Check:
    """Run the module and the file that was made from it on the same images.

    Raises:
        NetworkError: the file cannot be run on them.
    """
    differences, changed, pixels = [], 0, 0
    for images in batches:
        output = deployed.output(images)
        expected, found = deployed.finished(output), _called(call, images)
        differences.append(difference(output, expected, found))
        if not expected.is_floating_point() and expected.shape == found.shape:
            changed += int((expected != found).sum())
            pixels += expected.numel()
    return Check(_greatest(differences), changed, pixels)


def difference(output: Tensor, expected: Tensor, found: Tensor) -> float:
    """How far `found` is from `expected`, in units of the largest value.

    Classes have no distance, and where two are all but equally likely rounding decides between
    them. Their difference is how far the logit of the class found is below the greatest; so another
    class is as little amiss as logits that round in another way.

    Args:
        output: of the decoder (N, C, H, W), from which `expected` was made.
        expected, found: predictions, or outputs, of the same images.
    """
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return torch.inf
    if expected.is_floating_point():
        return ((found - expected).abs().max() / expected.abs().max().clamp(min=TINY)).item()
    if found.max() >= output.shape[1]:
        return torch.inf
    behind = output.amax(dim=1, keepdim=True) - output.gather(1, found.long()[:, None])
    return (behind.max() / output.abs().max().clamp(min=TINY)).item()


def let_through(deployed: Deployed, batches: Sequence[Tensor], found: float) -> float:
    """How far a file may be from PyTorch: `TIMES` as far as PyTorch is from double precision, on
    the same images. `resnet101` with drawn weights rounds by 1e-3, `tiny` by 2e-6.

    Args:
        found: how far it is; nothing is computed where that is below `FLOOR` anyway.

    Raises:
        NetworkError: the network cannot be run in double precision.
    """
    if found <= FLOOR:
        return FLOOR
    return min(max(TIMES * _rounding(deployed, batches), FLOOR), CEILING)


@torch.inference_mode()
def _rounding(deployed: Deployed, batches: Sequence[Tensor]) -> float:
    exact = deepcopy(deployed).double()
    exact.precision = "float32"  # which is no autocast
    differences = []
    for images in batches:
        output = deployed.output(images)
        precise = images.double() / (255 if images.dtype == torch.uint8 else 1)
        try:
            wanted = exact.output(precise)
        except RuntimeError as error:
            raise NetworkError(
                f"no double precision to measure rounding by ({said(error)}); give --tolerance"
            ) from error
        differences.append(difference(wanted, wanted, output))
        differences.append(difference(wanted, exact.finished(wanted), exact.finished(output)))
    return _greatest(differences)


def _called(call: Call, images: Tensor) -> Tensor:
    try:
        return call(images)
    except Exception as error:  # of either runtime
        shape = "×".join(map(str, images.shape))
        raise NetworkError(f"the file does not take {shape} images ({said(error)})") from error


def _greatest(differences: Sequence[float]) -> float:
    """The greatest; NaN where one is."""
    return max(differences, key=lambda value: (value != value, value))
