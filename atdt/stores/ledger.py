"""The ledger of an array: what is committed, and digests of everything a reader relies on.

One JSON object a line, each ending in its own sha256 (`seal`), so that a flipped byte or a line cut
short is found. The first line is the header; then one line a block, appended after its shard has
reached the disk; a last line of kind `complete` ends it and seals all lines before it.

Statistics of a block are most of its line, and those of a large store do not fit in memory, so that
they are looked up in the file when they are needed (`block_records`).
"""

import errno
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from atdt import objects
from atdt.errors import StoreError
from atdt.files import write_atomic
from atdt.places import is_remote
from atdt.stores.commits import commit_lines
from atdt.stores.layout import MEND
from atdt.stores.ranges import REQUEST
from atdt.texts import parse_json

Place = tuple[int, int]  # of a line in its file: first byte, bytes

HEADERS = ("root", "array")
LONGEST_LINE = 2**24  # bytes: statistics of 100 000 channels have a quarter of it
SEAL_START = b',"seal":"'
SEAL_END = b'"}'
SEAL_LENGTH = len(SEAL_START) + 64 + len(SEAL_END)


@dataclass
class Ledger:
    """What a ledger file says.

    Attributes:
        header: the first record, None where there is none that can be trusted.
        blocks: the record of each committed block, without its statistics.
        places: where the line of each of these is.
        complete: the last record of a finished array.
        problem: why the file is not whole, None where it is.
        length: bytes of the part that can be trusted.
    """

    header: dict[str, Any] | None = None
    blocks: dict[int, dict[str, Any]] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    complete: dict[str, Any] | None = None
    problem: str | None = None
    length: int = 0


def read_ledger(
    path: Path,
    judge: Callable[[dict[str, Any]], None] = lambda record: None,
    copy: BinaryIO | None = None,
) -> Ledger:
    """Read a ledger up to the first line that is not whole; says so in `problem`.

    Args:
        judge: is given the whole record of each block, and raises what it will.
        copy: the lines that can be trusted are written to it; `places` are then right for it.
    """
    ledger, taken = Ledger(), hashlib.sha256()
    try:
        _read_lines(_all_lines(path, ledger), ledger, taken, judge, copy)
    except FileNotFoundError:
        return Ledger(problem="it has no ledger")
    if ledger.header is None and ledger.problem is None:
        ledger.problem = "its ledger is empty"
    return ledger


def _read_lines(
    lines: Iterable[bytes],
    ledger: Ledger,
    taken: "hashlib._Hash",
    judge: Callable[[dict[str, Any]], None],
    copy: BinaryIO | None,
) -> None:
    for number, line in enumerate(lines, start=1):
        record = _unseal(line)
        if record is None:
            cut = not line.endswith(b"\n")
            fault = "is cut short" if cut else "is damaged"
            ledger.problem = f"line {number} of its ledger {fault}"
            break
        if not _take(ledger, record, len(line), taken):
            ledger.problem = f"line {number} of its ledger is out of place"
            break
        if record["kind"] == "block":
            judge(record)
        ledger.length += len(line)
        taken.update(line)
        if copy is not None:
            copy.write(line)


def _all_lines(path: Path, ledger: Ledger) -> Iterator[bytes]:
    """Lines of the file; then, of an array that is written in an object store, those beside it.

    Args:
        ledger: what the lines before have said.
    """
    yield from _lines(path)
    is_array = ledger.header is not None and ledger.header["kind"] == "array"
    if is_array and ledger.complete is None:
        yield from commit_lines(path.parent, ledger.blocks)


def _lines(path: Path) -> Iterator[bytes]:
    """One line after the other: no more is in memory than the longest that we would write."""
    if is_remote(path):
        yield from _remote_lines(path)
        return
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            yield line


def _remote_lines(path: Path) -> Iterator[bytes]:
    """As `_lines`, or what is read by one request."""
    rest, offset, more = b"", 0, True
    while more and len(rest) < LONGEST_LINE:
        data = objects.get(path, offset, offset + REQUEST)
        offset, more = offset + len(data), len(data) == REQUEST
        *whole, rest = (rest + data).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


def _take(ledger: Ledger, record: dict[str, Any], size: int, before: "hashlib._Hash") -> bool:
    """Add a record to the ledger; False where it does not belong behind the ones before it.

    Args:
        size: bytes of its line.
        before: sha256 of the lines before it.
    """
    kind = record.get("kind")
    if ledger.header is None:
        if kind not in HEADERS or not isinstance(record.get("metadata"), str):
            return False
        ledger.header = record
        return isinstance(record.get("files"), dict)
    if ledger.complete is not None:
        return False
    block = record.get("block")
    if kind == "block" and isinstance(block, int) and block not in ledger.blocks:
        ledger.blocks[block] = {k: v for k, v in record.items() if k != "statistics"}
        ledger.places[block] = ledger.length, size
        return True
    if kind == "complete" and record.get("lines") == before.hexdigest():
        ledger.complete = record
        return True
    return False


def block_lines(path: Path, places: Iterable[Place]) -> Iterator[bytes]:
    """Lines of a ledger that was read before, from where they are."""
    with path.open("rb") as file:
        for first, size in places:
            file.seek(first)
            yield file.read(size)


def block_records(path: Path, places: Iterable[Place]) -> Iterator[dict[str, Any]]:
    """The whole records of these lines.

    Raises:
        StoreError: one is not what was written any more.
    """
    for line in block_lines(path, places):
        record = _unseal(line)
        if record is None:
            raise StoreError(f"{path}: changed while it was written; {MEND}")
        yield record


def write_ledger(
    path: Path,
    header: dict[str, Any],
    blocks: Iterable[bytes] = (),
    complete: dict[str, Any] | None = None,
) -> int:
    """Write a whole ledger atomically; returns its bytes.

    Args:
        blocks: lines of blocks (`block_lines`, `seal`), in the order of blocks; may be those of the
            file that is replaced.
    """
    length, written = 0, hashlib.sha256()

    def lines() -> Iterator[bytes]:
        nonlocal length
        for line in itertools.chain([seal(header)], blocks):
            length += len(line)
            written.update(line)
            yield line
        if complete is not None:
            last = seal({"kind": "complete", "lines": written.hexdigest(), **complete})
            length += len(last)
            yield last

    write_atomic(path, lines())
    return length


def append_line(path: Path, line: bytes, length: int) -> int:
    """Append a line, as `seal` makes it, behind the first `length` bytes; on the disk on return.

    A failed append leaves the ledger as it was, so that it never holds half a line by our doing.

    Returns:
        The new length in bytes.
    """
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            if os.pwrite(handle, line, length) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, length)
            raise
    finally:
        os.close(handle)
    return length + len(line)


def seal(record: dict[str, Any]) -> bytes:
    """The line of a record."""
    body = json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
    return body[:-1] + SEAL_START + _sha256(body).encode() + SEAL_END + b"\n"


def _unseal(line: bytes) -> dict[str, Any] | None:
    """The record of a line, None where any of its bytes is not what was written."""
    if not line.endswith(SEAL_END + b"\n") or len(line) <= SEAL_LENGTH + 1:
        return None
    body, tail = line[: -SEAL_LENGTH - 1] + b"}", line[-SEAL_LENGTH - 1 : -1]
    if tail != SEAL_START + _sha256(body).encode() + SEAL_END:
        return None
    try:
        record = parse_json(body)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
