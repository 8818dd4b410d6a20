"""Writing an array block by block: shard to the disk first, then its line in the ledger."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from atdt import objects
from atdt.errors import StoreError
from atdt.files import file_size, move
from atdt.places import is_remote
from atdt.stores.begin import ArraySpec, Beginning, begin, remove_partial
from atdt.stores.cast import Statistics, merge
from atdt.stores.layout import METADATA
from atdt.stores.ledger import append_line, block_lines, block_records, seal, write_ledger
from atdt.stores.shard_writer import Draft, Shard, ShardWriter, gone_if_failed
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
        self._store = store
        self._folder = store.folder(spec.group, spec.name)
        self._state = beginning
        self._shards = ShardWriter(self._folder, self.name, spec.keep_bits, alone=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def metadata_digest(self) -> str:
        """Sha256 of the array's metadata, for `open_shard_writer`."""
        return self._state.header["files"][f"{self.name}/{METADATA}"]

    def missing_blocks(self) -> list[int]:
        """Blocks still to be written, in order; empty where there is nothing to do."""
        return [b for b in range(self._store.blocks) if b not in self._state.places]

    def draft(self, block: int) -> Draft:
        """Room for a block, to be filled as its samples come, then given to `write`.

        Raises:
            ValueError: the block is already committed.
        """
        self._refuse_committed(block)
        start, stop = self._store.block_range(block)
        return self._shards.draft(block, self._store.samples.sample_id[start:stop])

    def write(self, draft: Draft) -> None:
        """Write and commit a block that was filled; on the disk when this returns.

        For one thread at a time.

        Raises:
            StoreError: the disk is full or fails; says what is free. Committed blocks are intact.
            ValueError: samples are missing.
        """
        self.commit(self._shards.write(draft))

    def commit(self, shard: Shard) -> None:
        """Make a shard that a `ShardWriter` wrote part of the array; on the disk on return.

        For one thread at a time.

        Raises:
            StoreError: the shard is not there, or the disk is full or fails; committed blocks are
                intact.
            ValueError: the block is already committed.
        """
        self._refuse_committed(shard.block)
        path = self._shards.path(shard.block)
        file = path.with_name(shard.file)
        with disk_trouble(path):
            self._state.lock.check()
            if file != path:
                with gone_if_failed(file):
                    self._give_name(file, path, shard.bytes)
            spool, before, line = self._state.spool, self._state.length, seal(shard.record)
            spool.commit(shard.block, line)
            self._state.length = append_line(spool.path, line, before)
        self._state.places[shard.block] = before, self._state.length - before

    def _give_name(self, file: Path, path: Path, size: int) -> None:
        """Give a shard that was written under a name of its own the one of its block."""
        found = objects.size(file) if is_remote(file) else file_size(file)
        if found != size:
            raise StoreError(
                f"{file}: was written by a worker, and is not here; do all machines see the "
                "same disk?"
            )
        move([(file, path)])  # the folders above that one are the shard writer's to sync

    def _refuse_committed(self, block: int) -> None:
        if block in self._state.places:
            raise ValueError(f"{self.name}: block {block} is already committed")

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
            self._seal_ledger()
            remove_partial(self._folder)  # of workers that were killed, or came too late
            self._state.complete = True
        self.close()

    def _seal_ledger(self) -> None:
        """Bring the ledger's lines into the order of blocks, and end it by those of the array."""
        path = self._state.spool.path
        places = [self._state.places[block] for block in sorted(self._state.places)]
        found = (record["statistics"] for record in block_records(path, places))
        summary = merge(Statistics.from_record(record) for record in found if record)
        complete = {
            "blocks": len(places),
            "statistics": summary.summary() if summary else None,
        }
        with disk_trouble(self._folder):
            write_ledger(path, self._state.header, block_lines(path, places), complete)
            self._state.lock.check()
            self._state.spool.publish()

    def close(self) -> None:
        """Let go of the array; what is committed stays. A second call does nothing."""
        self._state.lock.release()
        self._state.spool.close()


def open_writer(store: "Store", spec: ArraySpec, *, resume: bool, overwrite: bool) -> FeatureWriter:
    """A writer of `spec`; see `Store.feature_writer` for its terms."""
    with disk_trouble(store.folder(spec.group, spec.name)):
        beginning = begin(store, spec, resume=resume, overwrite=overwrite)
    return FeatureWriter(store, spec, beginning)
