"""A disk that fails at its k-th write: every call by which bytes or names reach it, counted."""

import builtins
import contextlib
import errno
import io
import os
import threading
from collections.abc import Buffer, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from safetensors import SafetensorError

from atdt import tensors

CREATES = os.O_CREAT | os.O_TRUNC


class Disk:
    """Counts what is written below `folder`, and fails.

    A full disk takes half of the bytes of call `at`, as a file system does, and stays full. A
    broken one takes half of them too, fails, and works again; so do names and syncs.

    Args:
        folder: calls elsewhere are let through uncounted.
        at: the first call that fails, from 1; none where it is 0.
        code: errno.ENOSPC or errno.EIO.
    """

    def __init__(self, folder: Path, at: int = 0, code: int = errno.ENOSPC):
        self.calls = 0
        self._folder, self._at, self._code = folder.absolute(), at, code
        self._lock = threading.Lock()

    @property
    def failed(self) -> bool:
        """Whether a call was failed."""
        return 0 < self._at <= self.calls

    def holds(self, path: Any) -> bool:
        """Whether a path or a file descriptor is below the folder."""
        if isinstance(path, int):
            path = Path(f"/proc/self/fd/{path}").readlink()
        return Path(os.fsdecode(path)).absolute().is_relative_to(self._folder)

    def name(self, path: Any) -> None:
        """Count a call that makes or moves a name, or waits for the disk."""
        if self._fails():
            raise self._error(None if isinstance(path, int) else os.fspath(path))

    def bytes(self, size: int, write: Callable[[int], int]) -> int:
        """Count a call that writes `size` bytes; `write` writes as many of them as it is told."""
        first = self._at == self.calls + 1
        if not self._fails():
            return write(size)
        if first and size > 1:
            taken = write(size // 2)
            if self._code == errno.ENOSPC:
                return taken
        raise self._error(None)

    def _fails(self) -> bool:
        with self._lock:
            self.calls += 1
            full = self._code == errno.ENOSPC
            return self._at > 0 and (self.calls >= self._at if full else self.calls == self._at)

    def _error(self, path: str | None) -> OSError:
        return OSError(self._code, os.strerror(self._code), *([path] if path else []))


@contextmanager
def failing(disk: Disk) -> Iterator[Disk]:
    """Within it everything that Python writes below the disk's folder goes through it."""
    real = {name: getattr(os, name) for name in (*WRITES, *NAMES, "open", "mkdir")}
    with contextlib.ExitStack() as stack:

        def patch(owner: Any, name: str, call: Any) -> None:
            stack.enter_context(mock.patch.object(owner, name, call))

        for name in WRITES:
            patch(os, name, _written(disk, real[name]))
        for name in NAMES:
            patch(os, name, _named(disk, real[name]))
        patch(os, "open", _opened(disk, real["open"]))
        patch(os, "mkdir", _made(disk, real["mkdir"]))
        patch(tensors, "save_file", _saved(disk, tensors.save_file))
        opened = _file(disk, io.open)
        patch(io, "open", opened)
        patch(builtins, "open", opened)
        yield disk


WRITES = ("write", "writev", "pwrite", "pwritev")
NAMES = ("fsync", "fdatasync", "replace", "rename", "link", "symlink", "posix_fallocate")


def _written(disk: Disk, real: Callable[..., int]) -> Callable[..., int]:
    def call(handle: int, data: Any, *where: Any) -> int:
        if not disk.holds(handle):
            return real(handle, data, *where)
        if isinstance(data, Buffer):
            view = memoryview(data).cast("B")
            return disk.bytes(len(view), lambda size: real(handle, view[:size], *where))
        views = [memoryview(piece).cast("B") for piece in data]
        total = sum(map(len, views))
        return disk.bytes(total, lambda size: real(handle, _first(views, size), *where))

    return call


def _first(views: list[memoryview], size: int) -> list[memoryview]:
    kept = []
    for view in views:
        kept.append(view[: max(0, size)])
        size -= len(view)
    return kept


def _named(disk: Disk, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, *rest: Any, **options: Any) -> Any:
        if disk.holds(path):
            disk.name(path)
        return real(path, *rest, **options)

    return call


def _opened(disk: Disk, real: Callable[..., int]) -> Callable[..., int]:
    def call(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if flags & CREATES and disk.holds(path) and not os.path.exists(path):  # noqa: PTH110
            disk.name(path)
        return real(path, flags, *rest, **options)

    return call


def _made(disk: Disk, real: Callable[..., None]) -> Callable[..., None]:
    def call(path: Any, *rest: Any, **options: Any) -> None:
        parent = os.path.dirname(os.fspath(path))  # noqa: PTH120
        if disk.holds(path) and os.path.isdir(parent) and not os.path.exists(path):  # noqa: PTH110, PTH112
            disk.name(path)
        real(path, *rest, **options)

    return call


def _saved(disk: Disk, real: Callable[..., None]) -> Callable[..., None]:
    """safetensors writes from Rust, past all of the above: one call, of which half a file stays."""

    def call(content: Any, path: Path, *rest: Any) -> None:
        if disk.holds(path):
            try:
                disk.name(path)
            except OSError as error:
                real(content, path, *rest)
                os.truncate(path, path.stat().st_size // 2)
                raise SafetensorError(f"I/O error: {os.strerror(error.errno)}") from None
        real(content, path, *rest)

    return call


def _file(disk: Disk, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        **rest: Any,
    ) -> Any:
        if not set(mode) & set("wax+") or not disk.holds(file):
            return real(file, mode, buffering, encoding, errors, newline, **rest)
        if buffering != -1 or rest:
            raise NotImplementedError(f"{file}: opened as {mode!r}, which is not counted")
        if not isinstance(file, int):
            disk.name(file)
        raw = _Raw(file, mode.replace("b", ""))
        raw.disk = disk
        binary = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return binary
        return io.TextIOWrapper(binary, encoding, errors, newline)

    return call


class _Raw(io.FileIO):
    disk: Disk

    def write(self, data: Any) -> int:
        view, write = memoryview(data).cast("B"), super().write
        return self.disk.bytes(len(view), lambda size: write(view[:size]))
