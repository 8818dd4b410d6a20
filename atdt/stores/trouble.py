"""What a disk refuses while a store is written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atdt.disk import told
from atdt.errors import PlaceError, StoreError


@contextmanager
def disk_trouble(path: Path) -> Iterator[None]:
    """Within it a full or broken disk becomes a StoreError that names `path` and what is free;
    what an object store refuses becomes one too."""
    try:
        yield
    except PlaceError as error:
        raise StoreError(f"{error}; see to that, and go on with --resume") from error
    except OSError as error:
        raise StoreError(f"{told(path, error)} and go on with --resume") from error
