"""Files written whole or not at all, digests, and paths that stay under their root."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from atdt.errors import UserError


def write_atomic(path: str | Path, data: bytes) -> Path:
    """Write `data` so that `path` holds either its old content or all of the new one.

    The bytes reach the disk before the name does, so this also holds after a power cut.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        prefix=f".{path.name}.", suffix=".partial", dir=path.parent
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # mkstemp's 0600 would hide results from colleagues
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return path


def sync_folder(folder: str | Path) -> None:
    """Make renames inside `folder` durable (a no-op where folders cannot be opened)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows refuses to open a folder
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: str | Path, content: Any) -> Path:
    """Write `content` as indented JSON, atomically. NaN and infinities are refused."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return write_atomic(path, (text + "\n").encode())


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is absent or is not JSON; the message names it.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None


def sha256_file(path: str | Path) -> str:
    """Hexadecimal sha256 of a file's bytes, read in pieces."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_json(content: Any) -> str:
    """Hexadecimal sha256 of `content` as canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def inside(root: str | Path, relative: str) -> Path:
    """Join `relative` to `root`, and prove that the result does not leave `root`.

    Raises:
        UserError: `relative` is absolute, climbs with `..`, or a link leads out of `root`.
    """
    root = Path(root)
    part = Path(relative)
    if part.is_absolute() or part.drive or ".." in part.parts:
        raise UserError(f"{relative!r}: must be a path below {root}, without '..'")
    joined = root / part
    if not joined.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{relative!r}: a link leads out of {root}")
    return joined
