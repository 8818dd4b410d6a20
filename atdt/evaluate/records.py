"""metrics.json, and beside it the statistics of every image, so that more can be computed later."""

import io
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from atdt.copies import local_copy
from atdt.digests import sha256_file
from atdt.domains import LabelSpace
from atdt.errors import UserError
from atdt.files import inside, write_atomic
from atdt.places import place
from atdt.tasks import get_task
from atdt.tasks.base import Stack, Task
from atdt.texts import read_json, write_json

SCHEMA = 1
METRICS = "metrics.json"
RECORDS = "records.npz"
LARGEST_RECORDS = 2**32  # bytes: a confusion matrix of a million images
IMAGE = "image"  # the names of the images, beside the statistics


@dataclass(frozen=True)
class Measured:
    """What was measured of a set of N images: `info` is the content of metrics.json, `stack` holds
    the statistics of each image (leading axis N) in the order of `images`."""

    path: Path
    info: dict[str, Any]
    images: tuple[str, ...]
    stack: Stack

    @cached_property
    def task(self) -> Task:
        return get_task(self.info["task"])

    @cached_property
    def space(self) -> LabelSpace:
        """The label space that ids stand for."""
        return LabelSpace.from_dict(self.info["label_space"])

    def scores(self, weights: np.ndarray) -> Stack:
        """The figures of weighted sets of these images, see `Task.scores`."""
        return self.task.scores(self.stack, weights, self.space)

    @property
    def where(self) -> str:
        """A name for messages: the folder that was measured."""
        return str(self.path.parent)


def records_path(metrics: Path) -> Path:
    """Where the statistics of the images lie that `metrics` was computed from."""
    name = RECORDS if metrics.name == METRICS else f"{metrics.stem}.{RECORDS}"
    return metrics.with_name(name)


def write_measured(measured: Measured) -> Path:
    """Write the statistics, then metrics.json, which records their sha256; return its path."""
    buffer = io.BytesIO()
    arrays = {IMAGE: np.array(measured.images), **measured.stack}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    records = write_atomic(records_path(measured.path), buffer.getvalue())
    named = {"file": records.name, "sha256": sha256_file(records)}
    return write_json(measured.path, measured.info | {"records": named})


def load_measured(path: str | Path) -> Measured:
    """Load what `write_measured` wrote, from metrics.json or the folder that holds it.

    Raises:
        UserError: nothing was measured there, it has another schema, or the statistics are not
            those that metrics.json was written with.
    """
    path = place(path)
    path = path / METRICS if path.is_dir() else path
    info = read_json(path)
    named = info.get("records") if isinstance(info, dict) else None
    if not isinstance(named, dict) or info.get("schema") != SCHEMA:
        raise UserError(f"{path}: not metrics of schema {SCHEMA}; run `atdt evaluate` again")
    records = inside(path.parent, str(named.get("file")))
    if not records.is_file() or sha256_file(records) != named.get("sha256"):
        raise UserError(f"{records}: absent or changed; run `atdt evaluate` again")
    stack = _read_stack(records)
    images = tuple(str(name) for name in stack.pop(IMAGE))
    return Measured(path, info, images, stack)


def _read_stack(records: Path) -> Stack:
    try:
        with local_copy(records) as here:
            with zipfile.ZipFile(here) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
            if size > LARGEST_RECORDS:
                raise UserError(f"{records}: expands to {size} bytes, over {LARGEST_RECORDS}")
            with np.load(here, allow_pickle=False) as arrays:
                stack = dict(arrays)
    # A header may promise more than memory holds, and is followed by less.
    except (OSError, ValueError, EOFError, MemoryError, SyntaxError, zipfile.BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{records}: holds no statistics ({reason}); evaluate again") from None
    if IMAGE not in stack:
        raise UserError(f"{records}: names no images; run `atdt evaluate` again")
    return stack
