"""Files that stand for others: copies of objects for what knows files only, links and copies."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atdt import objects
from atdt.files import write_atomic
from atdt.places import is_remote


class Sent:
    """A folder whose files grow: itself, or one of this machine whose files are sent as they are
    when one says so, since nothing can be appended to an object.

    Attributes:
        here: the folder that is written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self.here = folder, folder
        if is_remote(folder):
            self._temporary = tempfile.TemporaryDirectory(prefix="atdt-")
            self.here = Path(self._temporary.name)

    def send(self) -> None:
        """Replace the objects by the files as they are now."""
        if self.here != self._folder:
            for file in sorted(self.here.rglob("*")):
                if file.is_file():
                    name = file.relative_to(self.here).as_posix()
                    write_atomic(self._folder / name, file.read_bytes())

    def close(self) -> None:
        """Send for the last time, and delete what was only here."""
        if self.here != self._folder:
            with self._temporary:
                self.send()


@contextmanager
def local_copy(path: Path) -> Iterator[Path]:
    """A file as one of this machine: itself, or an object's bytes while the block lasts.

    Raises:
        FileNotFoundError: it is an object, and is not there.
    """
    if not is_remote(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="atdt-") as folder:
        copy = Path(folder, path.name)
        copy.write_bytes(objects.get(path))
        yield copy


def copy_file(source: Path, target: Path) -> Path:
    """Copy a file or an object, whole or not at all; within one object store its server does it.

    Returns:
        the target.

    Raises:
        OSError, PlaceError: the source cannot be read or the target not be written.
    """
    if not is_remote(source):
        return write_atomic(target, source.read_bytes())
    if is_remote(target) and source.fs == target.fs:
        objects.copy(source, target)
        return target
    return write_atomic(target, objects.get(source))


def link_or_copy(source: Path, target: Path) -> None:
    """Have a file under another name too: a hard link, which takes no space and lives on when the
    original is deleted, or a copy, where the disk has no links for it and in object stores. A file
    of this machine that is there already stays.

    Raises:
        OSError, PlaceError: as `copy_file`.
    """
    if not is_remote(source) and not is_remote(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), target)
            return
        except FileExistsError:
            return
        except OSError:  # another disk, or one without links, or files of somebody else
            pass
    copy_file(source, target)
