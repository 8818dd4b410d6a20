"""Blocks of one array read back, each proved to be the one that its ledger names."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from atdt import objects
from atdt.errors import StoreError, UserError
from atdt.files import file_size, inside
from atdt.places import is_remote
from atdt.stores.frames import MOST_EXPANSION, check_frames
from atdt.stores.layout import MEND, Grid, shard_path
from atdt.stores.metadata import decode_shard, is_plain, open_array
from atdt.stores.ranges import RemoteShard
from atdt.stores.shards import (
    ShardFile,
    aligned_empty,
    block_digest,
    plain_sizes,
    read_plain,
    stored_checksums,
)


@dataclass(frozen=True, eq=False)
class Blocks:
    """The committed blocks of the array in `folder`; may be sent to other processes.

    Attributes:
        grid: how samples are cut into blocks.
        records: the ledger's record of each committed block.
        array: the array as zarr sees it.
        sizes: in an object store, bytes of each shard as they were listed when it was opened.
    """

    folder: Path
    grid: Grid
    records: Mapping[int, Mapping[str, Any]]
    array: zarr.Array
    sizes: Mapping[int, int] | None = None

    @property
    def item(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.array.shape[1:]

    def path(self, block: int) -> Path:
        """The file of a block.

        Raises:
            UserError: a link leads out of the array's folder.
        """
        path = shard_path(self.folder, block, self.array.ndim)
        return inside(self.folder, str(path.relative_to(self.folder)))

    def size(self, block: int) -> int:
        """Bytes of a block's file, proved to be what was committed.

        Raises:
            StoreError: the file is missing or has another size.
        """
        return self._sized(block)[1]

    def _sized(self, block: int) -> tuple[Path, int]:
        """A block's file and its bytes; errors as `size`."""
        path = self.path(block)
        size, committed = self._found_size(block, path), self.records[block]["bytes"]
        if size is None:
            raise StoreError(f"{path}: it is missing; {MEND}")
        start, stop = self.grid.block_range(block)
        item_bytes = math.prod(self.item) * self.array.dtype.itemsize
        slots = self.grid.samples_per_shard
        if is_plain(self.array) and committed not in plain_sizes(slots, stop - start, item_bytes):
            raise StoreError(f"{path}: its ledger's size does not fit its shape; extract it again")
        if (stop - start) * item_bytes > committed * MOST_EXPANSION:
            raise StoreError(f"{path}: too small for its shape; extract it again")
        if size != committed:
            raise StoreError(f"{path}: it has {size} bytes, not {committed}; {MEND}")
        return path, size

    def _found_size(self, block: int, path: Path) -> int | None:
        if self.sizes is not None:
            return self.sizes.get(block)
        return file_size(path)

    def read(self, block: int, out: np.ndarray | None = None) -> np.ndarray:
        """The samples of a block (n, …), every chunk checked.

        Args:
            out: filled and given back; contiguous, of the block's shape and the array's dtype.

        Raises:
            StoreError: the block is not what was committed; names the file.
            ValueError: `out` does not fit.
        """
        start, stop = self.grid.block_range(block)
        path, size = self._sized(block)  # before memory is taken for what a file may not hold
        shape = (stop - start, *self.item)
        if out is None:
            out = aligned_empty(shape, self.array.dtype)
        elif out.shape != shape or out.dtype != self.array.dtype or not out.flags.c_contiguous:
            raise ValueError(f"out must be contiguous {self.array.dtype} of shape {shape}")
        slots, plain = self.grid.samples_per_shard, is_plain(self.array)
        shard = RemoteShard(path, size, whole=not plain) if is_remote(path) else path
        checksums = (
            read_plain(shard, slots, out) if plain else stored_checksums(shard, slots, len(out))
        )
        if block_digest(checksums) != self.records[block]["digest"]:
            raise StoreError(f"{path}: not the block that was committed; {MEND}")
        if not plain:
            check_frames(shard, slots, len(out), out[0].nbytes, self._codec)
            self._decode(shard, start, out)
        return out

    def check(self) -> Iterator[tuple[int, str | None]]:
        """Read every committed block; yields its number and what is wrong with it, if anything."""
        buffer = None
        for block in sorted(b for b in self.records if 0 <= b < self.grid.blocks):
            start, stop = self.grid.block_range(block)
            try:
                self.size(block)
                if buffer is None:
                    most = self.grid.block_range(0)[1]
                    buffer = aligned_empty((most, *self.item), self.array.dtype)
                self.read(block, buffer[: stop - start])
            except UserError as error:
                yield block, str(error)
            else:
                yield block, None

    @property
    def _codec(self) -> str:
        """Name of what compresses the chunks."""
        return self.array.compressors[0].to_dict()["name"]

    def _decode(self, shard: ShardFile, start: int, out: np.ndarray) -> None:
        stop = start + len(out)
        try:
            if isinstance(shard, RemoteShard):
                out[...] = decode_shard(self.array, start, stop, shard.data())
            else:
                out[...] = self.array[start:stop]
        except (ValueError, RuntimeError) as error:
            raise StoreError(f"{shard}: {error}; {MEND}") from error


def open_blocks(folder: Path, grid: Grid, records: Mapping[int, Mapping[str, Any]]) -> Blocks:
    """Open the array in `folder`, whose metadata has been checked before.

    Raises:
        StoreError: its shards or chunks are not those of schema version 1.
    """
    array = open_array(folder)
    item = array.shape[1:]
    is_version_1 = (
        array.shards == (grid.samples_per_shard, *item)
        and array.chunks == (1, *item)
        and array.shape[0] == grid.samples
        and array.compressors[-1].to_dict() == {"name": "crc32c"}
    )
    if not is_version_1:
        raise StoreError(f"{folder}: not laid out as a store of version 1; extract it again")
    return Blocks(folder, grid, records, array, listed_sizes(folder) if is_remote(folder) else None)


def listed_sizes(folder: Path) -> dict[int, int]:
    """Bytes of the shards of an array in an object store, by block; one request a thousand."""
    found = ((name.split("/"), size) for name, size in objects.below(folder / "c").items())
    return {
        int(block): size
        for (block, *rest), size in found
        if block.isdecimal() and set(rest) == {"0"}
    }
