"""Shards of uncompressed chunks read and written without zarr, and the digest that ties a shard to
its ledger.

A shard (Zarr v3, `sharding_indexed`, index at the end) is its chunks, then one (offset, bytes) pair
of little-endian uint64 for each slot, then a crc32c of those pairs. Each chunk ends in its own
crc32c. Here a slot is a sample; those beyond the last sample of a short shard are empty.
"""

import hashlib
import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from crc32c import crc32c

from atdt.errors import StoreError
from atdt.stores.layout import CRC_BYTES, INDEX_BYTES, MEND

EMPTY = np.uint64(2**64 - 1)
# Large enough to hide the cost of a call, small enough to be checked while still in the cache.
READ_BYTES = 1 << 20
MOST_BUFFERS = 1024  # IOV_MAX
# One thread's checks take as long as its reads; two reach what memory can deliver.
READ_THREADS = 2


def block_digest(checksums: np.ndarray) -> str:
    """What the ledger keeps of a block: sha256 of its chunks' crc32c values, in sample order.

    A plain crc32c of the file would not do: that of data followed by its own crc32c is a constant.
    """
    return hashlib.sha256(checksums.astype("<u4").tobytes()).hexdigest()


def plain_bytes(slots: int, samples: int, sample_bytes: int) -> int:
    """Bytes of a shard of `samples` uncompressed chunks."""
    return samples * (sample_bytes + CRC_BYTES) + slots * INDEX_BYTES + CRC_BYTES


def stored_checksums(path: Path, slots: int, samples: int) -> np.ndarray:
    """The crc32c values that the chunks of a shard carry, (samples,) uint32.

    Raises:
        StoreError: the shard is absent or cut short, its index is damaged, or a chunk is missing.
    """
    with _opened(path) as (handle, size):
        index = _read_index(path, handle, size, slots, samples)
        checksums = np.empty(samples, "<u4")
        for slot, end in enumerate((index[:, 0] + index[:, 1]).tolist()):
            checksums[slot] = np.frombuffer(os.pread(handle, CRC_BYTES, end - CRC_BYTES), "<u4")[0]
    return checksums


def chunk_heads(path: Path, slots: int, samples: int, most: int) -> Iterator[bytes]:
    """The first bytes of each chunk of a shard, `most` at most; errors as `stored_checksums`."""
    with _opened(path) as (handle, size):
        for offset, length in _read_index(path, handle, size, slots, samples).tolist():
            yield os.pread(handle, min(most, length - CRC_BYTES), offset)


def read_plain(path: Path, slots: int, out: np.ndarray) -> np.ndarray:
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
    chunk = rows.shape[1] + CRC_BYTES
    together = _chunks_together(chunk)
    checksums = np.empty(samples, "<u4")
    tails = checksums.view(np.uint8).reshape(samples, CRC_BYTES)
    with _opened(path) as (handle, size):
        index = _read_index(path, handle, size, slots, samples)
        in_order = np.arange(samples, dtype=np.uint64) * np.uint64(chunk)
        if not (np.array_equal(index[:, 0], in_order) and (index[:, 1] == chunk).all()):
            raise _damage(path, "its chunks are not in the order of samples")

        def read(span: range) -> None:
            for first in range(span.start, span.stop, together):
                part = slice(first, min(first + together, span.stop))
                _fill(path, handle, _interleaved(rows[part], tails[part]), first * chunk)
                for slot in range(part.start, part.stop):
                    if crc32c(rows[slot]) != checksums[slot]:
                        raise _damage(path, f"sample {slot} of it differs from its crc32c")

        spans = _spans(samples, chunk)
        if len(spans) == 1:
            read(spans[0])
        else:
            with ThreadPoolExecutor(len(spans), thread_name_prefix="shard") as pool:
                list(pool.map(read, spans))
    return checksums


def write_plain(path: Path, slots: int, values: np.ndarray) -> np.ndarray:
    """Write a shard of uncompressed chunks, byte for byte as zarr would; on the disk on return.

    The name appears when the bytes have reached the disk, so that a kill leaves no torn shard.

    Args:
        path: the shard's file; its folder is made where it is missing.
        slots: samples per shard of the array.
        values: (samples, …) contiguous and little-endian; one chunk a sample.

    Returns:
        The chunks' crc32c values, (samples,) uint32.

    Raises:
        OSError: the disk is full or fails; nothing of the shard is left.
    """
    rows = _rows(values)
    chunk, samples = rows.shape[1] + CRC_BYTES, len(rows)
    together = _chunks_together(chunk)
    checksums = np.array([crc32c(row) for row in rows], "<u4")
    tails = checksums.view(np.uint8).reshape(samples, CRC_BYTES)
    index = np.full((slots, 2), EMPTY, "<u8")
    index[:samples, 0] = np.arange(samples, dtype=np.uint64) * np.uint64(chunk)
    index[:samples, 1] = chunk
    index_bytes = index.view(np.uint8).reshape(-1)
    index_checksum = np.array([crc32c(index_bytes)], "<u4").view(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.partial")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        try:
            for first in range(0, samples, together):
                part = slice(first, first + together)
                _empty(handle, _interleaved(rows[part], tails[part]))
            _empty(handle, [index_bytes, index_checksum])
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return checksums


def _rows(samples: np.ndarray) -> np.ndarray:
    """The bytes of each sample, (samples, bytes); a view."""
    return samples.reshape(len(samples), -1).view(np.uint8)


def _chunks_together(chunk: int) -> int:
    """Chunks that are read or written by one call."""
    return max(1, min(READ_BYTES // chunk, MOST_BUFFERS // 2))


def _interleaved(rows: np.ndarray, tails: np.ndarray) -> list[np.ndarray]:
    return [piece for pair in zip(rows, tails, strict=True) for piece in pair]


def _spans(samples: int, chunk: int) -> list[range]:
    """What each thread reads: halves, of what is worth a thread."""
    threads = min(READ_THREADS, samples, max(1, samples * chunk // (2 * READ_BYTES)))
    cuts = [samples * thread // threads for thread in range(threads + 1)]
    return [range(start, stop) for start, stop in itertools.pairwise(cuts)]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[int, int]]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _damage(path, "it is missing") from None
    try:
        yield handle, os.fstat(handle).st_size
    finally:
        os.close(handle)


def _read_index(path: Path, handle: int, size: int, slots: int, samples: int) -> np.ndarray:
    """(samples, 2) uint64, offset and bytes of each chunk, proved to lie inside the file."""
    length = INDEX_BYTES * slots
    start = size - length - CRC_BYTES
    if start < 0:
        raise _damage(path, "it is cut short")
    raw = np.frombuffer(os.pread(handle, length + CRC_BYTES, start), np.uint8)
    if crc32c(raw[:length]) != raw[length:].view("<u4")[0]:
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


def _fill(path: Path, handle: int, buffers: list[np.ndarray], offset: int) -> None:
    """Read until every buffer is full: one call, but where the system hands out less."""
    while buffers:
        count = os.preadv(handle, buffers, offset)
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


def _damage(path: Path, what: str) -> StoreError:
    return StoreError(f"{path}: {what}; {MEND}")
