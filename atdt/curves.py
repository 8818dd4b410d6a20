"""The curves of a training: a CSV file for every tool, TensorBoard events for looking."""

import csv
import io
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import torch

from atdt.copies import Sent
from atdt.disk import naming
from atdt.errors import NumericsError
from atdt.files import write_atomic
from atdt.runs import CURVES, TENSORBOARD
from atdt.texts import read_bounded

FLUSH_EVERY = 10  # seconds: somebody may be looking


class Curves:
    """Appends rows to `curves.csv` and `tensorboard/` of a run; a context manager.

    Args:
        folder: the run's folder.
        columns: names of the values that a row may hold, besides "step".
        start: the step that training goes on from: rows after it, of a training that was cut off
            later than its last checkpoint, are dropped.
    """

    def __init__(self, folder: Path, columns: tuple[str, ...], start: int = 0):
        from atdt.events import Events  # protocol buffers, which only trainings pay for

        self._columns = ("step", *columns)
        self._sent = Sent(folder)
        kept = self._kept(folder / CURVES, start)
        folder = self._sent.here
        self._path = folder / CURVES
        write_atomic(self._path, kept.encode())
        self._events = Events(folder / TENSORBOARD, start + 1)
        try:
            self._file = self._path.open("a", newline="")
        except BaseException:
            self._events.close()
            raise
        self._rows = self._writer(self._file)
        self._flushed = time.monotonic()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Log `values`, by column, as they were after `step` steps."""
        with naming(self._path):
            self._rows.writerow({"step": step, **{k: repr(float(v)) for k, v in values.items()}})
        self._events.add(step, values)
        if time.monotonic() - self._flushed > FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Hand all rows to the operating system, so that a killed process has not lost them.

        Raises:
            OSError: the disk is full or fails; names the file.
        """
        with naming(self._path):
            self._file.flush()
        self._events.flush()
        self._sent.send()
        self._flushed = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with closing(self._sent), closing(self._events), naming(self._path):
            self._file.close()

    def _kept(self, path: Path, start: int) -> str:
        """The text of the file up to and including step `start`, with its header."""
        text = io.StringIO(newline="")
        rows = self._writer(text)
        rows.writeheader()
        if start and path.exists():
            text_before = read_bounded(path).decode()
            whole, _, _torn = text_before.rpartition("\n")  # a kill may cut the last row
            earlier = csv.DictReader(io.StringIO(whole))
            rows.writerows(row for row in earlier if int(row["step"]) <= start)
        return text.getvalue()

    def _writer(self, file: TextIO) -> csv.DictWriter:
        return csv.DictWriter(file, self._columns, restval="", lineterminator="\n")


class NoCurves:
    """What stands for `Curves` where another rank of the training writes them."""

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


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
