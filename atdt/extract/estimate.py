"""What an extraction will write, known before it starts."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from atdt.errors import StoreError
from atdt.extract.arrays import Array, samples_per_shard
from atdt.extract.config import Extraction
from atdt.extract.samples import Samples
from atdt.places import is_remote
from atdt.sizes import said
from atdt.stores import Store
from atdt.stores.declared import read_array_ledger
from atdt.stores.layout import Grid
from atdt.stores.shards import plain_sizes


@dataclass(frozen=True)
class PlannedArray:
    """An array and what is left to do for it.

    Attributes:
        path: in the store, such as "level4/depth".
        shape: (S, …).
        dtype: that is stored.
        samples: still to be written; 0 where it is complete.
        bytes: of these, uncompressed.
        blocks: that they lie in.
        shard_bytes: of the files of these, uncompressed.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    samples: int
    bytes: int
    blocks: int
    shard_bytes: int

    def __str__(self) -> str:
        what = "complete, nothing to do" if not self.samples else f"{said(self.bytes)} to write"
        return f"{self.path}: {'×'.join(map(str, self.shape))} {self.dtype}, {what}"


@dataclass(frozen=True)
class ExtractionEstimate:
    """Of an extraction that has not started.

    Attributes:
        samples: in the store: images × views.
        view_size: (height, width) in pixels.
        samples_per_shard: of the store.
        arrays: what is made.
        free: bytes free on the store's disk; None where there is no end, in an object store.
        skipped: what --skip-bad left out, and why.
    """

    samples: int
    view_size: tuple[int, int]
    samples_per_shard: int
    arrays: tuple[PlannedArray, ...]
    free: int | None
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
        free = "" if self.free is None else f"; {said(self.free)} free"
        lines.append(f"{said(self.bytes)} in all, uncompressed{free}")
        return tuple(lines)


def estimate(
    config: Extraction,
    samples: Samples,
    arrays: tuple[Array, ...],
    store: Store | None,
    count: int | None = None,
) -> ExtractionEstimate:
    """Sizes of what is to be written, and the free disk.

    Args:
        store: None where there is none.
        count: of samples, where there are not as many as `samples` has.
    """
    count = len(samples) if count is None else count
    grid = Grid(count, samples_per_shard(config, count, arrays)) if store is None else store.grid
    planned = []
    for array in arrays:
        blocks = _blocks_left(array, grid.blocks, store)
        ranges = [grid.block_range(block) for block in blocks]
        left = sum(stop - start for start, stop in ranges)
        size = array.sample_bytes
        shards = sum(
            plain_sizes(grid.samples_per_shard, stop - start, size)[0] for start, stop in ranges
        )
        planned.append(
            PlannedArray(
                array.path,
                (count, *array.item),
                array.dtype,
                left,
                left * size,
                len(blocks),
                shards,
            )
        )
    return ExtractionEstimate(
        samples=count,
        view_size=samples.size,
        samples_per_shard=grid.samples_per_shard,
        arrays=tuple(planned),
        free=_free(config.out),
        skipped=samples.domain.skipped,
    )


def refuse_full_disk(config: Extraction, estimated: ExtractionEstimate) -> None:
    """Raise where uncompressed arrays cannot fit; how far others shrink, nobody knows yet.

    Raises:
        StoreError: naming both sizes.
    """
    if estimated.free is None:
        return
    if config.compressor == "none" and estimated.bytes > estimated.free:
        raise StoreError(
            f"{config.out}: needs {said(estimated.bytes)}, and its disk has {said(estimated.free)} "
            "free; make room, or take fewer --views, --dtype float16 or --compressor zstd"
        )


def _blocks_left(array: Array, blocks: int, store: Store | None) -> list[int]:
    """Blocks of `array` that are not committed yet."""
    if store is None or array.replaced or store.status(array.group, array.name) == "absent":
        return list(range(blocks))
    committed = read_array_ledger(store.path, array.group, array.name).blocks
    return [block for block in range(blocks) if block not in committed]


def _free(path: Path) -> int | None:
    """Bytes free where `path` is, or will be."""
    if is_remote(path):
        return None
    there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    return shutil.disk_usage(there).free
