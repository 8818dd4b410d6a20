"""What a disk refuses, told to a person: which file, why, and how much room there is."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atdt.places import is_remote, place

FULL = (errno.ENOSPC, errno.EDQUOT)
TROUBLE = (*FULL, errno.EIO)
MEBIBYTE = 2**20


def free_space(path: str | Path) -> str:
    """ "512 MiB free on its disk", of a file that need not be there."""
    path = place(path)
    if is_remote(path):
        return "no limit known"
    path = path.absolute()
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    return f"{shutil.disk_usage(there).free / MEBIBYTE:,.0f} MiB free on its disk"


def told(path: str | Path, error: OSError) -> str:
    """What happened to `path`, and what to do about it before going on."""
    if is_remote(place(path)):
        return f"{path}: {error.strerror or error}; see to that"
    advice = "make room" if error.errno in FULL else "see to that"
    return f"{path}: {error.strerror or error}, with {free_space(path)}; {advice}"


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Within it errors of the system name a file: a full disk, unlike a missing file, does not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
