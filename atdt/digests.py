"""What files and settings are known by: sha256 of their content."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from atdt import objects
from atdt.places import is_remote, place


def sha256_file(path: str | Path) -> str:
    """Hexadecimal sha256 of a file's bytes, read in pieces."""
    path = place(path)
    if is_remote(path):
        return hashlib.sha256(objects.get(path)).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_json(content: Any) -> str:
    """Hexadecimal sha256 of `content` as canonical JSON (sorted keys, no spaces).

    A value of a dict `content` may be an iterator, which stands for a list too long for the memory.
    """
    state = hashlib.sha256()
    for piece in _canonical(content):
        state.update(piece.encode())
    return state.hexdigest()


def _canonical(content: Any) -> Iterator[str]:
    """JSON with sorted keys and no spaces, in pieces."""
    if isinstance(content, dict) and any(isinstance(v, Iterator) for v in content.values()):
        for number, key in enumerate(sorted(content)):
            yield f"{',' if number else '{'}{json.dumps(key)}:"
            yield from _canonical(content[key])
        yield "}"
    elif isinstance(content, Iterator):
        yield "["
        for number, item in enumerate(content):
            yield "," if number else ""
            yield from _canonical(item)
        yield "]"
    else:
        yield json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
