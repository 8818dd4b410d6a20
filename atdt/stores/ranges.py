"""Shards as something to read ranges of: files of this machine, and objects of an object store."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from atdt import objects

# Bytes that one request asks for: a tenth of a second where a connection gives 300 MB/s, so that a
# request's own time, some hundredths of a second, does not matter; and little to hold.
REQUEST = 32 * 2**20


class Ranges(Protocol):
    """A shard that is open."""

    size: int

    def pread(self, length: int, offset: int) -> bytes:
        """`length` bytes from `offset` on; less where it ends before."""
        ...

    def preadv(self, buffers: Sequence[np.ndarray], offset: int) -> int:
        """Fill buffers one after the other; how many bytes were there."""
        ...


class OpenFile:
    """A file's ranges, by its descriptor."""

    def __init__(self, handle: int):
        self._handle = handle
        self.size = os.fstat(handle).st_size

    def pread(self, length: int, offset: int) -> bytes:
        return os.pread(self._handle, length, offset)

    def preadv(self, buffers: Sequence[np.ndarray], offset: int) -> int:
        return os.preadv(self._handle, buffers, offset)


class RemoteShard:
    """An object's ranges: what is read in order takes a request for every `REQUEST` bytes.

    The ranges of one object are asked for at different moments, between which it may be replaced;
    chunks' checksums and the ledger's digest find that.

    Args:
        path: of the object.
        size: its bytes, as the ledger has them.
        data: all of it, where it is at hand.
        whole: get all of it by one request, for what is not read in order.
    """

    def __init__(
        self, path: Path, size: int, data: bytes | None = None, *, whole: bool = False
    ) -> None:
        self.path, self.size = path, size
        self._whole = whole
        self._first, self._held = 0, memoryview(data or b"")

    def __str__(self) -> str:
        return str(self.path)

    def data(self) -> bytes:
        """All of it."""
        return self.pread(self.size, 0)

    def pread(self, length: int, offset: int) -> bytes:
        length = min(length, self.size - offset)
        begin = offset - self._first
        if begin < 0 or begin + length > len(self._held):
            start, stop = offset, min(self.size, offset + max(length, REQUEST))
            if self._whole or self.size <= REQUEST:
                start, stop = 0, self.size
            self._held = memoryview(objects.get(self.path, start, stop))
            self._first, begin = start, offset - start
        return bytes(self._held[begin : begin + length])

    def preadv(self, buffers: Sequence[np.ndarray], offset: int) -> int:
        data = self.pread(sum(len(buffer) for buffer in buffers), offset)
        filled = 0
        for buffer in buffers:
            part = data[filled : filled + len(buffer)]
            buffer[: len(part)] = np.frombuffer(part, np.uint8)
            filled += len(part)
        return filled


@contextmanager
def opened(shard: "Path | RemoteShard") -> Iterator[Ranges]:
    """Open a shard.

    Raises:
        FileNotFoundError: it is not there.
    """
    if isinstance(shard, RemoteShard):
        yield shard
    else:
        handle = os.open(shard, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield OpenFile(handle)
        finally:
            os.close(handle)
