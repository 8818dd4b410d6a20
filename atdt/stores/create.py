"""Making the root of a store, once, and making damaged parts of it again."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from atdt import objects
from atdt.errors import StoreError
from atdt.files import make_folder, remove_cut_off, write_atomic
from atdt.places import is_remote, place
from atdt.stores.checks import ABSENT, ROOT_LEDGER, digests
from atdt.stores.layout import FORMAT, LEDGER, METADATA, SCHEMA, VECTORS
from atdt.stores.ledger import Ledger, read_ledger, write_ledger
from atdt.stores.lock import Lock, writer_lock
from atdt.stores.metadata import root_files, vector_files
from atdt.stores.provenance import differences, plain
from atdt.stores.samples import SampleTable
from atdt.stores.store import Store, open_store, parse_root
from atdt.stores.trouble import disk_trouble

# What makes two domains the same; where the images lie may change.
DOMAIN_KEY = ("name", "split", "digest")


def create_store(
    path: str | Path,
    samples: SampleTable,
    plan: dict[str, Any],
    domain: dict[str, Any],
    samples_per_shard: int,
    *,
    resume: bool = False,
) -> Store:
    """Make a store's root with its sample vectors, or open the one that is there.

    A root whose making was stopped before any array was begun is made again.

    Args:
        plan: the plan of views, JSON.
        domain: JSON with `name`, `split` and `digest`; anything else in it is a note.
        samples_per_shard: for a new store; one that exists keeps its own.
        resume: make damaged files of the root again, where these arguments give the same bytes.

    Raises:
        StoreError: `path` is something else, the store was made by another plan or from another
            domain (the message says in what they differ), or it is damaged.
    """
    path = place(path)
    if not path.is_dir() and (path.exists() or path.is_symlink()):
        raise StoreError(f"{path}: exists and is not a feature store; choose another path")
    wanted = {
        "format": FORMAT,
        "schema": SCHEMA,
        "samples": len(samples),
        "samples_per_shard": min(_at_least_one(samples_per_shard), len(samples)),
        "plan": plain(plan),
        "domain": plain(domain),
        "samples_sha256": samples.digest(),
    }
    with disk_trouble(path):
        if not _is_store(path):
            _refuse_foreign(path)
            _write_root(path, root_files(samples, wanted))
        elif resume:
            _mend(path, samples, wanted)
    store = open_store(path, samples)
    recorded = {"plan": store.plan, "domain": store.domain}
    _refuse_others(path, {**recorded, "samples_sha256": store.samples.digest()}, wanted)
    return store


def _at_least_one(samples_per_shard: int) -> int:
    if samples_per_shard < 1:
        raise StoreError(f"samples per shard {samples_per_shard}: must be at least 1")
    return samples_per_shard


def _is_store(path: Path) -> bool:
    """Whether a root was finished here: it has its ledger, or arrays that were added later."""
    if (path / ROOT_LEDGER).exists():
        return True
    if is_remote(path):
        return any(name.endswith(f"/{LEDGER}") for name in objects.below(path))
    return any(path.glob(f"*/*/{LEDGER}"))


def _refuse_others(path: Path, recorded: dict[str, Any], wanted: dict[str, Any]) -> None:
    lines = differences(recorded, wanted, ("plan",))
    of_domain = differences(recorded["domain"], wanted["domain"], DOMAIN_KEY)
    lines += [f"domain {line}" for line in of_domain]
    lines = lines or differences(recorded, wanted, ("samples_sha256",))
    if lines:
        raise StoreError(
            f"{path}: made by another plan or from other images ({'; '.join(lines)}); "
            "extract into another store, or as this one was made"
        )


def _refuse_foreign(path: Path) -> None:
    """A folder without a ledger may only hold what a stopped making of a root leaves."""
    for entry in path.iterdir() if path.exists() else ():
        ours = entry.name in VECTORS or entry.name.startswith(f".{METADATA}.")
        if entry.name == METADATA:
            ours = parse_root(entry.read_bytes()) is not None
        if not ours:
            raise StoreError(
                f"{path}: exists and is not a feature store (it holds {entry.name}); "
                "choose another path"
            )


def _write_root(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the root's files, metadata first and ledger last: only then is there a store."""
    lock = _lock(path)
    try:
        if (path / ROOT_LEDGER).exists():  # made by another process just now
            return
        remove_cut_off(path, "*.partial")
        for name in VECTORS:
            remove_cut_off(path / name, "**/*.partial")
        for name, data in files:
            write_atomic(path / name, data)
        _write_root_ledger(path, (path / METADATA).read_bytes())
    finally:
        lock.release()


def _lock(path: Path) -> Lock:
    folder = (path / ROOT_LEDGER).parent
    make_folder(folder)
    return writer_lock(folder)


def _write_root_ledger(path: Path, metadata: bytes) -> None:
    header = {
        "kind": "root",
        "schema": SCHEMA,
        "metadata": metadata.decode(),
        "files": digests(path, vector_files()),
    }
    write_ledger(path / ROOT_LEDGER, header)


def _mend(path: Path, samples: SampleTable, wanted: dict[str, Any]) -> None:
    """Make damaged files of the root again; each must come out as some ledger recorded it."""
    lock = _lock(path)
    try:
        ledger = read_ledger(path / ROOT_LEDGER)
        recorded = ledger.header["files"] if ledger.header else _recorded_by_arrays(path)
        found = digests(path, vector_files())
        metadata = _sound_metadata(path, ledger, recorded, found)
        attributes = parse_root(metadata) or wanted
        if attributes["schema"] != SCHEMA:
            return  # opening it says so
        _refuse_others(path, attributes, wanted)
        for name, data in root_files(samples, attributes):
            made = hashlib.sha256(data).hexdigest()
            expected = recorded.get(name, made)
            if found[name] == expected:
                continue
            if made != expected:
                raise StoreError(
                    f"{path}/{name}: damaged, and this version of zarr does not make it again "
                    "as it was; extract into another store"
                )
            write_atomic(path / name, data)
        if ledger.problem:
            _write_root_ledger(path, (path / METADATA).read_bytes())
    finally:
        lock.release()


def _sound_metadata(
    path: Path, ledger: Ledger, recorded: dict[str, str], found: dict[str, str]
) -> bytes:
    """The root's metadata: the file where it is what was recorded, else the ledger's copy."""
    is_sound = found[METADATA] == recorded.get(METADATA, found[METADATA])
    if is_sound and found[METADATA] != ABSENT:
        return (path / METADATA).read_bytes()
    return ledger.header["metadata"].encode() if ledger.header else b""


def _recorded_by_arrays(path: Path) -> dict[str, str]:
    """What the first array with a ledger recorded of the root's files."""
    for file in sorted(path.glob(f"*/*/{LEDGER}")):
        header = read_ledger(file).header
        if header is not None:
            return {name: header["files"].get(name, ABSENT) for name in vector_files()}
    return {}
