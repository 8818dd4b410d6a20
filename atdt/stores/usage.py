"""What stores take on the disk, and what of it nothing refers to: for `atdt prune`.

Links inside a store are neither followed nor counted. Nothing is changed here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atdt.errors import StoreError, UserError
from atdt.places import place
from atdt.stores.checks import ROOT_LEDGER
from atdt.stores.layout import LEDGER, METADATA, VECTORS
from atdt.stores.ledger import Ledger, read_ledger
from atdt.stores.lock import writer_of
from atdt.stores.orphans import (
    Orphan,
    array_orphans,
    attributes,
    bytes_below,
    folders,
    group_orphans,
    is_folder,
    is_leftover,
    recorded,
    root_orphans,
)
from atdt.stores.reader import open_reader
from atdt.stores.store import Store, open_store, parse_root
from atdt.texts import read_json

DEEPEST_STORE = 4  # folders below the one that is named


@dataclass(frozen=True)
class ArrayUsage:
    """An array of a store.

    Attributes:
        name: "level4/depth", "labels/semantic" …
        state: "complete", "incomplete", "damaged", "being written", or "leftover" (no ledger).
        problem: why readers refuse it; None where they do not.
        samples, of: samples committed, and those that the array is to have; None if unknown.
        dtype, compressor: None if unknown.
        bytes: of its folder.
        written: when its ledger was last written; None where it has none.
        orphans: what can go without a loss; none while it is being written.
    """

    name: str
    state: str
    problem: str | None
    samples: int | None
    of: int | None
    dtype: str | None
    compressor: str | None
    bytes: int
    written: datetime | None
    orphans: tuple[Orphan, ...]


@dataclass(frozen=True)
class StoreUsage:
    """A store.

    Attributes:
        path: its folder.
        problem: why its root cannot be opened; None where it can.
        bytes: of everything in its folder.
        arrays: what it holds, sorted by name.
        orphans: of its root and of its levels; those of arrays stand with them.
    """

    path: Path
    problem: str | None
    bytes: int
    arrays: tuple[ArrayUsage, ...]
    orphans: tuple[Orphan, ...]

    @property
    def all_orphans(self) -> tuple[Orphan, ...]:
        return (*self.orphans, *(orphan for array in self.arrays for orphan in array.orphans))


def find_stores(path: str | Path) -> list[Path]:
    """The store at `path`, or else those in the folders below it, sorted.

    Raises:
        StoreError: there is no such folder.
    """
    path = place(path)
    if not path.is_dir():
        raise StoreError(f"{path}: no such folder")
    return [path] if is_store(path) else sorted(_stores_below(path, DEEPEST_STORE))


def is_store(path: Path) -> bool:
    """Whether a root of a store, or what is left of one, lies at `path`."""
    try:
        if parse_root((path / METADATA).read_bytes()) is not None:
            return True
    except OSError:  # no file, no folder, or not ours to read
        pass
    try:
        header = read_ledger(path / ROOT_LEDGER).header
    except OSError:
        return False
    return header is not None and header.get("kind") == "root"


def store_usage(path: str | Path) -> StoreUsage:
    """What the store at `path` takes. No features are read, so that damage in them stays unseen.

    Raises:
        StoreError: there is no store.
    """
    path = place(path)
    if not is_store(path):
        raise StoreError(f"{path}: not a feature store")
    store, problem = None, None
    try:
        store = open_store(path)
    except UserError as error:
        problem = str(error)
    arrays = tuple(_array(path, store, problem, folder) for folder in array_folders(path))
    orphans = (*root_orphans(path), *group_orphans(path))
    return StoreUsage(path, problem, bytes_below(path), arrays, orphans)


def runs_trained(store: Path, runs: Path) -> dict[str, list[str]]:
    """Names of the runs below `runs` that say they learnt from `store`, by array."""
    found: dict[str, list[str]] = {}
    for file in sorted(runs.glob("**/run.json")):
        try:
            names = _learnt_from(read_json(file), store.resolve())
        except (UserError, KeyError, TypeError):  # another kind of run
            continue
        for name in names:
            found.setdefault(name, []).append(str(file.parent.relative_to(runs)))
    return found


def _learnt_from(info: dict[str, Any], store: Path) -> set[str]:
    """The arrays of `store` that the run of a run.json learnt from, as A's or as B's."""
    names: set[str] = set()
    if info["store"]["path"] == str(store):
        sides = {f"{info[side]['level']}/{info[side]['array']}" for side in ("source", "target")}
        names |= set(map(str, info.get("arrays", sides)))  # runs of before named but these two
    b = info.get("b")
    if b is not None and b["store"]["path"] == str(store):
        names |= set(map(str, b["arrays"]))
    return names


def array_folders(path: Path) -> Iterator[Path]:
    """Every folder of the store at `path` that holds, or is to hold, an array of ours."""
    for group in folders(path):
        if group.name in VECTORS:
            continue
        for folder in folders(group):
            if (folder / LEDGER).is_file() or is_leftover(folder):
                yield folder


def _stores_below(path: Path, depth: int) -> Iterator[Path]:
    for entry in path.iterdir():
        if entry.is_dir() and is_store(entry):
            yield entry
        elif depth > 1 and is_folder(entry):
            yield from _stores_below(entry, depth - 1)


def _array(path: Path, store: Store | None, problem: str | None, folder: Path) -> ArrayUsage:
    group, name = folder.relative_to(path).parts
    ledger, written = read_ledger(folder / LEDGER), None
    if (folder / LEDGER).exists():
        written = datetime.fromtimestamp((folder / LEDGER).stat().st_mtime, UTC)
    if store is not None:
        try:
            open_reader(store, group, name)
        except UserError as error:
            problem = str(error)
    if writer_of(folder) is not None:
        state, orphans = "being written", ()
    else:
        state, orphans = _state(folder, ledger, problem), array_orphans(folder)
    metadata = recorded(ledger)
    samples, of = _samples(ledger, metadata)
    dtype, compressor = metadata.get("data_type"), attributes(metadata).get("compressor")
    return ArrayUsage(
        f"{group}/{name}",
        state,
        problem,
        samples,
        of,
        dtype if isinstance(dtype, str) else None,
        compressor if isinstance(compressor, str) else None,
        bytes_below(folder),
        written,
        orphans,
    )


def _state(folder: Path, ledger: Ledger, problem: str | None) -> str:
    if not (folder / LEDGER).is_file():
        return "leftover"
    if problem is None:
        return "complete"
    return "damaged" if ledger.complete or ledger.problem else "incomplete"


def _samples(ledger: Ledger, metadata: Mapping[str, Any]) -> tuple[int | None, int | None]:
    try:
        of = metadata["shape"][0]
        slots = metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
        return sum(min(slots, max(0, of - block * slots)) for block in ledger.blocks), of
    except (KeyError, TypeError, IndexError):
        return None, None
