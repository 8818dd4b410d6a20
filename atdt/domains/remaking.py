"""A domain that is made from another: begun, gone on with, finished; no half of it looks whole.

OUT/VERB.partial.json   first: from what, and how; while it is there, files may be missing
OUT/domain.toml, lists  when every file is there
OUT/VERB.json           last, in place of the first
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atdt.ahead import ahead
from atdt.domains.domain import Domain
from atdt.domains.writing import Written, write_domain
from atdt.errors import UserError
from atdt.file_sizes import Sizes
from atdt.files import names_in, remove, remove_cut_off
from atdt.hold import exclusive_until, is_of_writers
from atdt.progress import progress
from atdt.provenance import provenance
from atdt.texts import read_json, write_json

THREADS = 4


@dataclass(frozen=True)
class Remaking:
    """The new domain's folder.

    Attributes:
        verb: what makes it; names its two files.
        out: the folder.
        header: all that the new domain's files depend on, as JSON can hold it.
    """

    verb: str
    out: Path
    header: Mapping[str, Any]

    @property
    def finished(self) -> Path:
        return self.out / f"{self.verb}.json"

    @property
    def started(self) -> Path:
        return self.out / f"{self.verb}.partial.json"

    @contextmanager
    def begun(self) -> Iterator[bool]:
        """Note what is to be written, and keep others away; whether all of it is there already.

        Raises:
            RunError: another process is writing there.
            UserError: the folder holds other things, or what was made otherwise.
        """
        with exclusive_until(self.finished):
            yield self._begin()

    def _begin(self) -> bool:
        for path in (self.finished, self.started):
            if path.exists():
                there = read_json(path)
                if not isinstance(there, dict) or any(
                    there.get(key) != value for key, value in self.header.items()
                ):
                    raise UserError(
                        f"{path}: made from other things or in another way; choose another --out "
                        "or delete the folder"
                    )
                if path == self.finished:
                    return True
                remove_cut_off(self.out, "**/.*.partial")
                return False
        if not all(map(is_of_writers, names_in(self.out))):
            raise UserError(f"{self.out}: holds other things; choose another --out")
        write_json(self.started, dict(self.header))
        return False

    def run(self, name: str, jobs: Iterable[tuple[Path, Callable[[], object]]], unit: str) -> None:
        """Do jobs that write files, side by side: decoding and encoding let go of Python's lock.

        Args:
            name: of the domain that is read.
            jobs: files, and what writes them: not what is there already, and of a file that is in
                several splits the first.
            unit: what one is.
        """
        sizes, to_do = Sizes(), {}
        for path, job in jobs:
            if path not in to_do and not sizes.has(path):
                to_do[path] = job
        work = ahead(lambda job: job(), to_do.values(), threads=THREADS, depth=4 * THREADS)
        with progress(f"{self.verb} {name}", len(to_do), unit) as advance, closing(work) as done:
            for _ in done:
                advance(1)

    def finish(self, written: Written, domains: Sequence[Domain]) -> Path:
        """Write lists and description, when every other file is there; the folder."""
        write_domain(self.out, written)
        sources = {"from": [domain.to_dict() for domain in domains], "provenance": provenance()}
        write_json(self.finished, dict(self.header) | sources)
        remove(self.started)
        return self.out
