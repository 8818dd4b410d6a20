"""What a disk refuses, told in one line: which file, why, and how much room there is."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atdt.errors import StoreError
from atdt.stores.layout import MEBIBYTE

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk_trouble(path: Path) -> Iterator[None]:
    """Within it a full or broken disk becomes a StoreError that names `path` and what is free."""
    try:
        yield
    except OSError as error:
        there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        free = shutil.disk_usage(there).free / MEBIBYTE
        advice = "make room" if error.errno in FULL else "see to that"
        raise StoreError(
            f"{path}: {error.strerror or error}, with {free:,.0f} MiB free on its disk; "
            f"{advice} and go on with --resume"
        ) from error
