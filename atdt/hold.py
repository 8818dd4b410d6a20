"""One writer at a time in the folder of a run, of predictions, of a sweep or of a domain."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from atdt.errors import RunError
from atdt.lease import Held, Lease
from atdt.places import is_remote, place

LEASE = "writer.lock"  # in an object store
_held: set[int] = set()  # descriptors


@contextmanager
def exclusive(path: str | Path) -> Iterator[None]:
    """Hold a folder, made where it is missing, for one writer at a time.

    The hold is the operating system's and ends with the process, however it dies. Where folders
    cannot be locked (Windows, some network file systems) it holds nothing. In an object store it is
    a lease (`atdt.lease`).

    Raises:
        RunError: another process is writing there, or `path` is a file.
    """
    path = place(path)
    if is_remote(path):
        with _leased(path):
            yield
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise RunError(f"{path}: is a file; a folder is needed") from None
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    _held.add(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _close(handle)
        raise RunError(f"{path}: another process is writing it; wait for it") from None
    except OSError:  # a file system without such locks
        pass
    try:
        yield
    finally:
        if handle in _held:  # a forked child has let go already, or has a copy yet
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)
            _close(handle)


def refuse_written(path: Path) -> None:
    """Refuse a folder in which another process writes now; in an object store the hold itself does.

    Raises:
        RunError: another process is writing there.
    """
    if not is_remote(path) and path.is_dir():
        with exclusive(path):
            pass


def exclusive_until(finished: Path) -> AbstractContextManager[None]:
    """Hold the folder of `finished`, which is written last and never removed: once it is there
    nobody writes."""
    return nullcontext() if finished.is_file() else exclusive(finished.parent)


@contextmanager
def _leased(path: Path) -> Iterator[None]:
    try:
        lease = Lease(path, LEASE)
    except Held as error:
        raise RunError(str(error)) from None
    try:
        yield
    finally:
        lease.release()


def _close(handle: int) -> None:
    _held.remove(handle)
    os.close(handle)


def _forget_in_child() -> None:
    """A forked child must not keep its parent's hold alive."""
    for handle in list(_held):
        _close(handle)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


def is_of_writers(name: str) -> bool:
    """Whether an entry of a folder says no more than that somebody writes there, or wrote: a lease,
    or what a kill cut off."""
    return name.startswith(f"{LEASE}.") or (name.startswith(".") and name.endswith(".partial"))
