"""Shards of uncompressed chunks read and written without zarr, and the digest that ties a shard to
its ledger.

A shard (Zarr v3, `sharding_indexed`, index at the end) is its chunks, then one (offset, bytes) pair
of little-endian uint64 for each slot, then a crc32c of those pairs. Each chunk ends in its own
crc32c. Here a slot is a sample; those beyond the last sample of a short shard are empty.

Where chunks lie is the writer's choice. Ours begin at multiples of 64 bytes, with zeros in between;
zarr's follow each other, as those of earlier versions of this project do, and are read as well.
"""

import hashlib
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from crc32c import crc32c

from atdt.errors import StoreError
from atdt.stores.layout import CRC_BYTES, INDEX_BYTES, MEND
from atdt.stores.ranges import Ranges, RemoteShard, opened

ShardFile = Path | RemoteShard  # a file, or an object whose size is known

EMPTY = np.uint64(2**64 - 1)
# The system copies from and to addresses that differ by a multiple of this a fifth faster.
ALIGNMENT = 64
# Large enough to hide the cost of a call, small enough to be checked while still in the cache.
READ_BYTES = 1 << 20
MOST_BUFFERS = 1024  # IOV_MAX


def block_digest(checksums: np.ndarray) -> str:
    """What the ledger keeps of a block: sha256 of its chunks' crc32c values, in sample order.

    A plain crc32c of the file would not do: that of data followed by its own crc32c is a constant.
    """
    return hashlib.sha256(checksums.astype("<u4").tobytes()).hexdigest()


def plain_sizes(slots: int, samples: int, sample_bytes: int) -> tuple[int, ...]:
    """Bytes that a shard of `samples` uncompressed chunks may have, our own first."""
    index = slots * INDEX_BYTES + CRC_BYTES
    return tuple(samples * stride + index for stride in _strides(sample_bytes))


def stored_checksums(path: ShardFile, slots: int, samples: int) -> np.ndarray:
    """The crc32c values that the chunks of a shard carry, (samples,) uint32.

    Raises:
        StoreError: the shard is absent or cut short, its index is damaged, or a chunk is missing.
    """
    with _opened(path) as shard:
        index = _read_index(path, shard, slots, samples)
        checksums = np.empty(samples, "<u4")
        for slot, end in enumerate((index[:, 0] + index[:, 1]).tolist()):
            checksums[slot] = np.frombuffer(shard.pread(CRC_BYTES, end - CRC_BYTES), "<u4")[0]
    return checksums


def chunk_heads(path: ShardFile, slots: int, samples: int, most: int) -> Iterator[bytes]:
    """The first bytes of each chunk of a shard, `most` at most; errors as `stored_checksums`."""
    with _opened(path) as shard:
        for offset, length in _read_index(path, shard, slots, samples).tolist():
            yield shard.pread(min(most, length - CRC_BYTES), offset)


def read_plain(path: ShardFile, slots: int, out: np.ndarray) -> np.ndarray:
    """Fill `out` from a shard of uncompressed chunks, each checked against its crc32c.

    Args:
        path: the shard's file.
        slots: samples per shard of the array.
        out: (samples, …) contiguous and little-endian; one chunk a sample.

    Returns:
        The chunks' crc32c values, (samples,) uint32.

    Raises:
        StoreError: as `stored_checksums`, or a chunk is not what was written.
    """
    samples = len(out)
    rows = _rows(out)
    item = rows.shape[1]
    with _opened(path) as shard:
        index = _read_index(path, shard, slots, samples)
        stride = _stride(path, index, item, shard.size - slots * INDEX_BYTES - CRC_BYTES)
        tails = np.empty((samples, stride - item), np.uint8)
        for part, pieces in _parts(samples, item):
            found = [0] * (part.stop - part.start)
            for piece in pieces:
                values = rows[part, piece]
                is_last = piece.stop == item
                buffers = _interleaved(values, tails[part]) if is_last else list(values)
                _fill(path, shard, buffers, part.start * stride + piece.start)
                found = [crc32c(row, crc) for row, crc in zip(values, found, strict=True)]
            checksums = _checksums(tails[part])
            for slot, crc in enumerate(found):
                if crc != checksums[slot]:
                    raise _damage(path, f"sample {part.start + slot} of it differs from its crc32c")
    if tails[:, CRC_BYTES:].any():
        raise _damage(path, "it is not zero between its samples")
    return _checksums(tails)


def write_plain(path: Path, slots: int, values: np.ndarray) -> np.ndarray:
    """Write a shard of uncompressed chunks; on the disk on return.

    Args:
        path: a new file.
        slots: samples per shard of the array.
        values: (samples, …) contiguous and little-endian; one chunk a sample.

    Returns:
        The chunks' crc32c values, (samples,) uint32.

    Raises:
        OSError: the disk is full or fails; nothing of the shard is left.
    """
    checksums, pieces = plain_shard(slots, values)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        for buffers in pieces:
            _empty(handle, buffers)
        os.fsync(handle)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    return checksums


def plain_shard(slots: int, values: np.ndarray) -> tuple[np.ndarray, Iterator[list[np.ndarray]]]:
    """The crc32c values of a shard's chunks, and its bytes, in pieces; see `write_plain`."""
    rows = _rows(values)
    samples, item = rows.shape
    stride = _strides(item)[0]
    together = _chunks_together(item)
    checksums = np.array([crc32c(row) for row in rows], "<u4")
    tails = np.zeros((samples, stride - item), np.uint8)
    tails[:, :CRC_BYTES] = checksums.view(np.uint8).reshape(samples, CRC_BYTES)
    index = np.full((slots, 2), EMPTY, "<u8")
    index[:samples, 0] = np.arange(samples, dtype=np.uint64) * np.uint64(stride)
    index[:samples, 1] = item + CRC_BYTES
    index_bytes = index.view(np.uint8).reshape(-1)
    index_checksum = np.array([crc32c(index_bytes)], "<u4").view(np.uint8)

    def pieces() -> Iterator[list[np.ndarray]]:
        for first in range(0, samples, together):
            part = slice(first, first + together)
            yield _interleaved(rows[part], tails[part])
        yield [index_bytes, index_checksum]

    return checksums, pieces()


def aligned_empty(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """As `np.empty`, where the system copies fast to."""
    size = math.prod(shape) * dtype.itemsize
    room = np.empty(size + ALIGNMENT, np.uint8)
    first = -room.ctypes.data % ALIGNMENT
    return room[first : first + size].view(dtype).reshape(shape)


def _rows(samples: np.ndarray) -> np.ndarray:
    """The bytes of each sample, (samples, bytes); a view."""
    return samples.reshape(len(samples), -1).view(np.uint8)


def _strides(item: int) -> tuple[int, int]:
    """Bytes from a chunk to the next: as we write them, and as zarr does."""
    chunk = item + CRC_BYTES
    return -(-chunk // ALIGNMENT) * ALIGNMENT, chunk


def _stride(path: ShardFile, index: np.ndarray, item: int, end: int) -> int:
    """Bytes from a chunk to the next, proved to be one of those, the same up to `end`."""
    offsets, lengths = index.T
    numbers = np.arange(len(index), dtype=np.uint64)
    for stride in _strides(item):
        in_order = end == len(index) * stride and (offsets == numbers * np.uint64(stride)).all()
        if in_order and (lengths == item + CRC_BYTES).all():
            return stride
    raise _damage(path, "its chunks are not in the order of samples")


def _checksums(tails: np.ndarray) -> np.ndarray:
    """The crc32c values of (samples, bytes) that follow the samples, (samples,) uint32."""
    return tails[:, :CRC_BYTES].copy().view("<u4")[:, 0]


def _chunks_together(item: int) -> int:
    """Chunks that are read or written by one call."""
    return max(1, min(READ_BYTES // item, MOST_BUFFERS // 2))


def _parts(samples: int, item: int) -> Iterator[tuple[slice, list[slice]]]:
    """What is read by one call: several whole samples, or a piece of one; slots and bytes."""
    cuts = [*range(0, item, READ_BYTES), item]
    pieces = [slice(*cut) for cut in itertools.pairwise(cuts)]
    together = _chunks_together(item)
    for first in range(0, samples, together):
        yield slice(first, min(first + together, samples)), pieces


def _interleaved(rows: np.ndarray, tails: np.ndarray) -> list[np.ndarray]:
    return [piece for pair in zip(rows, tails, strict=True) for piece in pair]


@contextmanager
def _opened(path: ShardFile) -> Iterator[Ranges]:
    try:
        with opened(path) as shard:
            yield shard
    except FileNotFoundError:
        raise _damage(path, "it is missing") from None


def _read_index(path: ShardFile, shard: Ranges, slots: int, samples: int) -> np.ndarray:
    """(samples, 2) uint64, offset and bytes of each chunk, proved to lie inside the file."""
    length = INDEX_BYTES * slots
    start = shard.size - length - CRC_BYTES
    if start < 0:
        raise _damage(path, "it is cut short")
    raw = np.frombuffer(shard.pread(length + CRC_BYTES, start), np.uint8)
    if len(raw) != length + CRC_BYTES or crc32c(raw[:length]) != raw[length:].view("<u4")[0]:
        raise _damage(path, "its index differs from its crc32c, or it is cut short")
    index = raw[:length].view("<u8").reshape(slots, 2)
    used, unused = index[:samples], index[samples:]
    if (used == EMPTY).any() or (unused != EMPTY).any():
        raise _damage(path, "its index does not hold the samples of this block")
    offsets, lengths = used.T
    beyond = (lengths < CRC_BYTES) | (lengths > start) | (offsets > np.uint64(start) - lengths)
    if beyond.any():
        raise _damage(path, "its index points outside of it")
    return used


def _fill(path: ShardFile, shard: Ranges, buffers: list[np.ndarray], offset: int) -> None:
    """Read until every buffer is full: one call, but where the system hands out less."""
    while buffers:
        count = shard.preadv(buffers, offset)
        if not count:
            raise _damage(path, "it is cut short")
        offset += count
        while buffers and count >= len(buffers[0]):
            count -= len(buffers.pop(0))
        if count:
            buffers[0] = buffers[0][count:]


def _empty(handle: int, buffers: list[np.ndarray]) -> None:
    """Write all of the buffers: one call, but where the system takes less."""
    while buffers:
        count = os.writev(handle, buffers)
        while buffers and count >= len(buffers[0]):
            count -= len(buffers.pop(0))
        if count:
            buffers[0] = buffers[0][count:]


def _damage(path: ShardFile, what: str) -> StoreError:
    return StoreError(f"{path}: {what}; {MEND}")
