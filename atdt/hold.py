"""One writer at a time in the folder of a run, of predictions, of a sweep or of a domain."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from atdt.errors import RunError
from atdt.lease import Held, Lease
from atdt.places import is_remote, place

LEASE = "writer.lock"  # in an object store


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
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RunError(f"{path}: another process is writing it; wait for it") from None
    except OSError:  # a file system without such locks
        pass
    try:
        yield
    finally:
        os.close(handle)


def exclusive_until(finished: Path) -> AbstractContextManager[None]:
    """Hold the folder of `finished`, which is written last; once it is there nobody writes."""
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


def is_of_writers(name: str) -> bool:
    """Whether an entry of a folder says no more than that somebody writes there, or wrote: a lease,
    or what a kill cut off."""
    return name.startswith(f"{LEASE}.") or (name.startswith(".") and name.endswith(".partial"))
