"""The curves of a training: a CSV file for every tool, TensorBoard events for looking."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import torch

from atdt.errors import NumericsError
from atdt.files import write_atomic
from atdt.runs import CURVES, TENSORBOARD


class Curves:
    """Appends rows to `curves.csv` and `tensorboard/` of a run; a context manager.

    Args:
        folder: the run's folder.
        columns: names of the values that a row may hold, besides "step".
        start: the step that training goes on from: rows after it, of a training that was cut off
            later than its last checkpoint, are dropped.
    """

    def __init__(self, folder: Path, columns: tuple[str, ...], start: int = 0):
        from torch.utils.tensorboard import SummaryWriter  # half a second that only trainings pay

        self._columns = ("step", *columns)
        path = folder / CURVES
        write_atomic(path, self._kept(path, start).encode())
        self._file = path.open("a", newline="")
        self._rows = self._writer(self._file)
        self._events = SummaryWriter(str(folder / TENSORBOARD), purge_step=start + 1)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Log `values`, by column, as they were after `step` steps."""
        self._rows.writerow({"step": step, **{k: repr(float(v)) for k, v in values.items()}})
        for name, value in values.items():
            self._events.add_scalar(name, value, step)

    def flush(self) -> None:
        """Hand all rows to the operating system, so that a killed process has not lost them."""
        self._file.flush()
        self._events.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._events.close()

    def _kept(self, path: Path, start: int) -> str:
        """The text of the file up to and including step `start`, with its header."""
        text = io.StringIO(newline="")
        rows = self._writer(text)
        rows.writeheader()
        if start and path.exists():
            whole, _, _torn = path.read_text().rpartition("\n")  # a kill may cut the last row
            earlier = csv.DictReader(io.StringIO(whole))
            rows.writerows(row for row in earlier if int(row["step"]) <= start)
        return text.getvalue()

    def _writer(self, file: TextIO) -> csv.DictWriter:
        return csv.DictWriter(file, self._columns, restval="", lineterminator="\n")


class RecentLosses:
    """Sums losses between two rows of the curves, on the device, so that no step waits for it."""

    def __init__(self, names: Sequence[str], device: torch.device):
        self.names = tuple(names)
        self._sum = torch.zeros(len(names), device=device)
        self._steps = torch.zeros((), dtype=torch.int64)

    def add(self, losses: torch.Tensor) -> None:
        """Add the (branches,) losses of a step."""
        self._sum += losses
        self._steps += 1

    def means(self, step: int) -> dict[str, float]:
        """Means by name since the last call, up to step `step`.

        Raises:
            NumericsError: one is not finite.
        """
        means = (self._sum / self._steps.item()).tolist()
        if not all(math.isfinite(mean) for mean in means):
            raise NumericsError(
                f"the loss is not finite at step {step}: try a lower --learning-rate "
                "or --precision float32"
            )
        self._sum.zero_()
        self._steps.zero_()
        return dict(zip(self.names, means, strict=True))

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint needs."""
        return {"losses.sum": self._sum, "losses.steps": self._steps}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take over what `tensors` gave."""
        self._sum.copy_(tensors["losses.sum"])
        self._steps.copy_(tensors["losses.steps"])
