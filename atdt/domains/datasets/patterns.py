"""Paths with fields in them, such as "leftImg8bit/{split}/{city}/{frame}_leftImg8bit.png".

A field stands for a piece of one file or folder name; {scene+} may stand for several folders. The
same field has the same value in all paths of a sample; {frame:8} is a number written with as many
digits. In paths that are filled, `*` stands for whatever is there, which must be one file.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from atdt.errors import DomainError

FIELD = re.compile(r"\{([a-z]+)(\+?)(?::(\d+))?\}")


def fields_of(pattern: str) -> tuple[str, ...]:
    """Names of the fields, in the order in which they are met."""
    return tuple(dict.fromkeys(name for name, *_ in FIELD.findall(pattern)))


def found(root: Path, pattern: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Files below `root` that the pattern matches, by name: their paths there, and the fields."""
    compiled = _compiled(pattern)
    wild = FIELD.sub(lambda field: "**" if field[2] else "*", pattern)
    paths = (path.relative_to(root).as_posix() for path in root.glob(wild))
    for path in sorted(paths):
        match = compiled.fullmatch(path)
        if match:
            yield path, match.groupdict()


def written(pattern: str, fields: Mapping[str, str]) -> str:
    """The path that a sample has by this pattern; `*` stays."""
    return FIELD.sub(lambda field: _written(fields[field[1]], field[3]), pattern)


def filled(root: Path, pattern: str, fields: Mapping[str, str]) -> str | None:
    """The path below `root` that a sample has by this pattern; None: no such file.

    Raises:
        DomainError: `*` in it stands for several files.
    """
    path = written(pattern, fields)
    if "*" not in path:
        return path if (root / path).is_file() else None
    there = sorted(root.glob(_escaped(path)))
    if len(there) > 1:
        raise DomainError(f"{root / path}: {len(there)} files, where one is meant; {there[1]} too")
    return there[0].relative_to(root).as_posix() if there else None


def _written(value: str, digits: str | None) -> str:
    number = digits is not None and value.isascii() and value.isdecimal()
    return f"{int(value):0{digits}d}" if number else value


def _compiled(pattern: str) -> re.Pattern[str]:
    parts, seen, end = [], set(), 0
    for field in FIELD.finditer(pattern):
        name = field[1]
        inner = ".+" if field[2] else "[^/]+"
        parts.append(re.escape(pattern[end : field.start()]))
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{inner})")
        seen.add(name)
        end = field.end()
    return re.compile("".join(parts) + re.escape(pattern[end:]))


def _escaped(path: str) -> str:
    """As glob takes it: only `*` is special."""
    return re.sub(r"[\[\]?]", lambda char: f"[{char[0]}]", path)
