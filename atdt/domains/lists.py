"""Lists of samples: one a line, columns separated by `;` (the format of AT/DT's input lists)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from atdt.errors import DomainError, UserError
from atdt.files import inside, read_bounded

LABEL_KINDS = ("semantic", "depth", "normals")
COLUMNS = ("image", "right", *LABEL_KINDS)  # of AT/DT's lists
ALL_COLUMNS = (*COLUMNS, "camera")
MISSING = "_"


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


def read_list(path: Path, root: Path, columns: Sequence[str] = COLUMNS) -> tuple[Sample, ...]:
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
        text = read_bounded(path).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        raise DomainError(f"{path}: no such list") from None
    except (OSError, UnicodeDecodeError, UserError) as error:
        raise DomainError(f"{path}: cannot be read as a list in UTF-8 ({error})") from None
    samples: list[Sample] = []
    first_line: dict[str, int] = {}
    # Not splitlines(): it also splits at characters that a file name may hold.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            sample = _parse(line, number, root, columns)
            earlier = first_line.setdefault(sample.image, number)
            if earlier != number:
                raise DomainError(f"{sample.image} is on line {earlier} already; leave one of them")
        except UserError as error:
            raise DomainError(f"{path}:{number}: {error}") from None
        samples.append(sample)
    if not samples:
        raise DomainError(f"{path}: the list is empty; write one image a line")
    return tuple(samples)


def _parse(line: str, number: int, root: Path, columns: Sequence[str]) -> Sample:
    fields = [field.strip() for field in line.split(";")]
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
            paths[column] = str(PurePosixPath(field))
    if "image" not in paths:
        raise DomainError("has no image")
    return Sample(line=number, **paths)
