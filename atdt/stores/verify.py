"""Reading all of a store and saying what is wrong with it."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from atdt.errors import StoreError, UserError
from atdt.files import inside
from atdt.places import place
from atdt.progress import progress
from atdt.stores.blocks import Blocks, open_blocks
from atdt.stores.checks import (
    OTHER_SAMPLES,
    ROOT_LEDGER,
    array_metadata,
    changed_files,
    digests,
    of_other_samples,
)
from atdt.stores.declared import read_array_ledger
from atdt.stores.layout import LEDGER, MEND, NAME, VECTORS, Grid, overwrite_name
from atdt.stores.ledger import Ledger, read_ledger
from atdt.stores.metadata import vector_files
from atdt.stores.reader import refuse_unfinished
from atdt.stores.store import open_store


@dataclass(frozen=True)
class VerifyReport:
    """What `verify_store` found.

    Attributes:
        problems: one line each: what, where, and what to run.
        arrays_checked: arrays whose blocks were read.
        bytes_read: bytes of their shards.
        seconds: how long it took.
    """

    problems: tuple[str, ...]
    arrays_checked: int
    bytes_read: int
    seconds: float


@dataclass(frozen=True)
class _Array:
    group: str
    name: str
    folder: Path
    ledger: Ledger


def verify_store(path: str | Path) -> VerifyReport:
    """Check every file of a store: metadata, sample vectors, ledgers, and every chunk's crc32c.

    Raises:
        StoreError: there is no store at `path`; damage is reported, not raised.
    """
    path, start = place(path), time.monotonic()
    arrays = list(_arrays(path)) if path.is_dir() else []
    ledgers = [path / ROOT_LEDGER, *(array.folder / LEDGER for array in arrays)]
    if not any(ledger.is_file() for ledger in ledgers) and not (path / "zarr.json").is_file():
        open_store(path)  # says what it is instead of a store
    problems = list(_root_problems(path))
    checked = bytes_read = 0
    total = sum(len(array.ledger.blocks) for array in arrays)
    with progress(f"verify {path.name}", total, "blocks") as advance:
        for array in arrays:
            problems += _array_problems(path, array)
            blocks = _blocks(path, array, problems)
            if blocks is None:
                advance(len(array.ledger.blocks))
                continue
            checked += 1
            for block, problem in blocks.check():
                bytes_read += blocks.records[block]["bytes"]
                problems += [problem] if problem else []
                advance()
    return VerifyReport(tuple(problems), checked, bytes_read, time.monotonic() - start)


def _arrays(path: Path) -> Iterator[_Array]:
    """Every folder where an array can be, whether or not zarr would see one there."""
    for group in sorted(path.iterdir()):
        if not group.is_dir() or group.name in VECTORS or not NAME.fullmatch(group.name):
            continue
        for folder in sorted(group.iterdir()):
            if folder.is_dir():
                ledger = read_array_ledger(path, group.name, folder.name)
                yield _Array(group.name, folder.name, folder, ledger)


def _root_problems(path: Path) -> Iterator[str]:
    try:
        ledger = read_ledger(inside(path, ROOT_LEDGER))
    except UserError as error:
        yield str(error)
        return
    if ledger.problem:
        yield f"{path}/{ROOT_LEDGER}: {ledger.problem}; {MEND}"
    if ledger.header is None:
        return
    try:
        lines = changed_files(ledger.header["files"], digests(path, vector_files()))
    except UserError as error:
        yield str(error)
        return
    yield from (f"{path}: {line}; {MEND}" for line in lines)
    if not lines and not ledger.problem:
        try:
            open_store(path)
        except StoreError as error:  # sound files that say what this version cannot use
            yield str(error)


def _array_problems(path: Path, array: _Array) -> Iterator[str]:
    if array.ledger.header is None:
        yield f"{array.folder}: {array.ledger.problem}, so nothing in it can be trusted; {MEND}"
        return
    files = array.ledger.header["files"]
    try:
        found = digests(path, array_metadata(array.group, array.name))
    except UserError as error:
        yield str(error)
        return
    yield from (f"{path}: {line}; {MEND}" for line in changed_files(files, found))
    root = read_ledger(path / ROOT_LEDGER).header
    if root and of_other_samples(files, root["files"]):
        option = f"--overwrite {overwrite_name(array.group, array.name)}"
        yield f"{array.folder}: {OTHER_SAMPLES}; extract it again with {option}"
    grid = _grid(array.ledger.header)
    try:
        refuse_unfinished(array.folder, array.ledger, grid.blocks)
    except StoreError as error:
        yield str(error)


def _blocks(path: Path, array: _Array, problems: list[str]) -> Blocks | None:
    """The array's blocks, None where damage that is reported keeps them from being read."""
    header = array.ledger.header
    if header is None:
        return None
    own = array_metadata(array.group, array.name)[1]
    try:
        if digests(path, [own])[own] != header["files"].get(own):
            return None
    except UserError:  # a link that leads out of the store
        return None
    try:
        return open_blocks(array.folder, _grid(header), array.ledger.blocks)
    except StoreError as error:
        problems.append(str(error))
        return None


def _grid(header: Mapping[str, str]) -> Grid:
    metadata = json.loads(header["metadata"])
    return Grid(metadata["shape"][0], metadata["chunk_grid"]["configuration"]["chunk_shape"][0])
