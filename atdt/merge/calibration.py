"""How far the probabilities of classes can be believed, and the temperatures at which they can.

Both are found on A. On B, networks are too sure of themselves all the same; but outputs that are
merged should be on one scale, or the surest network is heard for being sure.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from atdt.errors import UserError
from atdt.merge.ways import Way, fit
from atdt.tasks.base import Task

Example = tuple[list[Tensor], Tensor]  # of an image: each network's output, and the task's target
BINS = 15
FLATTEST = 1e-6  # a network that knows nothing of A is made flat, and never turned round


def calibrated(
    way: Way, examples: Sequence[Example], task: Task
) -> tuple[Way, list[float], list[float]]:
    """A way with a temperature for each network before it, and one behind it.

    Each is the one under which the task's loss on the examples is smallest (Guo, Pleiss, Sun,
    Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2).

    Returns:
        the way; the temperature of each network, then that of the merger; the expected calibration
        error of each network at its own.
    """
    networks = len(examples[0][0])
    each = [[(outputs[k], target) for outputs, target in examples] for k in range(networks)]
    scales = [_scale(one, task) for one in each]
    errors = [
        calibration_error(((scale * output, target) for output, target in one), task)
        for scale, one in zip(scales, each, strict=True)
    ]

    def before(outputs: list[Tensor]) -> Tensor:
        return way([scale * output for scale, output in zip(scales, outputs, strict=True)])

    behind = _scale([(before(outputs), target) for outputs, target in examples], task)
    temperatures = [1 / scale for scale in (*scales, behind)]
    return lambda outputs: behind * before(outputs), temperatures, errors


def _scale(outputs: Sequence[tuple[Tensor, Tensor]], task: Task) -> float:
    """One over the temperature."""
    (scale,), _ = fit([([output], target) for output, target in outputs], task)
    return max(scale, FLATTEST)


def calibration_error(outputs: Iterable[tuple[Tensor, Tensor]], task: Task) -> float:
    """The expected calibration error: how far the probability of the likeliest class is from how
    often it is right, |accuracy − confidence| in `BINS` bins of confidence, weighed by their pixels
    (Guo et al. 2017, equation 3).

    Args:
        outputs: logits (C, h, w) of each image, and `Task.target`'s (1, h, w).
        task: one with classes.

    Returns:
        0 to 1.

    Raises:
        UserError: no pixel counts.
    """
    pixels, apart = 0, torch.zeros(BINS, dtype=torch.float64)
    edges = torch.linspace(0, 1, BINS + 1)[1:-1]
    for output, target in outputs:
        sure, choice = output.float().softmax(dim=0).max(dim=0)
        valid = task.valid(target, len(output))[0]
        right = (choice == target[0])[valid]
        sure = sure[valid]
        apart.index_add_(0, torch.bucketize(sure, edges, right=True), right.double() - sure)
        pixels += len(sure)
    if not pixels:
        raise UserError(f"--a: none of its labels of {task.name} counts; nothing is learnt from it")
    return float(apart.abs().sum() / pixels)
