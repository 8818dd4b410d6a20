"""From a module to torch's exported program, from which either format is written."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from atdt.errors import NetworkError, UserError

# torch takes what is 1 for a constant: a batch, a side of the deepest features.
TRACED_BATCH, FEWEST, TRACED_STEPS = 2, 2, (3, 4)
# Some Gs halve features and double them again, and need more of a size than the networks' stride.
FACTORS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Frame:
    """The images that a file takes.

    Attributes:
        size: (height, width), of what is checked and timed at least.
        batch: how many; any number when None.
        step: what height and width are multiples of, from `FEWEST` up; None: they are `size`.
    """

    size: tuple[int, int]
    batch: int | None = None
    step: int | None = None

    @property
    def shape(self) -> list[int | str]:
        """(N, 3, H, W) as a person reads it; what varies has a name."""
        batch = "batch" if self.batch is None else self.batch
        if self.step is None:
            return [batch, 3, *self.size]
        return [batch, 3, f"{self.step}*rows", f"{self.step}*columns"]

    @property
    def another_size(self) -> tuple[int, int]:
        """A size that goes as well, where any does."""
        height, width = self.size
        return height + self.step, width + 2 * self.step

    @property
    def dimensions(self) -> tuple[dict[int, Any]] | None:
        """What varies, as `torch.export` and `torch.onnx` are told."""
        varies: dict[int, Any] = {}
        if self.batch is None:
            varies[0] = Dim("batch")
        if self.step is not None:
            rows, columns = Dim("rows", min=FEWEST), Dim("columns", min=FEWEST)
            varies |= {2: self.step * rows, 3: self.step * columns}
        return (varies,) if varies else None


@dataclass(frozen=True)
class Traced:
    """A program, the images that it takes, and a batch like the one that it was traced with."""

    program: ExportedProgram
    frame: Frame
    images: Tensor


def trace(module: nn.Module, frame: Frame, like: Tensor) -> Traced:
    """Trace `module`.

    Args:
        like: images (N, 3, H, W) of the dtype and on the device that the module takes.

    Raises:
        NetworkError: torch cannot; names what it says.
    """
    batch = TRACED_BATCH if frame.batch is None else frame.batch
    images = torch.zeros(batch, 3, *frame.size, dtype=like.dtype, device=like.device)
    try:
        with quiet():
            program = torch.export.export(
                module, (images,), dynamic_shapes=frame.dimensions, strict=False
            )
    except Exception as error:  # of torch, of sympy, of a user's own network
        raise NetworkError(f"torch.export cannot trace the network ({said(error)})") from error
    return Traced(program, frame, images)


def trace_sizes(module: nn.Module, frame: Frame, like: Tensor, stride: int) -> Traced:
    """Trace `module` for images of any size that is a multiple of the smallest step that will do.

    Args:
        stride: the smallest that may do.

    Raises:
        UserError: the frame's own size is no multiple of that step, or less than `FEWEST` of them.
        NetworkError: the networks want one size.
    """
    for step in (stride * factor for factor in FACTORS):
        size = TRACED_STEPS[0] * step, TRACED_STEPS[1] * step
        try:
            traced = trace(module, Frame(size, frame.batch, step), like)
            _try_another_size(traced)
        except NetworkError as error:
            refusal = error
            continue
        if any(side % step or side < FEWEST * step for side in frame.size):
            height, width = frame.size
            raise UserError(
                f"--size {height}x{width}: with --dynamic-size both are multiples of {step}, from "
                f"{FEWEST * step} up"
            )
        return replace(traced, frame=replace(frame, step=step))
    raise NetworkError(f"--dynamic-size: leave it out: {refusal}") from refusal


def _try_another_size(traced: Traced) -> None:
    """What torch takes for granted while it traces may only show when the program is run."""
    images = traced.images.new_zeros(*traced.images.shape[:2], *traced.frame.another_size)
    try:
        with torch.inference_mode():
            traced.program.module()(images)
    except Exception as error:  # an assertion of the program's own
        raise NetworkError(f"the traced network wants one size ({said(error)})") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Within it torch says nothing on stderr: of what fails it prints all that was traced, though
    another step of size may do, and the error says it too."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def said(error: BaseException) -> str:
    """The first line of what an error says, or the one that it came from."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
