"""Lists of samples: one a line, columns separated by `;` (the format of AT/DT's input lists)."""

import codecs
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import overload

import numpy as np

from atdt.errors import DomainError, UserError
from atdt.files import PLAIN, inside
from atdt.texts import read_bounded

LABEL_KINDS = ("semantic", "depth", "normals")
COLUMNS = ("image", "right", *LABEL_KINDS)  # of AT/DT's lists
ALL_COLUMNS = (*COLUMNS, "camera")
MISSING = "_"
SEPARATOR = ";"
STRING = np.dtypes.StringDType()


@dataclass(frozen=True)
class Sample:
    """One line of a list: paths relative to the domain's root, None for what is missing."""

    line: int
    image: str
    right: str | None = None
    semantic: str | None = None
    depth: str | None = None
    normals: str | None = None
    camera: str | None = None


class SampleList(Sequence[Sample]):
    """Lines of a list, each made a `Sample` when it is asked for.

    As objects a million of them would take a third of a gigabyte; here they are little more than
    their text.
    """

    def __init__(self, columns: Sequence[str], texts: np.ndarray, lines: np.ndarray):
        self._columns = columns
        self._texts = texts
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "SampleList": ...
    def __getitem__(self, index: int | slice) -> "Sample | SampleList":
        if isinstance(index, slice):
            return SampleList(self._columns, self._texts[index], self._lines[index])
        paths = zip(self._columns, self._texts[index].split(SEPARATOR), strict=True)
        return Sample(int(self._lines[index]), **{column: path for column, path in paths if path})


def read_list(path: Path, root: Path, columns: Sequence[str] = COLUMNS) -> SampleList:
    """Read a list file, UTF-8.

    `_` stands for a missing file, and so do columns that a line does not have. Blank lines and
    Windows line ends are allowed; there are no comments.

    Args:
        path: the list.
        root: folder that no path may leave.
        columns: what the columns hold, some of `ALL_COLUMNS` in any order; "image" among them.

    Raises:
        DomainError: the list cannot be read or is empty; or a line has too many columns, an empty
            column, no image, an image of an earlier line, or a path that is absolute, has `..` in
            it, or leads out of `root` by a link. Names file and line.
    """
    try:
        data = read_bounded(path).removeprefix(codecs.BOM_UTF8)
    except FileNotFoundError:
        raise DomainError(f"{path}: no such list") from None
    except (OSError, UserError) as error:
        raise DomainError(f"{path}: cannot be read as a list in UTF-8 ({error})") from None
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    most = data.count(b"\n") + 1
    texts, lines = np.empty(most, STRING), np.empty(most, np.int32)
    hashes = np.empty(most, np.int64)
    found = 0
    # Not splitlines(): it also splits at characters that a file name may hold.
    for number, raw in enumerate(io.BytesIO(data), start=1):
        try:
            line = raw.decode()
            if not line.strip():
                continue
            paths = _parse(line, root, columns)
        except UnicodeDecodeError as error:
            raise DomainError(f"{path}: cannot be read as a list in UTF-8 ({error})") from None
        except UserError as error:
            raise DomainError(f"{path}:{number}: {error}") from None
        texts[found] = SEPARATOR.join(paths.get(column, "") for column in columns)
        lines[found], hashes[found] = number, hash(paths["image"])
        found += 1
    if not found:
        raise DomainError(f"{path}: the list is empty; write one image a line")
    samples = SampleList(columns, texts[:found], lines[:found])
    if len(np.unique(hashes[:found])) < found:
        _refuse_twice(path, samples)
    return samples


def _refuse_twice(path: Path, samples: SampleList) -> None:
    """Raise where two lines name one image, and not where only their hashes are the same."""
    first_line: dict[str, int] = {}
    for sample in samples:
        earlier = first_line.setdefault(sample.image, sample.line)
        if earlier != sample.line:
            raise DomainError(
                f"{path}:{sample.line}: {sample.image} is on line {earlier} already; leave one of "
                "them"
            )


def _parse(line: str, root: Path, columns: Sequence[str]) -> dict[str, str]:
    """The paths of a line, by column."""
    fields = [field.strip() for field in line.split(SEPARATOR)]
    if len(fields) > len(columns):
        raise DomainError(
            f"{len(fields)} columns, but only {len(columns)} are known: {';'.join(columns)} "
            "(`columns` in the description file names others)"
        )
    paths: dict[str, str] = {}
    for column, field in zip(columns, fields, strict=False):
        if not field or "\0" in field:
            raise DomainError(f"column {column!r} is empty; write {MISSING} for a missing file")
        if field != MISSING:
            inside(root, field)
            paths[column] = field if PLAIN.fullmatch(field) else str(PurePosixPath(field))
    if "image" not in paths:
        raise DomainError("has no image")
    return paths
