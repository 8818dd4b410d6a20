"""Where a writer starts: a new array, one that is replaced, or one that is checked and resumed."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atdt import objects
from atdt.errors import MismatchError, StoreError
from atdt.files import make_folder, remove, sync_folder, write_atomic
from atdt.places import is_remote
from atdt.progress import progress
from atdt.stores.blocks import Blocks, listed_sizes, open_blocks
from atdt.stores.checks import (
    array_metadata,
    changed_files,
    digests,
    refuse_changes,
    refuse_other_samples,
)
from atdt.stores.commits import Spool
from atdt.stores.declared import read_array_ledger
from atdt.stores.layout import LEDGER, METADATA, overwrite_name, shard_path
from atdt.stores.ledger import Ledger, Place, block_lines, read_ledger, write_ledger
from atdt.stores.lock import Lock, empty, writer_lock
from atdt.stores.metadata import array_file, group_file
from atdt.stores.provenance import GRID, differences, identity_fields
from atdt.stores.reader import open_reader

if TYPE_CHECKING:
    from atdt.stores.store import Store


@dataclass(frozen=True)
class ArraySpec:
    """An array as it is wanted.

    Attributes:
        item: the shape of one sample.
        attributes: JSON.
        keep_bits: bits of the mantissa that are kept; all when None.
    """

    group: str
    name: str
    item: tuple[int, ...]
    dtype: str
    dimensions: tuple[str, ...]
    compressor: str
    attributes: dict[str, Any]
    keep_bits: int | None = None

    @property
    def called(self) -> str:
        """What --overwrite calls it."""
        return overwrite_name(self.group, self.name)


@dataclass
class Beginning:
    """What a writer knows of its array: its lock, and of the ledger where it is, the header, where
    the line of each committed block is, and the length."""

    lock: Lock
    spool: Spool
    header: dict[str, Any]
    places: dict[int, Place]
    length: int
    complete: bool = False


def begin(store: "Store", spec: ArraySpec, *, resume: bool, overwrite: bool) -> Beginning:
    """Take the array's lock and bring its folder to a state that blocks can be written to.

    Raises:
        StoreError, MismatchError: see `Store.feature_writer`.
    """
    if resume and overwrite:
        raise StoreError("--resume and --overwrite exclude each other; give one of them")
    if len(spec.item) != len(spec.dimensions) - 1 or any(side < 1 for side in spec.item):
        raise StoreError(f"{spec.group}/{spec.name}: {spec.item} is not the shape of a sample")
    folder = store.folder(spec.group, spec.name)
    metadata = array_file(
        (len(store.samples), *spec.item),
        spec.dtype,
        store.samples_per_shard,
        spec.dimensions,
        spec.compressor,
        spec.attributes,
    )
    make_folder(folder)
    for parent in (folder.parent, store.path, store.path.parent):
        sync_folder(parent)  # else a power cut could take the whole folder, ledger and all
    lock, spool = writer_lock(folder), Spool(folder)
    try:
        beginning = _decide(store, spec, metadata, lock, spool, resume, overwrite)
    except BaseException:
        lock.release()
        spool.close()
        raise
    if beginning.complete:
        lock.release()  # nothing will be written, so nobody need wait
    return beginning


def _decide(
    store: "Store",
    spec: ArraySpec,
    metadata: bytes,
    lock: Lock,
    spool: Spool,
    resume: bool,
    overwrite: bool,
) -> Beginning:
    folder = lock.path.parent
    with spool.copy() as copy:
        ledger = read_array_ledger(store.path, spec.group, spec.name, copy)
    recorded = _recorded_metadata(ledger, folder / METADATA)
    if overwrite or recorded is None:
        return _anew(store, spec, metadata, lock, spool)
    finished = ledger.complete is not None and ledger.problem is None
    _refuse_others(spec, folder, recorded, json.loads(metadata))
    if finished and not resume:
        open_reader(store, spec.group, spec.name)  # damage must not pass for "nothing to do"
        return Beginning(lock, spool, ledger.header, ledger.places, ledger.length, complete=True)
    if not resume:
        raise StoreError(
            f"{folder}: incomplete, {len(ledger.blocks)} of {store.blocks} blocks are committed; "
            f"go on with --resume, or replace it with --overwrite {spec.called}"
        )
    if ledger.header is None:  # nothing else in it can be trusted, so nothing is committed
        return _anew(store, spec, metadata, lock, spool)
    if not finished:  # said before all that is committed is read
        _refuse_other_grid(spec, folder, recorded)
    _mend_metadata(store, spec, folder, ledger.header)
    blocks = open_blocks(folder, store.grid, ledger.blocks)
    sound = _sound_blocks(f"{spec.group}/{spec.name}", blocks)
    remove_partial(folder)
    if finished and len(sound) == store.blocks:
        return Beginning(lock, spool, ledger.header, ledger.places, ledger.length, complete=True)
    _refuse_other_grid(spec, folder, recorded)
    lines = block_lines(spool.path, [ledger.places[block] for block in sound])
    write_ledger(spool.path, ledger.header, lines)
    spool.publish()
    _remove_unnamed(folder, sound, len(spec.dimensions))
    written = read_ledger(spool.path)
    return Beginning(lock, spool, ledger.header, written.places, written.length)


def _recorded_metadata(ledger: Ledger, path: Path) -> dict[str, Any] | None:
    """The array's metadata: the ledger's copy, else the file; None where neither can be read."""
    try:
        text = ledger.header["metadata"] if ledger.header else path.read_bytes()
        metadata = json.loads(text)
        return metadata if isinstance(metadata["attributes"], dict) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _refuse_others(
    spec: ArraySpec, folder: Path, recorded: dict[str, Any], wanted: dict[str, Any]
) -> None:
    lines = differences(recorded, wanted, ("shape", "data_type"))
    before, after = recorded["attributes"], wanted["attributes"]
    lines += differences(before, after, identity_fields(before, after))
    if lines:
        raise MismatchError(
            f"{folder} holds something else under this name ({'; '.join(lines)}); "
            f"choose another name, or replace it with --overwrite {spec.called}"
        )


def _refuse_other_grid(spec: ArraySpec, folder: Path, recorded: dict[str, Any]) -> None:
    lines = differences(recorded["attributes"], spec.attributes, GRID)
    if lines:
        raise MismatchError(
            f"{folder} was begun otherwise, and its last bits would differ ({'; '.join(lines)}); "
            f"resume as it was begun, or replace it with --overwrite {spec.called}"
        )


def _anew(store: "Store", spec: ArraySpec, metadata: bytes, lock: Lock, spool: Spool) -> Beginning:
    """Empty the folder, the ledger first so that no reader trusts what is left, and start it."""
    folder = lock.path.parent
    remove(folder / LEDGER)
    empty(folder)
    group_path, array_path = array_metadata(spec.group, spec.name)
    _ensure_group(store, spec, _siblings_digests(store, spec.group, group_path))
    write_atomic(folder / METADATA, metadata)
    header = {
        "kind": "array",
        "schema": spec.attributes["schema"],
        "metadata": metadata.decode(),
        "files": {**store.files, **digests(store.path, (group_path, array_path))},
    }
    length = write_ledger(spool.path, header)
    spool.publish()
    return Beginning(lock, spool, header, {}, length)


def _remove_unnamed(folder: Path, sound: Collection[int], dimensions: int) -> None:
    """In an object store, delete shards that are to be written again: none is ever replaced, so
    that no writer, however late, can harm one that another has committed."""
    if is_remote(folder):
        unnamed = set(listed_sizes(folder)) - set(sound)
        objects.remove(shard_path(folder, block, dimensions) for block in unnamed)


def _mend_metadata(store: "Store", spec: ArraySpec, folder: Path, header: dict[str, Any]) -> None:
    """Write damaged metadata again, from the ledger's copy; it must come out as recorded."""
    files = header["files"]
    refuse_other_samples(folder, files, store.files)
    group_path, array_path = array_metadata(spec.group, spec.name)
    _ensure_group(store, spec, {files.get(group_path)})
    if digests(store.path, [array_path])[array_path] != files.get(array_path):
        write_atomic(folder / METADATA, header["metadata"].encode())
    found = digests(store.path, (group_path, array_path))
    refuse_changes(store.path, changed_files(files, found))


def _siblings_digests(store: "Store", group: str, group_path: str) -> set[str | None]:
    """What the other arrays of a group recorded of the group's metadata."""
    headers = [read_array_ledger(store.path, group, n).header for n in store.arrays(group)]
    return {header["files"].get(group_path) for header in headers if header}


def _ensure_group(store: "Store", spec: ArraySpec, recorded: set[str | None]) -> None:
    """Make the group's metadata, or make it again where it is not what its arrays recorded."""
    path = f"{spec.group}/{METADATA}"
    if digests(store.path, [path])[path] in recorded:
        return
    data = group_file(spec.group)
    if not recorded or hashlib.sha256(data).hexdigest() in recorded:
        # xarray warns of files that a kill leaves in a group; those of an array are cleaned up
        write_atomic(store.path / path, data, cut_off_in=store.folder(spec.group, spec.name))


def _sound_blocks(name: str, blocks: Blocks) -> list[int]:
    """The committed blocks that are still what was committed; the others are written again."""
    sound = []
    with progress(f"check {name}", len(blocks.records), "blocks") as advance:
        for block, problem in blocks.check():
            if problem is None:
                sound.append(block)
            advance()
    return sound


def remove_partial(folder: Path) -> None:
    """Delete files that a writer was in the midst of; nothing refers to them."""
    if is_remote(folder):
        objects.remove(folder / n for n in objects.below(folder) if n.endswith(".partial"))
        return
    for path in folder.rglob("*.partial"):
        path.unlink()
