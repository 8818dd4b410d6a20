"""Deleting what a store no longer needs, so that what a kill leaves is trusted by nobody.

A ledger goes first: without it an array is unfinished for every reader, and `free_orphans` sees a
leftover in it. Links are unlinked, never followed; nothing is deleted of what is being written.
"""

import errno
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from atdt.errors import StoreError
from atdt.files import remove, remove_any, sync_folder
from atdt.places import is_remote, place
from atdt.stores.checks import ROOT_LEDGER
from atdt.stores.layout import LEDGER, METADATA, NAME, VECTORS
from atdt.stores.lock import LOCK, Lock, empty, is_lock, writer_lock
from atdt.stores.orphans import (
    array_orphans,
    bytes_below,
    group_orphans,
    is_folder,
    root_orphans,
)
from atdt.stores.usage import array_folders, is_store


@dataclass
class Freed:
    """What was deleted.

    Attributes:
        bytes: of the files that are gone.
        left: one line for each part that was left alone, since it is being written.
    """

    bytes: int = 0
    left: list[str] = field(default_factory=list)


def free_orphans(store: str | Path) -> Freed:
    """Delete what nothing in a store refers to; no reader misses any of it.

    Raises:
        StoreError: there is no store.
    """
    path, freed = _root(store), Freed()
    for folder in list(array_folders(path)):
        try:
            _free_array_orphans(folder, freed)
        except StoreError as error:
            freed.left.append(str(error))
    keeper = path / VECTORS[0]
    for orphan in (*root_orphans(path), *group_orphans(path)):
        if orphan.path.parent == keeper and is_lock(orphan.path.name):
            _lock(keeper).release()
        else:
            remove_any(orphan.path)
        freed.bytes += orphan.bytes
    return freed


def delete_array(store: str | Path, name: str) -> Freed:
    """Delete one array, "level4/depth" or "labels/semantic", finished or not.

    Raises:
        StoreError: no such array, nothing of ours, or it is being written.
    """
    path = _root(store)
    group, _, own = name.partition("/")
    is_named = NAME.fullmatch(group) and NAME.fullmatch(own) and group not in VECTORS
    folder = path / group / own
    if is_named and is_folder(path / group) and folder.is_symlink():
        folder.unlink()
        return Freed()
    present = list(array_folders(path))
    if not is_named or folder not in present:
        names = ", ".join(str(found.relative_to(path)) for found in present)
        raise StoreError(f"{path}: has no array {name!r} (it has: {names or 'none'})")
    total, lock = bytes_below(folder), _lock(folder)
    try:
        _delete_locked(folder, lock)
    finally:
        lock.release()
    return Freed(total)


def delete_store(store: str | Path) -> Freed:
    """Delete a whole store, with everything that lies in its folder.

    Its root's metadata goes last, so that what a kill leaves is known for a store and refused.

    Raises:
        StoreError: no store, a link to one, one without a root, or an array is being written.
    """
    path = place(store)
    if path.is_symlink():
        raise StoreError(f"{path}: a link to {path.resolve()}; name that folder instead")
    path = _root(path).resolve()
    total = bytes_below(path)
    with ExitStack() as held:
        arrays = list(array_folders(path))
        keeper = path / VECTORS[0]
        for folder in (*arrays, *([keeper] if is_folder(keeper) else [])):
            held.callback(_lock(folder).release)
        for folder in arrays:
            remove(folder / LEDGER)
            sync_folder(folder)
        for entry in path.iterdir():
            if entry not in (keeper, path / METADATA):
                remove_any(entry)
        if is_folder(keeper):
            empty(keeper, keep=(Path(ROOT_LEDGER).name,))
            sync_folder(path)
            remove_any(keeper)
        else:
            remove(keeper)
        remove(path / METADATA)
    _remove_empty(path)
    return Freed(total)


def _root(store: str | Path) -> Path:
    path = place(store)
    if not is_store(path):
        raise StoreError(f"{path}: not a feature store")
    return path


def _free_array_orphans(folder: Path, freed: Freed) -> None:
    """Look again under the lock: another process may have gone on with the array since."""
    before = array_orphans(folder)
    if not before:
        return
    lock = _lock(folder)
    try:
        if not (folder / LEDGER).is_file():
            _delete_locked(folder, lock)
            freed.bytes += before[0].bytes
            return
        freed.bytes += sum(orphan.bytes for orphan in before if is_lock(orphan.path.name))
        for orphan in array_orphans(folder):
            if not is_lock(orphan.path.name):  # ours by now; it goes with its release
                remove_any(orphan.path)
                freed.bytes += orphan.bytes
                _remove_empty_above(orphan.path, folder)
    finally:
        lock.release()


def _delete_locked(folder: Path, lock: Lock) -> None:
    """Empty an array's folder, its ledger first, then let go of it and remove it."""
    remove(folder / LEDGER)
    sync_folder(folder)
    empty(folder)
    lock.release()
    _remove_empty(folder)


def _lock(folder: Path) -> Lock:
    if (folder / LOCK).is_symlink():  # no writer makes one, and no lock may be taken through it
        (folder / LOCK).unlink()
    return writer_lock(folder)


def _remove_empty_above(path: Path, stop: Path) -> None:
    """Remove the folders between `path` and `stop` that nothing is left in."""
    if is_remote(path):  # which are nothing then
        return
    for folder in path.parents:
        if folder == stop or any(folder.iterdir()):
            return
        folder.rmdir()


def _remove_empty(folder: Path) -> None:
    """Remove a folder, unless a new writer has just begun in it."""
    if is_remote(folder):
        return
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    sync_folder(folder.parent)
