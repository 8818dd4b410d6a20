"""`atdt data check`: is the data set whole, and does it mean what its layout says?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from atdt.domains.datasets.find import Found, find
from atdt.domains.datasets.layout import layout
from atdt.domains.datasets.seen import Seen
from atdt.domains.description import FILE_NAME, description_of
from atdt.domains.domain import Domain
from atdt.domains.lists import Sample
from atdt.errors import DomainError
from atdt.progress import progress


@dataclass
class Checked:
    """What was found.

    Attributes:
        found: the files.
        opened: how many samples were opened, by split.
        facts: what the opened files hold, a line each, by split.
        missing: what is not there, a line each, where that need not be wrong: a part of the images,
            a kind of file that none has (one may do without), or that the data set itself lacks in
            places.
        doubts: a line for each split and way in which its files may be meant otherwise.
        wrong: the first file that is not what the layout says, and why; None: none.
    """

    found: Found
    opened: dict[str, int] = field(default_factory=dict)
    facts: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    wrong: str | None = None


def check_dataset(
    name: str, root: Path, labels: str | None = None, files: int | None = 5
) -> Checked:
    """Count a data set's files, and open some of each split, spread evenly.

    Args:
        name: of the data set.
        root: its folder.
        labels: how to read its semantic labels; None: the first way.
        files: samples of each split that are opened; None: all.

    Raises:
        DomainError: the folder does not hold the data set, or has one image in two splits.
    """
    known = layout(name)
    checked = Checked(find(known, root, labels))
    for split in checked.found.splits:
        domain = _domain(checked.found, split)
        count = len(domain) if files is None else min(files, len(domain))
        chosen = np.unique(np.linspace(0, len(domain) - 1, count).astype(int)).tolist()
        seen = Seen(domain, known.bounds)
        with progress(f"check {name}:{split}", len(chosen), "images") as advance:
            for index in chosen:
                try:
                    seen.look(index)
                except DomainError as error:  # which names a list that `describe` would write
                    listed = f"{domain.list_path}:{domain.samples[index].line}: "
                    checked.wrong = f"{split}: {str(error).removeprefix(listed)}"
                    break
                advance(1)
        checked.opened[split] = seen.images
        checked.facts[split] = seen.facts()
        checked.doubts += seen.doubts()
        checked.wrong = checked.wrong or seen.nothing_known()
        if checked.wrong:
            break
    checked.missing = checked.found.absent()
    for (_, column), line in checked.found.gaps().items():
        if column in known.gaps or checked.wrong:
            checked.missing.append(line)
        else:
            checked.wrong = line
    return checked


def _domain(found: Found, split: str) -> Domain:
    """A split as `describe` would describe it, without its files."""
    path = found.root / FILE_NAME
    described = description_of(
        path, found.description(found.layout.name, str(found.root.resolve()))
    )
    samples = []
    for number, row in enumerate(found.splits[split], start=1):
        named: Mapping[str, str | None] = dict(zip(found.columns, row, strict=True))
        samples.append(Sample(line=number, **named))
    return Domain(described, split, Path(f"{split}.txt"), tuple(samples))
