"""What an extraction will write and how long it will take, known before it starts."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from atdt.errors import StoreError
from atdt.extract.arrays import Array
from atdt.extract.config import Extraction
from atdt.extract.encoders import Encoder
from atdt.extract.samples import Samples
from atdt.extract.writing import READERS
from atdt.sizes import said
from atdt.stores import Store
from atdt.stores.declared import read_array_ledger

TIMED_BATCHES = 2


@dataclass(frozen=True)
class PlannedArray:
    """An array and what is left to do for it.

    Attributes:
        path: in the store, such as "level4/depth".
        shape: (S, …).
        dtype: that is stored.
        samples: still to be written; 0 where it is complete.
        bytes: of these, uncompressed.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    samples: int
    bytes: int

    def __str__(self) -> str:
        what = "complete, nothing to do" if not self.samples else f"{said(self.bytes)} to write"
        return f"{self.path}: {'×'.join(map(str, self.shape))} {self.dtype}, {what}"


@dataclass(frozen=True)
class ExtractionEstimate:
    """Of an extraction that has not started.

    Attributes:
        samples: in the store: images × views.
        view_size: (height, width) in pixels.
        arrays: what is made.
        free: bytes free on the store's disk.
        seconds: that decoding and the encoders will take, None where it was not measured.
        skipped: what --skip-bad left out, and why.
    """

    samples: int
    view_size: tuple[int, int]
    arrays: tuple[PlannedArray, ...]
    free: int
    seconds: float | None = None
    skipped: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """To be written, uncompressed."""
        return sum(array.bytes for array in self.arrays)

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it for a user."""
        height, width = self.view_size
        lines = [f"{self.samples} samples of {height}x{width} pixels"]
        lines += [f"skipped: {line}" for line in self.skipped]
        lines += [str(array) for array in self.arrays]
        lines.append(f"{said(self.bytes)} in all, uncompressed; {said(self.free)} free")
        if self.seconds is not None:
            lines.append(f"about {self.seconds:.0f} s, measured on a few batches")
        return tuple(lines)


def estimate(
    config: Extraction, samples: Samples, arrays: tuple[Array, ...], store: Store | None
) -> ExtractionEstimate:
    """Sizes of what is to be written, and the free disk; `store` is None where there is none."""
    planned = []
    for array in arrays:
        left = _samples_left(array, len(samples), store)
        shape = (len(samples), *array.item)
        planned.append(
            PlannedArray(array.path, shape, array.dtype, left, left * array.sample_bytes)
        )
    return ExtractionEstimate(
        samples=len(samples),
        view_size=samples.size,
        arrays=tuple(planned),
        free=shutil.disk_usage(_existing(config.out)).free,
        skipped=samples.domain.skipped,
    )


def refuse_full_disk(config: Extraction, estimated: ExtractionEstimate) -> None:
    """Raise where uncompressed arrays cannot fit; how far others shrink, nobody knows yet.

    Raises:
        StoreError: naming both sizes.
    """
    if config.compressor == "none" and estimated.bytes > estimated.free:
        raise StoreError(
            f"{config.out}: needs {said(estimated.bytes)}, and its disk has {said(estimated.free)} "
            "free; make room, or take fewer --views, --dtype float16 or --compressor zstd"
        )


def measure_seconds(
    config: Extraction,
    samples: Samples,
    encoders: tuple[Encoder, ...],
    estimated: ExtractionEstimate,
    device: torch.device,
) -> float:
    """Seconds for what is left, from a few batches after a first one that warms up.

    Decoding overlaps with the encoders, so the slower of the two counts.
    """
    left = max((array.samples for array in estimated.arrays), default=0)
    reading = computing = 0.0
    timed = 0
    for turn in range(1 + TIMED_BATCHES):
        start = turn * config.batch % len(samples)
        stop = min(start + config.batch, len(samples))
        begun = time.perf_counter()
        batch = samples.read(start, stop, bool(encoders), config.labels)
        read = time.perf_counter()
        for encoder in encoders:
            found = encoder.features(
                torch.from_numpy(batch.images).to(device), encoder.levels, config.precision
            )
            for features in found.values():
                features.cpu()  # waits for the GPU, as the extraction does
        if turn:
            timed += stop - start
            reading += read - begun
            computing += time.perf_counter() - read
    return left * max(reading / READERS, computing) / timed


def _samples_left(array: Array, samples: int, store: Store | None) -> int:
    """Samples of `array` that are not committed yet."""
    if store is None or array.replaced or store.status(array.group, array.name) == "absent":
        return samples
    committed = read_array_ledger(store.path, array.group, array.name).blocks
    ranges = [store.block_range(block) for block in range(store.blocks) if block not in committed]
    return sum(stop - start for start, stop in ranges)


def _existing(path: Path) -> Path:
    """The nearest folder at or above `path` that exists."""
    return next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
