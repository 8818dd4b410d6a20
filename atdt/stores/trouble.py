"""What a disk refuses while a store is written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atdt.disk import told
from atdt.errors import StoreError


@contextmanager
def disk_trouble(path: Path) -> Iterator[None]:
    """Within it a full or broken disk becomes a StoreError that names `path` and what is free."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{told(path, error)} and go on with --resume") from error
