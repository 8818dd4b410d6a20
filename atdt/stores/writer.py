"""Writing an array block by block: shard to the disk first, then its line in the ledger."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from atdt.errors import StoreError
from atdt.files import inside, sync_folder
from atdt.stores.begin import ArraySpec, Beginning, begin
from atdt.stores.cast import Statistics, cast_block, merge
from atdt.stores.layout import LEDGER, shard_path
from atdt.stores.ledger import append_record, write_ledger
from atdt.stores.metadata import is_plain, open_array
from atdt.stores.shards import block_digest, stored_checksums, write_plain
from atdt.stores.trouble import disk_trouble

if TYPE_CHECKING:
    import torch

    from atdt.stores.store import Store


class FeatureWriter:
    """Writes the blocks of one array, in any order, each once; made by a Store.

    Holds the array's lock until `finish()` or `close()`, or the end of a `with` block.
    """

    def __init__(self, store: "Store", spec: ArraySpec, beginning: Beginning) -> None:
        self.name = f"{spec.group}/{spec.name}"
        self.shape = (len(store.samples), *spec.item)
        self.dtype = spec.dtype
        self._keep_bits = spec.keep_bits
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

    def draft(self, block: int) -> "Draft":
        """Room for a block, to be filled as its samples come, then given to `write`.

        Raises:
            ValueError: the block is already committed.
        """
        if block in self._state.blocks:
            raise ValueError(f"{self.name}: block {block} is already committed")
        start, stop = self._store.block_range(block)
        names = self._store.samples.sample_id[start:stop]
        values = np.empty((stop - start, *self.shape[1:]), self.dtype)
        return Draft(self.name, block, values, names, self._keep_bits)

    def write(self, draft: "Draft") -> None:
        """Write and commit a block that was filled; on the disk when this returns.

        For one thread at a time.

        Raises:
            StoreError: the disk is full or fails; says what is free. Committed blocks are intact.
            ValueError: samples are missing.
        """
        if draft.filled != len(draft.values):
            raise ValueError(
                f"{self.name}: block {draft.block} holds {draft.filled} of {len(draft.values)} "
                "samples"
            )
        path = shard_path(self._folder, draft.block, len(self.shape))
        inside(self._folder, str(path.relative_to(self._folder)))
        with disk_trouble(path):
            self._commit(path, draft)

    def write_block(self, block: int, array: "np.ndarray | torch.Tensor") -> None:
        """Cast, measure, write and commit one block; on the disk when this returns.

        For one thread at a time.

        Args:
            block: one of `missing_blocks()`.
            array: (n, …) float32 or the array's dtype, the samples of `store.block_range(block)`.

        Raises:
            NumericsError: a value is not finite or beyond float16's range; names the sample.
            StoreError: as `write`.
            ValueError, TypeError: not the block's shape or dtype, or it is already committed.
        """
        draft = self.draft(block)
        if tuple(array.shape) != draft.values.shape:
            raise ValueError(
                f"{self.name}: block {block} has shape {draft.values.shape}, "
                f"and was given {tuple(array.shape)}"
            )
        draft.add(array)
        self.write(draft)

    def _commit(self, path: Path, draft: "Draft") -> None:
        slots = self._store.samples_per_shard
        # zarr reads what is there before it writes a short last shard, and a torn one stops it
        path.unlink(missing_ok=True)
        if is_plain(self._array):
            checksums = write_plain(path, slots, draft.values)
        else:
            start, stop = self._store.block_range(draft.block)
            self._array[start:stop] = draft.values
            with path.open("rb") as file:
                os.fsync(file.fileno())
            checksums = stored_checksums(path, slots, stop - start)
        _sync_names(path, self._folder)
        record: dict[str, Any] = {
            "kind": "block",
            "block": draft.block,
            "bytes": path.stat().st_size,
            "digest": block_digest(checksums),
            "statistics": draft.statistics(),
        }
        ledger = self._folder / LEDGER
        self._state.length = append_record(ledger, record, self._state.length)
        self._state.blocks[draft.block] = record

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
            with disk_trouble(self._folder):
                write_ledger(self._folder / LEDGER, self._state.header, blocks, complete)
            self._state.complete = True
        self.close()

    def close(self) -> None:
        """Let go of the array; what is committed stays. A second call does nothing."""
        self._state.lock.release()


class Draft:
    """A block on its way into an array: samples are cast and measured as they are added.

    Attributes:
        block: its number.
        values: (n, …) as they are stored.
        filled: samples added so far.
    """

    def __init__(
        self,
        name: str,
        block: int,
        values: np.ndarray,
        sample_ids: np.ndarray,
        keep_bits: int | None,
    ) -> None:
        self.block = block
        self.values = values
        self.filled = 0
        self._name = name
        self._sample_ids = sample_ids
        self._keep_bits = keep_bits
        self._parts: list[Statistics] = []

    def add(self, samples: "np.ndarray | torch.Tensor") -> None:
        """Cast and measure the next samples, (n, …) float32 or the array's dtype.

        Raises:
            NumericsError: a value is not finite or beyond float16's range; names the sample.
            TypeError: they have another dtype.
        """
        span = slice(self.filled, self.filled + len(samples))
        values, names = self.values[span], self._sample_ids[span]
        dtype = str(values.dtype)
        _, part = cast_block(samples, dtype, names, self._name, values, self._keep_bits)
        self._parts += [part] if part else []
        self.filled = span.stop

    def statistics(self) -> dict[str, Any] | None:
        """For the ledger; None for integers."""
        return merge(self._parts).to_record() if self._parts else None


def open_writer(store: "Store", spec: ArraySpec, *, resume: bool, overwrite: bool) -> FeatureWriter:
    """A writer of `spec`; see `Store.feature_writer` for its terms."""
    with disk_trouble(store.folder(spec.group, spec.name)):
        beginning = begin(store, spec, resume=resume, overwrite=overwrite)
    return FeatureWriter(store, spec, beginning)


def _sync_names(path: Path, folder: Path) -> None:
    """Bring the names that lead to a shard to the disk."""
    for parent in path.parents:
        sync_folder(parent)
        if parent == folder:
            return
