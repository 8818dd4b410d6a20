"""Writing an array block by block: shard to the disk first, then its line in the ledger."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from atdt.errors import StoreError
from atdt.files import inside, sync_folder
from atdt.stores.begin import ArraySpec, Beginning, begin
from atdt.stores.cast import Statistics, cast_block, merge
from atdt.stores.layout import LEDGER, MEBIBYTE, shard_path
from atdt.stores.ledger import append_record, write_ledger
from atdt.stores.metadata import open_array
from atdt.stores.shards import block_digest, stored_checksums

if TYPE_CHECKING:
    from atdt.stores.store import Store


class FeatureWriter:
    """Writes the blocks of one array, in any order, each once; made by a Store.

    Holds the array's lock until `finish()` or `close()`, or the end of a `with` block.
    """

    def __init__(self, store: "Store", spec: ArraySpec, beginning: Beginning) -> None:
        self.name = f"{spec.group}/{spec.name}"
        self.shape = (len(store.samples), *spec.item)
        self.dtype = spec.dtype
        self._store = store
        self._folder = store.folder(spec.group, spec.name)
        self._state = beginning
        self._array = open_array(self._folder, write=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def missing_blocks(self) -> list[int]:
        """Blocks still to be written, in order; empty where there is nothing to do."""
        return [b for b in range(self._store.blocks) if b not in self._state.blocks]

    def write_block(self, block: int, array: np.ndarray) -> None:
        """Cast, measure, write and commit one block; on the disk when this returns.

        For one thread at a time.

        Args:
            block: one of `missing_blocks()`.
            array: (n, …) float32 or the array's dtype, the samples of `store.block_range(block)`.

        Raises:
            NumericsError: a value is not finite or beyond float16's range; names the sample.
            StoreError: the disk is full or fails; says what is free. Committed blocks are intact.
            ValueError, TypeError: not the block's shape or dtype, or it is already committed.
        """
        start, stop = self._store.block_range(block)
        if array.shape != (stop - start, *self.shape[1:]):
            raise ValueError(
                f"{self.name}: block {block} has shape {(stop - start, *self.shape[1:])}, "
                f"and was given {array.shape}"
            )
        if block in self._state.blocks:
            raise ValueError(f"{self.name}: block {block} is already committed")
        names = self._store.samples.sample_id[start:stop]
        stored, statistics = cast_block(array, self.dtype, names, self.name)
        path = shard_path(self._folder, block, len(self.shape))
        inside(self._folder, str(path.relative_to(self._folder)))
        try:
            self._commit(block, path, stored, statistics)
        except OSError as error:
            free = shutil.disk_usage(self._folder).free / MEBIBYTE
            raise StoreError(
                f"{path}: {error.strerror or error}, with {free:,.0f} MiB free on its disk; "
                "make room and go on with --resume"
            ) from error

    def _commit(
        self, block: int, path: Path, stored: np.ndarray, statistics: Statistics | None
    ) -> None:
        start, stop = self._store.block_range(block)
        # zarr reads what is there before it writes a short last shard, and a torn one stops it
        path.unlink(missing_ok=True)
        self._array[start:stop] = stored
        _sync(path, self._folder)
        checksums = stored_checksums(path, self._store.samples_per_shard, stop - start)
        record: dict[str, Any] = {
            "kind": "block",
            "block": block,
            "bytes": path.stat().st_size,
            "digest": block_digest(checksums),
            "statistics": None if statistics is None else statistics.to_record(),
        }
        ledger = self._folder / LEDGER
        self._state.length = append_record(ledger, record, self._state.length)
        self._state.blocks[block] = record

    def finish(self) -> None:
        """Mark the array complete and let go of it. Does nothing where it already is.

        Raises:
            StoreError: blocks are missing.
        """
        missing = self.missing_blocks()
        if missing:
            raise StoreError(
                f"{self._folder}: {len(missing)} of {self._store.blocks} blocks are not written; "
                "go on with --resume"
            )
        if not self._state.complete:
            blocks = self._state.blocks
            records = [blocks[block]["statistics"] for block in sorted(blocks)]
            parts = [Statistics.from_record(record) for record in records if record]
            summary = merge(parts).summary() if parts else None
            complete = {"blocks": len(blocks), "statistics": summary}
            write_ledger(self._folder / LEDGER, self._state.header, blocks, complete)
            self._state.complete = True
        self.close()

    def close(self) -> None:
        """Let go of the array; what is committed stays. A second call does nothing."""
        self._state.lock.release()


def open_writer(store: "Store", spec: ArraySpec, *, resume: bool, overwrite: bool) -> FeatureWriter:
    """A writer of `spec`; see `Store.feature_writer` for its terms."""
    beginning = begin(store, spec, resume=resume, overwrite=overwrite)
    return FeatureWriter(store, spec, beginning)


def _sync(path: Path, folder: Path) -> None:
    """Bring a shard and the names that lead to it to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    for parent in path.parents:
        sync_folder(parent)
        if parent == folder:
            return
