"""One writer an array: a lock that the system takes back when its process ends, however it ends."""

import fcntl
import os
import weakref
from collections.abc import Collection
from pathlib import Path

from atdt import objects
from atdt.errors import StoreError
from atdt.files import remove_any
from atdt.lease import Held, Lease, holder
from atdt.places import is_remote

LOCK = "writer.lock"
_held: "weakref.WeakSet[WriterLock]" = weakref.WeakSet()


def is_lock(name: str) -> bool:
    """Whether a file of this name says that its folder is, or was, written."""
    return name == LOCK or name.startswith(f"{LOCK}.")


def empty(folder: Path, keep: Collection[str] = ()) -> None:
    """Delete all that a folder holds but its lock and the files to be kept."""
    if is_remote(folder):
        names = (name for name in objects.below(folder) if not (is_lock(name) or name in keep))
        objects.remove(folder / name for name in names)
        return
    for entry in folder.iterdir():
        if entry.name not in keep and not is_lock(entry.name):
            remove_any(entry)


class WriterLock:
    """Holds `folder`'s lock from its construction until `release()`.

    The file names the process for the reader of a refusal; what counts is the system's lock on it,
    so a file left behind by a killed process hinders nobody.

    Raises:
        StoreError: another writer, in this process or another, holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self._handle = _acquire(self.path)
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, str(os.getpid()).encode(), 0)
        except BaseException:  # a full disk, say: nobody would ever let go
            _release(self.path, self._handle)
            raise
        _held.add(self)
        self._finalizer = weakref.finalize(self, _release, self.path, self._handle)

    def check(self) -> None:
        """The system keeps the lock: nobody can have taken it."""

    def release(self) -> None:
        """Let the next writer in; a second call does nothing."""
        self._finalizer()


class RemoteLock:
    """The same in an object store, where it is a lease."""

    def __init__(self, folder: Path) -> None:
        try:
            self._lease = Lease(folder, LOCK)
        except Held as error:
            raise StoreError(str(error)) from None

    @property
    def path(self) -> Path:
        """The object that says who holds it."""
        return self._lease.path

    def check(self) -> None:
        """Prove that it is still ours.

        Raises:
            StoreError: another writer has taken it, since we were not heard of for too long.
        """
        try:
            self._lease.check()
        except Held as error:
            raise StoreError(f"{error}; go on with --resume when it is done") from None

    def release(self) -> None:
        """Let the next writer in; a second call does nothing."""
        self._lease.release()


Lock = WriterLock | RemoteLock


def writer_lock(folder: Path) -> Lock:
    """The lock of `folder`, held.

    Raises:
        StoreError: another writer holds it.
    """
    return RemoteLock(folder) if is_remote(folder) else WriterLock(folder)


def writer_of(folder: Path) -> str | None:
    """Who holds `folder`'s lock, as its file says; None where nobody does. Changes nothing."""
    if is_remote(folder):
        return holder(folder, LOCK)
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # no file; or a link, which no writer makes
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(handle)
    finally:
        os.close(handle)
    return None


def _owner(handle: int) -> str:
    return os.pread(handle, 32, 0).decode(errors="replace") or "unknown"


def _acquire(path: Path) -> int:
    while True:
        # A link would have what it leads to emptied.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(handle)
            os.close(handle)
            raise StoreError(
                f"{path.parent}: process {owner} is writing it; wait for it or stop it"
            ) from None
        # The holder before us may have removed the file between our open and our lock.
        if _is_at(path, handle):
            return handle
        os.close(handle)


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _release(path: Path, handle: int) -> None:
    path.unlink(missing_ok=True)
    os.close(handle)


def _forget_in_child() -> None:
    """A forked child must neither keep its parent's lock alive nor remove its file."""
    for lock in list(_held):
        if lock._finalizer.detach() is not None:
            os.close(lock._handle)


os.register_at_fork(after_in_child=_forget_in_child)
