"""What is done to the objects of an object store, where it differs from files.

An object appears whole or not at all, and is replaced as a whole; there is no rename, no append, no
lock, and a folder is nothing but the names that begin with it. Each function says what it asks of
the server. A request that the server is too busy for, or whose connection breaks, is repeated by
the libraries below; what fails for good is a `PlaceError` that names the object.

Paths are those that `atdt.places.place` makes of URLs.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from atdt.errors import PlaceError, UserError
from atdt.places import is_remote, told

PART = 64 * 2**20  # bytes; an object of twice as many goes in parts, side by side
LARGEST = 2**50  # bytes; where a range says its end, nobody asks for the object's size before
TOGETHER = 32  # objects that are asked for at a time
NO_BUCKET = "{}: no such bucket; make it first"


@contextmanager
def asking(path: Path) -> Iterator[None]:
    """Within it what an object store refuses names `path`.

    Raises:
        FileNotFoundError, FileExistsError: as for a file, with its name.
        PlaceError: anything else.
    """
    try:
        yield
    except UserError:
        raise
    except (FileNotFoundError, FileExistsError) as error:
        if _says_no_bucket(error):
            raise PlaceError(NO_BUCKET.format(path)) from error
        raise type(error)(error.errno, str(error), str(path)) from error
    except Exception as error:
        raise PlaceError(f"{path}: {told(error) or repr(error)}") from error


def _says_no_bucket(error: BaseException) -> bool:
    return "NoSuchBucket" in str(error.__cause__) or "bucket does not exist" in str(error)


def _has_no_bucket(path: Path) -> bool:
    """Whether the bucket is missing, where that is not said: gcsfs tells a folder that is empty
    and a bucket that is not there alike, but lists the one's root."""
    if path.protocol not in ("gs", "gcs"):
        return False
    try:
        path.fs.ls(path.path.partition("/")[0], detail=False)
    except FileNotFoundError:
        return True
    return False


def reach(path: Path) -> None:
    """Prove that the bucket of `path` is there and lets itself be listed: up to three requests;
    none for a path of this machine.

    Raises:
        PlaceError: it is not, or cannot be reached, or we are not let in.
    """
    if not is_remote(path):
        return
    with asking(path):
        try:
            path.fs.ls(path.path, detail=False)
        except FileNotFoundError as error:
            if _says_no_bucket(error) or _has_no_bucket(path):
                raise PlaceError(NO_BUCKET.format(path)) from error


def put(path: Path, data: bytes, *, new: bool = False) -> None:
    """Make or replace an object: one request, or several for more than two of `PART`.

    Args:
        new: refuse to replace; where the server cannot do that by itself (most can), this is no
            protection from others that write the same object at the same moment.

    Raises:
        FileExistsError: `new`, and there is one already. It may be ours, by a request whose answer
            was lost.
    """
    with asking(path):
        path.fs.pipe_file(path.path, data, chunksize=PART, mode="create" if new else "overwrite")


def put_new(path: Path, data: bytes) -> bool:
    """Make an object; False where another one has its name. One of the same bytes is ours: an
    answer may get lost on its way, and whoever asks again finds what he has made."""
    try:
        put(path, data, new=True)
    except FileExistsError:
        return get(path) == data
    return True


def put_file(path: Path, local: Path) -> None:
    """As `put`, from a file of this machine that need not fit in memory."""
    with asking(path):
        path.fs.put_file(str(local), path.path)


def get(path: Path, start: int = 0, stop: int = LARGEST) -> bytes:
    """The bytes of an object, or a range of them, less where it ends before: one request.

    Raises:
        FileNotFoundError: there is none.
    """
    with asking(path):
        try:
            return path.fs.cat_file(path.path, start=start, end=stop)
        except Exception as error:
            if _ends_before(error):
                return b""
            raise


def _ends_before(error: Exception) -> bool:
    """Whether an object has no byte of a range that was asked for; one that is empty has none."""
    if isinstance(error, OSError):  # of s3fs
        return "range" in str(error).lower() and not isinstance(error, FileNotFoundError)
    return getattr(error, "code", None) == 416  # gcsfs: as HTTP says it


def get_all(paths: Sequence[Path]) -> list[bytes | None]:
    """The bytes of each object, None where there is none: one request each, many at a time."""

    def one(path: Path) -> bytes | None:
        try:
            return get(path)
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(one, paths))


def size(path: Path) -> int | None:
    """Bytes of an object, None where there is none: one request, two where there is none."""
    with asking(path):
        try:
            info = path.fs.info(path.path)
        except FileNotFoundError as error:
            if _says_no_bucket(error):
                raise
            return None
    return info["size"] if info["type"] == "file" else None


def entries(folder: Path) -> dict[str, dict[str, Any]]:
    """What lies directly in a folder, by name, as fsspec tells it ("type", "size"); nothing where
    there is no such folder. One request a thousand."""
    with asking(folder):
        try:
            found = folder.fs.ls(folder.path, detail=True)
        except FileNotFoundError as error:
            if _says_no_bucket(error):
                raise
            return {}
    names = ((info["name"].rstrip("/").rpartition("/")[2], info) for info in found)
    itself = folder.path.rstrip("/")
    return {name: info for name, info in names if info["name"].rstrip("/") != itself and name}


def folders(folder: Path) -> list[str]:
    """Names of the folders directly in a folder, sorted. One request a thousand."""
    return sorted(name for name, info in entries(folder).items() if info["type"] == "directory")


def below(folder: Path) -> dict[str, int]:
    """Bytes of every object below a folder, by its path relative to it: one request a thousand."""
    root = folder.path.rstrip("/") + "/"
    with asking(folder):
        found = folder.fs.find(folder.path, detail=True)
    return {
        name.removeprefix(root): info["size"]
        for name, info in sorted(found.items())
        if name.startswith(root) and name != root  # which consoles make for a folder
    }


def copy(source: Path, target: Path) -> None:
    """Copy an object to another place of the same store, by the server itself: one request."""
    with asking(source):
        source.fs.cp_file(source.path, target.path)


def move(moves: Sequence[tuple[Path, Path]]) -> None:
    """Give objects other names in their store: each is copied by the server, then deleted. Two
    requests each, many at a time.

    Raises:
        FileNotFoundError: one is not there; others may have moved.
    """
    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(copy, *zip(*moves, strict=True)))
    remove(source for source, _ in moves)


def remove(paths: Iterable[Path]) -> None:
    """Delete objects; those that are not there are no error. One request each, many at a time."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(_remove_one, paths))


def _remove_one(path: Path) -> None:
    with asking(path), suppress(FileNotFoundError):
        path.fs.rm_file(path.path)  # not `rm`, to which a name may be a pattern


def remove_below(folder: Path) -> None:
    """Delete every object below a folder."""
    remove(folder / name for name in below(folder))
