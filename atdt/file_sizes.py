"""Bytes of files, without a request for each where they are objects of an object store."""

from functools import lru_cache
from pathlib import Path

from atdt import objects
from atdt.files import file_size
from atdt.places import is_remote


class Sizes:
    """Looks files up; of objects a whole folder at a time, which is then remembered."""

    def __init__(self) -> None:
        self._listed = lru_cache(None)(_listed)

    def of(self, path: Path) -> int | None:
        """Bytes of a file, None where there is none.

        Raises:
            OSError: it cannot be looked at.
            PlaceError: the object store refuses it.
        """
        if is_remote(path):
            return self._listed(path.parent).get(path.name)
        return file_size(path)

    def has(self, path: Path) -> bool:
        """Whether a file is there; see `of`, also for what is raised."""
        return self.of(path) is not None

    def __reduce__(self) -> tuple[type["Sizes"], tuple[()]]:
        return Sizes, ()  # another process looks for itself


def _listed(folder: Path) -> dict[str, int]:
    found = objects.entries(folder).items()
    return {name: entry["size"] for name, entry in found if entry["type"] == "file"}
