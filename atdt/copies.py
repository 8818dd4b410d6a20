"""Files of this machine that stand for objects of an object store, for what knows files only."""

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
