"""Files written whole or not at all, and paths that stay under their root."""

import errno
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from atdt import objects
from atdt.disk import naming
from atdt.errors import UserError
from atdt.places import is_remote, place

LONGEST_PATH = 4096
# A path that goes down only, and that pathlib would leave as it is. Pathlib takes several times as
# long to say so, and Python before 3.12.2 keeps every part of a path that it has seen.
PLAIN = re.compile(r"[^./\\:\0][^/\\:\0]*(/[^./\\:\0][^/\\:\0]*)*")
NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP)  # as `Path.is_file` has it


def write_atomic(
    path: str | Path, data: bytes | Iterable[bytes], cut_off_in: Path | None = None
) -> Path:
    """Write `data` so that `path` holds either its old content or all of the new one.

    The bytes reach the disk before the name does, so this also holds after a power cut. An object
    of an object store is replaced by one request.

    Args:
        data: all of it, or pieces one after the other.
        cut_off_in: the folder in which a kill leaves the unfinished file, on the same disk; that
            of `path` when None.

    Raises:
        OSError: the disk is full or fails; names a file.
        PlaceError: the object store refuses it.
    """
    path = place(path)
    if is_remote(path) and isinstance(data, bytes):
        objects.put(path, data)
        return path
    with in_the_making(path, cut_off_in) as temporary, temporary.open("xb") as file:
        file.writelines([data] if isinstance(data, bytes) else data)
    return path


@contextmanager
def in_the_making(path: str | Path, cut_off_in: Path | None = None) -> Iterator[Path]:
    """Yield the name of a new file, that becomes `path` when the block ends, and is deleted when an
    error ends it; see `write_atomic`, also for what is raised."""
    path = place(path)
    if is_remote(path):  # made here, then sent
        with tempfile.TemporaryDirectory(prefix="atdt-") as folder:
            yield Path(folder, path.name)
            objects.put_file(path, Path(folder, path.name))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = (cut_off_in or path.parent) / partial_name(path)
    try:
        with naming(path):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.chmod(0o644)  # whatever the umask: results are for colleagues too
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def partial_name(path: Path) -> str:
    """A name that no file has yet, for `path` in the making.

    Known before the file is there (mkstemp's is not), so that Ctrl-C at any moment leaves none.
    """
    return f".{path.name}.{secrets.token_hex(8)}.partial"


def sync_folder(folder: str | Path) -> None:
    """Make renames inside `folder` durable (a no-op where folders cannot be opened, and in object
    stores, where what was answered for is durable)."""
    if is_remote(place(folder)):
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows refuses to open a folder
        return
    try:
        with naming(folder):
            os.fsync(handle)
    finally:
        os.close(handle)


def inside(root: str | Path, relative: str) -> Path:
    """Join `relative` to `root`, and prove that the result does not leave `root`.

    Raises:
        UserError: `relative` is absolute, climbs with `..`, a link leads out of `root`, or it
            cannot be a path (it holds a zero byte, say).
    """
    root = place(root)
    if len(relative) > LONGEST_PATH:  # which no system opens, and would be resolved for minutes
        raise UserError(f"{relative[:40]!r}…: a path of {len(relative)} characters")
    parts: Sequence[str] = relative.split("/")
    if not PLAIN.fullmatch(relative):
        part = Path(relative)
        parts = part.parts
        if part.is_absolute() or part.drive or ".." in parts:
            raise UserError(f"{relative!r}: must be a path below {root}, without '..'")
    if is_remote(root):
        return _inside_url(root, relative)
    joined = root / relative
    if not _may_leave(root, parts):
        return joined
    try:
        leaves = not joined.resolve().is_relative_to(root.resolve())
    except (RuntimeError, ValueError, OSError) as error:  # links in a circle; no path at all
        raise UserError(f"{relative!r}: cannot be followed below {root} ({error})") from None
    if leaves:
        raise UserError(f"{relative!r}: a link leads out of {root}")
    return joined


def _inside_url(root: Path, relative: str) -> Path:
    """As `inside`; an object store has no links, but takes `a//b` and `./a` for other names."""
    if "\0" in relative:
        raise UserError(f"{relative!r}: cannot be followed below {root}")
    joined = root.joinpath(*PurePosixPath(relative).parts)
    if not joined.path.startswith(root.path.rstrip("/") + "/"):  # a piece that is a URL, say
        raise UserError(f"{relative!r}: must be a path below {root}, without '..'")
    return joined


def file_size(path: Path) -> int | None:
    """Bytes of a file of this machine, None where there is none: one look, where `Path.is_file` and
    `Path.stat` are two.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        found = path.stat()
    except OSError as error:
        if error.errno in NO_FILE:
            return None
        raise
    except ValueError:  # a zero byte in its name
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def names_in(folder: Path) -> list[str]:
    """Names of what lies directly in a folder; none where there is no such folder. The object that
    consoles of object stores make for a folder is not in it."""
    if is_remote(folder):
        return list(objects.entries(folder))
    return [entry.name for entry in folder.iterdir()] if folder.exists() else []


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing; object stores need none."""
    if not is_remote(path):
        path.mkdir(parents=True, exist_ok=True)


def move(moves: Sequence[tuple[Path, Path]]) -> None:
    """Give files other names on their disk or in their object store, for good when this returns;
    what has such a name is replaced.

    Raises:
        FileNotFoundError: one is not there; others may have moved.
    """
    if moves and is_remote(moves[0][0]):
        objects.move(moves)
        return
    for source, target in moves:
        source.replace(target)
    for folder in {target.parent for _, target in moves}:
        sync_folder(folder)


def remove(path: Path) -> None:
    """Delete a file, if it is there."""
    if is_remote(path):
        objects.remove([path])
    else:
        path.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Delete a folder, if it is there, with everything in it; links are not followed."""
    if is_remote(path):
        objects.remove_below(path)
    elif path.exists():
        shutil.rmtree(path)


def remove_any(path: Path) -> None:
    """Delete a file, a link, or a folder with everything in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        remove(path)


def remove_cut_off(folder: Path, pattern: str = ".*.partial") -> None:
    """Delete files that a killed process was in the midst of writing; no object is ever cut off.

    Args:
        folder: where they are.
        pattern: of their names; with "**/" before it, in all folders below too.
    """
    if not is_remote(folder):
        for partial in folder.glob(pattern):
            partial.unlink()


def _may_leave(root: Path, parts: Sequence[str]) -> bool:
    """Whether a link lies on the way from `root` along `parts`, or one cannot tell; costs a tenth
    of resolving both, which matters where it is asked for every block and every image."""
    way = os.fspath(root)
    for name in parts:
        way = os.path.join(way, name)  # noqa: PTH118 – as text, for the same reason
        try:
            if stat.S_ISLNK(os.lstat(way).st_mode):
                return True
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, ValueError):
            return True
    return False
