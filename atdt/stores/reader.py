"""Reading a finished array: opened only when everything that it relies on is as it was made."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atdt.errors import StoreError
from atdt.progress import progress as show_progress
from atdt.stores.blocks import Blocks, open_blocks
from atdt.stores.checks import (
    array_metadata,
    changed_files,
    digests,
    refuse_changes,
    refuse_other_samples,
)
from atdt.stores.declared import read_array_ledger
from atdt.stores.layout import LABELS, MEND
from atdt.stores.ledger import Ledger
from atdt.stores.shards import aligned_empty

if TYPE_CHECKING:
    from atdt.stores.store import Store

# A thread checks about as fast as it reads. Two reach what memory gives on a small machine; on a
# large one half of the processors are for what is being computed.
READ_THREADS = min(8, max(2, (os.cpu_count() or 2) // 2))


@dataclass(frozen=True, eq=False)
class FeatureReader:
    """A finished array of features (S, C, h, w) or labels (S, h, w) | (S, C, h, w).

    Attributes:
        name: "level4/depth", "labels/semantic" …
        attrs: provenance, schema, units and compressor.
        statistics: count (values a channel), max_abs, cast_error_max, cast_error_mean, and
            mean and variance, (C,) float64; empty for integers.
    """

    name: str
    attrs: dict[str, Any]
    statistics: dict[str, Any]
    _blocks: Blocks

    @property
    def path(self) -> Path:
        """The array's folder."""
        return self._blocks.folder

    @property
    def shape(self) -> tuple[int, ...]:
        return self._blocks.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self._blocks.array.dtype

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions, "sample" first."""
        return self._blocks.array.metadata.dimension_names

    @property
    def blocks(self) -> int:
        """Number of blocks; the unit in which this array is best read."""
        return self._blocks.grid.blocks

    def block_range(self, block: int) -> tuple[int, int]:
        """First sample of a block and the one after its last."""
        return self._blocks.grid.block_range(block)

    def read_block(self, block: int, out: np.ndarray | None = None) -> np.ndarray:
        """The samples of a block (n, …), every chunk checked against its crc32c and the ledger.

        Safe to call from several threads at a time.

        Args:
            out: filled and given back; contiguous, of the block's shape and the array's dtype.

        Raises:
            StoreError: the block is damaged or missing; names the file and what to run.
            ValueError: `out` does not fit.
        """
        return self._blocks.read(block, out)

    def read_all(self, out: np.ndarray | None = None, progress: bool = True) -> np.ndarray:
        """All samples (S, …), blocks side by side on `READ_THREADS` threads into one buffer.

        Raises:
            StoreError, ValueError: as `read_block`.
        """
        if out is None:
            out = aligned_empty(self.shape, self.dtype)
        elif out.shape != self.shape:
            raise ValueError(f"out has shape {out.shape}, not {self.shape}")
        rooms = (out[slice(*self.block_range(block))] for block in range(self.blocks))
        display = show_progress(f"read {self.name}", len(out), "samples") if progress else None
        with (
            ThreadPoolExecutor(READ_THREADS, thread_name_prefix="blocks") as pool,
            display or nullcontext(lambda count: None) as advance,
        ):
            for room in pool.map(self.read_block, range(self.blocks), rooms):
                advance(len(room))
        return out


def open_reader(store: "Store", group: str, name: str) -> FeatureReader:
    """Open a finished array of `store`; shard sizes are checked now, their content when read.

    Raises:
        StoreError: absent, incomplete or damaged; says what to run.
    """
    folder = store.folder(group, name)
    if not folder.is_dir():
        raise StoreError(_absent(store, group, name))
    ledger = read_array_ledger(store.path, group, name)
    refuse_unfinished(folder, ledger, store.blocks)
    files = ledger.header["files"]
    refuse_other_samples(folder, files, store.files)
    found = digests(store.path, array_metadata(group, name))
    refuse_changes(store.path, changed_files(files, found))
    blocks = open_blocks(folder, store.grid, ledger.blocks)
    for block in range(store.blocks):
        blocks.size(block)
    statistics = dict(ledger.complete["statistics"] or {})
    for key in statistics.keys() & {"mean", "variance"}:
        statistics[key] = np.array(statistics[key], dtype=np.float64)
    return FeatureReader(f"{group}/{name}", dict(blocks.array.attrs), statistics, blocks)


def refuse_unfinished(folder: Path, ledger: Ledger, blocks: int) -> None:
    """Raise a StoreError unless the ledger is whole and says that all blocks are committed."""
    if ledger.complete and not ledger.problem and _has_all(ledger, blocks):
        return
    committed = f"{len(ledger.blocks)} of {blocks} blocks are committed"
    what = f"incomplete, {committed}"
    if ledger.problem:
        what += f", and {ledger.problem}"
    raise StoreError(f"{folder}: {what}; {MEND}")


def _has_all(ledger: Ledger, blocks: int) -> bool:
    """Without a list of all blocks, of which a stranger's metadata may claim any number."""
    return len(ledger.blocks) == blocks and all(0 <= block < blocks for block in ledger.blocks)


def _absent(store: "Store", group: str, name: str) -> str:
    present = [f"{level}/{array}" for level in store.levels() for array in store.arrays(level)]
    present += [f"{LABELS}/{label}" for label in store.labels()]
    option = f"--labels {name}" if group == LABELS else f"--encoder {name}=RUN"
    return (
        f"{store.path}: has no array {group}/{name} (it has: {', '.join(present) or 'none'}); "
        f"add it with `atdt extract` {option}"
    )
