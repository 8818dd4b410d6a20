"""Blocks on their way to the disk: samples are cast and measured, then written as one shard.

A shard is written under a name of its own. It becomes part of its array when whoever holds the
array's lock gives it its final name and a line in the ledger (`FeatureWriter.commit`), so that any
number of processes may write shards, also the same one twice, and none can harm what is committed.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atdt import objects
from atdt.digests import sha256_file
from atdt.errors import StoreError
from atdt.files import inside, partial_name, sync_folder, write_atomic
from atdt.places import is_remote
from atdt.stores.cast import Statistics, cast_block, merge
from atdt.stores.layout import METADATA, Grid, shard_path
from atdt.stores.metadata import encode_shard, is_plain, open_array
from atdt.stores.ranges import RemoteShard
from atdt.stores.shards import block_digest, plain_shard, stored_checksums, write_plain
from atdt.stores.trouble import disk_trouble
from atdt.texts import read_bounded

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Shard:
    """A shard that is on the disk and not committed; may be sent to other processes.

    Attributes:
        file: its name beside the shard's own.
        block, bytes, digest: for the ledger, as are
        statistics: of its values; None for integers.
    """

    file: str
    block: int
    bytes: int
    digest: str
    statistics: Statistics | None

    @property
    def record(self) -> dict[str, Any]:
        """Its line in the ledger."""
        return {
            "kind": "block",
            "block": self.block,
            "bytes": self.bytes,
            "digest": self.digest,
            "statistics": self.statistics and self.statistics.to_record(),
        }


class ShardWriter:
    """Writes shards of one array; takes no lock.

    Args:
        folder: the array's.
        name: "level4/depth", for messages.
        keep_bits: bits of the mantissa that are kept; all when None.
        alone: nobody else writes the array, so that objects need no names of their own.
    """

    def __init__(
        self, folder: Path, name: str, keep_bits: int | None, *, alone: bool = False
    ) -> None:
        self.name = name
        self._alone = alone
        self._folder = folder
        self._keep_bits = keep_bits
        array = open_array(folder)
        self.shape, self.dtype = array.shape, str(array.dtype)
        self.grid = Grid(array.shape[0], array.shards[0])
        self._plain = is_plain(array)

    def draft(self, block: int, sample_ids: Sequence[str]) -> "Draft":
        """Room for a block of these samples, to be filled as they come, then given to `write`."""
        start, stop = self.grid.block_range(block)
        values = np.empty((stop - start, *self.shape[1:]), self.dtype)
        return Draft(self.name, block, values, sample_ids, self._keep_bits)

    def write(self, draft: "Draft") -> Shard:
        """Write a block that was filled; its bytes are on the disk when this returns.

        Raises:
            StoreError: the disk is full or fails; says what is free.
            ValueError: samples are missing.
        """
        if draft.filled != len(draft.values):
            raise ValueError(
                f"{self.name}: block {draft.block} holds {draft.filled} of {len(draft.values)} "
                "samples"
            )
        path = self.path(draft.block)
        if is_remote(path):
            with disk_trouble(path):
                return self._write_object(draft, path)
        file = path.with_name(partial_name(path))
        slots = self.grid.samples_per_shard
        with disk_trouble(path), gone_if_failed(file):
            path.parent.mkdir(parents=True, exist_ok=True)
            if self._plain:
                checksums = write_plain(file, slots, draft.values)
            else:
                start, _ = self.grid.block_range(draft.block)
                metadata = (self._folder / METADATA).read_bytes()
                write_atomic(file, encode_shard(metadata, start, draft.values))
                checksums = stored_checksums(file, slots, len(draft.values))
            size = file.stat().st_size
            self._sync_folders(path.parent)
        digest = block_digest(checksums)
        return Shard(file.name, draft.block, size, digest, draft.statistics())

    def _write_object(self, draft: "Draft", path: Path) -> Shard:
        """As `write`: one request for a shard of up to two of `objects.PART`.

        Raises:
            StoreError: the block is there, with other content.
        """
        slots = self.grid.samples_per_shard
        if self._plain:
            checksums, pieces = plain_shard(slots, draft.values)
            data = b"".join(itertools.chain.from_iterable(pieces))
        else:
            start, _ = self.grid.block_range(draft.block)
            data = encode_shard(read_bounded(self._folder / METADATA), start, draft.values)
            held = RemoteShard(path, len(data), data)
            checksums = stored_checksums(held, slots, len(draft.values))
        digest = block_digest(checksums)
        file = path if self._alone else path.with_name(partial_name(path))
        try:
            objects.put(file, data, new=self._alone)
        except FileExistsError:
            if not _holds(RemoteShard(file, len(data)), slots, len(draft.values), digest):
                raise StoreError(
                    f"{file}: another writer has just written it otherwise; stop one of the two, "
                    "and go on with --resume"
                ) from None
        return Shard(file.name, draft.block, len(data), digest, draft.statistics())

    def _sync_folders(self, folder: Path) -> None:
        """Bring the names that lead to `folder` to the disk; what it holds is for the commit."""
        while folder != self._folder:
            folder = folder.parent
            sync_folder(folder)

    def path(self, block: int) -> Path:
        """The final name of a block's shard.

        Raises:
            UserError: a link leads out of the array's folder.
        """
        path = shard_path(self._folder, block, len(self.shape))
        return inside(self._folder, str(path.relative_to(self._folder)))


@contextmanager
def gone_if_failed(file: Path) -> Iterator[None]:
    """Within it an error takes `file` with it, which has no name of its own yet."""
    try:
        yield
    except BaseException:
        if not is_remote(file):
            file.unlink(missing_ok=True)
        raise


def _holds(shard: RemoteShard, slots: int, samples: int, digest: str) -> bool:
    """Whether an object is the shard of that digest: made by a request whose answer was lost."""
    try:
        return block_digest(stored_checksums(shard, slots, samples)) == digest
    except StoreError:
        return False


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
        sample_ids: Sequence[str],
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

    def statistics(self) -> Statistics | None:
        """Of what was added; None for integers."""
        return merge(self._parts)


def open_shard_writer(store: str | Path, name: str, digest: str) -> ShardWriter:
    """A writer of shards of an array that another process has begun and will commit.

    Args:
        store: its store.
        name: "level4/depth".
        digest: sha256 of the array's metadata as that process sees it.

    Raises:
        StoreError: here the store holds another array under this name, or none.
    """
    folder = inside(store, name)
    file = folder / METADATA
    if not file.is_file() or sha256_file(file) != digest:
        raise StoreError(f"{folder}: not the array that is being written; is its disk shared?")
    keep_bits = open_array(folder).attrs.get("keep_bits")
    return ShardWriter(folder, name, keep_bits)
