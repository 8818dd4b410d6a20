"""What nothing in a store refers to: left by writers that were killed, free to be deleted.

Links inside a store are neither followed nor counted. Nothing is changed here.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atdt import objects
from atdt.errors import UserError
from atdt.lease import leases
from atdt.places import is_remote
from atdt.stores.layout import COMMITS, LABELS, LEDGER, METADATA, NAME, VECTORS, shard_path
from atdt.stores.ledger import Ledger, read_ledger
from atdt.stores.lock import LOCK, is_lock, writer_of
from atdt.stores.provenance import OWN
from atdt.texts import parse_json, read_bounded

PARTIAL = "*.partial"
OURS = {METADATA, LOCK, COMMITS, "c"}  # all that our leftover of an array can hold

CUT_WRITE = "a write that was stopped"
NO_LEDGER_NAMES = "a shard that no ledger names"
IN_THE_LEDGER = "a commit that the ledger holds"
STALE_LOCK = "the lock of a process that is gone"
LEFTOVER = "an array without a ledger"


@dataclass(frozen=True)
class Orphan:
    """A file, a link, or a folder of our making that nothing refers to."""

    path: Path
    bytes: int
    why: str


def is_leftover(folder: Path) -> bool:
    """Whether `folder` is what a stopped beginning, replacing or deleting of an array left.

    A ledger is the last to come and the first to go. Somebody's own array in a store has none
    either, so whatever is there must look like ours.
    """
    names = {entry.name for entry in folder.iterdir() if not entry.name.endswith(PARTIAL[1:])}
    names = {LOCK if is_lock(name) else name for name in names}
    if not names <= OURS:
        return False
    if names <= {LOCK}:
        return True
    group, own = parsed(folder.parent / METADATA), parsed(folder / METADATA)
    kind = LABELS if folder.parent.name == LABELS else "level"
    is_our_group = attributes(group).get("kind") == kind and "consolidated_metadata" not in group
    return is_our_group and (METADATA not in names or set(OWN) <= set(attributes(own)))


def array_orphans(folder: Path) -> tuple[Orphan, ...]:
    """What nothing refers to in the folder of an array; all of it where it has no ledger.

    Whether it is being written is the caller's to know.
    """
    if not (folder / LEDGER).is_file():
        return (Orphan(folder, bytes_below(folder), LEFTOVER),)
    ledger = read_ledger(folder / LEDGER)
    named = _named_shards(folder, ledger)
    has_all = ledger.complete is not None and ledger.problem is None
    found = []
    for file in files_below(folder):
        if file.name.endswith(PARTIAL[1:]):
            found.append(_orphan(file, CUT_WRITE))
        elif named is not None and file not in named and _is_shard(file.relative_to(folder)):
            found.append(_orphan(file, NO_LEDGER_NAMES))
        elif has_all and file.parent == folder / COMMITS:
            found.append(_orphan(file, IN_THE_LEDGER))
    return (*found, *_lock_orphans(folder))


def root_orphans(path: Path) -> tuple[Orphan, ...]:
    """What a killed making of the root left; nothing while it is being made."""
    keeper = path / VECTORS[0]
    if not is_folder(keeper):
        return ()
    if writer_of(keeper) is not None:
        return ()
    files = [*path.glob(f".{METADATA}.{PARTIAL}")]
    for name in VECTORS:
        if is_folder(path / name):
            files += [file for file in files_below(path / name) if file.name.endswith(PARTIAL[1:])]
    return (*(_orphan(file, CUT_WRITE) for file in sorted(files)), *_lock_orphans(keeper))


def group_orphans(path: Path) -> Iterator[Orphan]:
    """Stopped writes of the levels' metadata, of levels that nobody is writing to."""
    for group in folders(path):
        files = sorted(group.glob(f".{METADATA}.{PARTIAL}"))
        # Looked for behind the files: who made one of them holds its array's lock until it is gone.
        if files and group.name not in VECTORS and not any(map(writer_of, folders(group))):
            yield from (_orphan(file, CUT_WRITE) for file in files)


def files_below(folder: Path) -> Iterator[Path]:
    """Files and links below `folder`, in order; links are not followed."""
    if is_remote(folder):
        yield from (folder / name for name in objects.below(folder))
        return
    for entry in sorted(folder.iterdir()):
        if is_folder(entry):
            yield from files_below(entry)
        else:
            yield entry


def bytes_below(folder: Path) -> int:
    """Bytes of the files below `folder`; a link's are not those of what it leads to."""
    if is_remote(folder):
        return sum(objects.below(folder).values())
    return sum(_size(file) for file in files_below(folder))


def _named_shards(folder: Path, ledger: Ledger) -> set[Path] | None:
    """The shards that the ledger names; None where damage keeps it from saying which they are.

    A last line cut short is no damage: its block was never committed.
    """
    shape = recorded(ledger).get("shape")
    is_sound = ledger.problem is None
    if not is_sound and not is_remote(folder):  # where no line can be cut short
        with (folder / LEDGER).open("rb") as file:
            file.seek(ledger.length)
            is_sound = b"\n" not in file.read()
    if not is_sound or not isinstance(shape, list):
        return None
    return {shard_path(folder, block, len(shape)) for block in ledger.blocks}


def _is_shard(file: Path) -> bool:
    """Whether a path, relative to its array, is that of a shard."""
    return file.parts[0] == "c" and all(part.isdecimal() for part in file.parts[1:])


def _lock_orphans(folder: Path) -> Iterable[Orphan]:
    if is_remote(folder):
        return [_orphan(lock, STALE_LOCK) for lock in leases(folder, LOCK)]
    lock = folder / LOCK
    return [_orphan(lock, STALE_LOCK)] if lock.is_symlink() or lock.exists() else []


def _orphan(file: Path, why: str) -> Orphan:
    return Orphan(file, _size(file), why)


def recorded(ledger: Ledger) -> dict[str, Any]:
    """The array's metadata as its ledger has it, empty where it does not say."""
    try:
        metadata = parse_json(ledger.header["metadata"]) if ledger.header else {}
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def parsed(file: Path) -> dict[str, Any] | None:
    try:
        content = parse_json(read_bounded(file))
    except (OSError, ValueError, UserError):
        return None
    return content if isinstance(content, dict) else None


def attributes(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    attributes = (metadata or {}).get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def folders(path: Path) -> list[Path]:
    """Folders in `path` that can be a level or an array, sorted; no links."""
    if is_remote(path):
        return [path / name for name in objects.folders(path) if NAME.fullmatch(name)]
    return sorted(p for p in path.iterdir() if NAME.fullmatch(p.name) and is_folder(p))


def is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _size(file: Path) -> int:
    if is_remote(file):
        return objects.size(file) or 0
    try:
        return os.lstat(file).st_size
    except FileNotFoundError:  # gone since it was listed: a writer is at work
        return 0
