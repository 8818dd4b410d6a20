"""Small files that are read as a whole, within bounds, such as JSON and TOML."""

import json
import tomllib
from pathlib import Path
from typing import Any

from atdt import objects
from atdt.errors import UserError
from atdt.files import write_atomic
from atdt.places import is_remote, place

LARGEST_TEXT = 2**28  # bytes of a list, JSON or TOML file: a stranger's must not fill the memory
DEEPEST = 64  # tables within tables: no file of ours is near it


def write_json(path: str | Path, content: Any) -> Path:
    """Write `content` as indented JSON, atomically. NaN and infinities are refused."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return write_atomic(path, (text + "\n").encode())


def read_bounded(path: str | Path, largest: int = LARGEST_TEXT) -> bytes:
    """All bytes of a file that is read as a whole, of `largest` at most.

    Raises:
        UserError: it is larger, or no file (a pipe or a device would be read without end).
        OSError: it is absent or cannot be read.
    """
    path = place(path)
    if is_remote(path):
        return _read_object(path, largest)
    size = path.stat().st_size
    if not path.is_file():
        raise UserError(f"{path}: is not a file")
    if size > largest:
        raise UserError(f"{path}: has {size} bytes; no more than {largest} are read of such a file")
    with path.open("rb") as file:
        return file.read(size)


def _read_object(path: Path, largest: int) -> bytes:
    """As `read_bounded`; one request, which asks for no more than will be taken."""
    data = objects.get(path, 0, largest + 1)
    if len(data) > largest:
        raise UserError(f"{path}: has more than {largest} bytes, which are read of such a file")
    return data


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is absent, too large, or not JSON; the message names it.
    """
    try:
        return parse_json(read_bounded(path))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None


def parse_json(text: str | bytes) -> Any:
    """What JSON says.

    Raises:
        ValueError: it is not JSON, or nested so deep that whoever walks it would fail.
    """
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    opening = ("[", "{") if isinstance(text, str) else (b"[", b"{")
    if sum(text.count(bracket) for bracket in opening) > DEEPEST:
        _check_depth(content)
    return content


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file, UTF-8.

    Raises:
        UserError: it is too large, or no file.
        ValueError: it is not TOML, or nested so deep that whoever walks it would fail.
        OSError: it is absent or cannot be read.
    """
    try:
        content = tomllib.loads(read_bounded(path).decode())
    except RecursionError:
        raise ValueError("nested too deep") from None
    _check_depth(content)
    return content


def _check_depth(content: Any) -> None:
    level = [content] if isinstance(content, dict | list) else []
    for _ in range(DEEPEST + 1):
        inner = (v.values() if isinstance(v, dict) else v for v in level)
        level = [child for values in inner for child in values if isinstance(child, dict | list)]
        if not level:
            return
    raise ValueError("nested too deep")
