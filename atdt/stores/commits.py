"""The ledger of an array in an object store, where nothing can be appended to.

While an array is written its `ledger.jsonl` holds the header and what was committed before this
writer began. Each block that is committed since is an object `commits/BLOCK` with its line, made by
a request that refuses to replace another. `finish` writes the whole ledger, one object, which then
is byte for byte what it would be on a disk, and deletes the commits.

The writer keeps a copy of its ledger in a file of its own machine, its spool, so that all that is
done with lines is done as for an array on a disk. The spool is worth nothing to anybody else.
"""

import tempfile
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from atdt import objects
from atdt.errors import StoreError
from atdt.places import is_remote
from atdt.stores.layout import COMMITS, LEDGER

FETCHED = 256  # lines that are asked for at a time


def commit_lines(folder: Path, known: Container[int]) -> Iterator[bytes]:
    """Lines of the blocks that were committed beside the ledger, in order, without those of `known`
    blocks; none for an array on a disk."""
    if not is_remote(folder):
        return
    blocks = [block for block in committed(folder) if block not in known]
    for first in range(0, len(blocks), FETCHED):
        some = blocks[first : first + FETCHED]
        for line in objects.get_all([folder / COMMITS / str(block) for block in some]):
            if line is not None:  # it went into the ledger since it was listed
                yield line


def committed(folder: Path) -> list[int]:
    """Blocks that were committed beside the ledger; one request a thousand."""
    return sorted(int(name) for name in objects.entries(folder / COMMITS) if name.isdecimal())


class Spool:
    """The ledger of an array that is being written: what its lines are read from and added to.

    Attributes:
        path: the ledger itself, or the copy of it on this machine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._remote = is_remote(folder)
        self.path = folder / LEDGER
        if self._remote:
            self._temporary = tempfile.TemporaryDirectory(prefix="atdt-ledger-")
            self.path = Path(self._temporary.name, LEDGER)

    def copy(self) -> AbstractContextManager[BinaryIO | None]:
        """What the array's lines are to be written to as they are read; None where they need not
        be, since they are read from a file of this machine."""
        return self.path.open("wb") if self._remote else nullcontext()

    def publish(self) -> None:
        """Put the whole ledger where readers find it; it has all that was committed before."""
        if self._remote:
            stale = [self._folder / COMMITS / str(block) for block in committed(self._folder)]
            if self.path.stat().st_size < objects.PART:
                objects.put(self._folder / LEDGER, self.path.read_bytes())
            else:
                objects.put_file(self._folder / LEDGER, self.path)
            objects.remove(stale)

    def commit(self, block: int, line: bytes) -> None:
        """Make a block's line known to all, before it is added to the spool.

        Raises:
            StoreError: somebody else has committed the block, with other content.
        """
        if self._remote and not objects.put_new(self._folder / COMMITS / str(block), line):
            raise StoreError(
                f"{self._folder}: another writer has committed block {block} otherwise; stop one "
                "of the two, and go on with --resume"
            )

    def close(self) -> None:
        """Delete the copy; a second call does nothing."""
        if self._remote:
            self._temporary.cleanup()
