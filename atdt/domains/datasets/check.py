"""`atdt data check`: is the data set whole, and does it mean what its layout says?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from atdt.domains.datasets.find import Found, find
from atdt.domains.datasets.layout import layout
from atdt.domains.description import FILE_NAME, description_of
from atdt.domains.domain import Domain
from atdt.domains.labels import IGNORE
from atdt.domains.lists import LABEL_KINDS, Sample
from atdt.errors import DomainError
from atdt.progress import progress

MOST_IGNORED = 0.5  # of the pixels with labels, beyond which they are doubted


@dataclass
class Checked:
    """What was found.

    Attributes:
        found: the files.
        opened: how many samples were opened, by split.
        facts: what the opened files hold, a line each, by split.
        missing: what images are without, a line each, where that need not be wrong: a kind of file
            that none has (one may do without), or that the data set itself lacks in places.
        doubts: a line for each split whose labels may be meant otherwise.
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
        DomainError: the folder does not hold the data set.
    """
    known = layout(name)
    checked = Checked(find(known, root, labels))
    for split in checked.found.splits:
        domain = _domain(checked.found, split)
        count = len(domain) if files is None else min(files, len(domain))
        chosen = np.unique(np.linspace(0, len(domain) - 1, count).astype(int)).tolist()
        seen = _Seen(domain, known.bounds)
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


class _Seen:
    """What the files hold that were opened.

    Args:
        domain: theirs.
        bounds: metres between which depth must be.
    """

    def __init__(self, domain: Domain, bounds: tuple[float, float]):
        self._domain, self._bounds = domain, bounds
        self.images = 0
        self._sizes: set[tuple[int, int]] = set()
        self._pixels = np.zeros(IGNORE + 1, np.int64)
        self._depths: list[tuple[float, float, float]] = []  # least, most, share of pixels
        self._normals: list[float] = []  # share of pixels
        self._focals: set[float] = set()

    def look(self, index: int) -> None:
        """Open one sample's files.

        Raises:
            DomainError: one is not what it should be; names it.
        """
        domain, sample = self._domain, self._domain.samples[index]
        self._sizes.add(domain.image(index).shape[:2])
        if sample.right is not None:
            domain.right(index)
        focal = domain.focal(index)
        if focal is not None:
            self._focals.add(focal)
        for kind in (kind for kind in LABEL_KINDS if getattr(sample, kind) is not None):
            label = domain.label(index, kind)
            if kind == "semantic":
                self._pixels += np.bincount(label.ravel(), minlength=IGNORE + 1)
            elif kind == "depth":
                self._depths.append(self._depth(index, label))
            else:
                self._normals.append(float(label.any(axis=2).mean()))
        self.images += 1

    def _depth(self, index: int, metres: np.ndarray) -> tuple[float, float, float]:
        there = metres[metres > 0]
        if not there.size:
            return np.nan, np.nan, 0.0
        least, most = float(there.min()), float(there.max())
        low, high = self._bounds
        if least < low or most > high:
            raise DomainError(
                f"{self._domain.file(index, 'depth')}: depth from {least:g} to {most:g} m, where "
                f"{low:g} to {high:g} m are expected: another encoding?"
            )
        return least, most, there.size / metres.size

    def nothing_known(self) -> str | None:
        """What is wrong with all files together: labels that are none."""
        if self._pixels.sum() and self._pixels.sum() == self._pixels[IGNORE]:
            return f"{self._domain.split}: every pixel of {self.images} label files is ignored"
        if self._depths and not any(share for _, _, share in self._depths):
            return f"{self._domain.split}: no pixel of {len(self._depths)} depth files has depth"
        return None

    def doubts(self) -> list[str]:
        """Ids of one table are names in another too: then most of them come to be ignored."""
        total = self._pixels.sum()
        if not total or self._pixels[IGNORE] <= MOST_IGNORED * total:
            return []
        ignored = self._pixels[IGNORE] / total
        return [
            f"{self._domain.split}: {ignored:.1%} of the labels are ignored, which is much; do the "
            "files hold ids of another table? (--labels, `atdt data list NAME`)"
        ]

    def facts(self) -> list[str]:
        """A line for each thing that was seen."""
        lines = []
        if self._sizes:
            sizes = sorted(self._sizes)
            shown = ", ".join(f"{h}x{w}" for h, w in sizes[:3]) + (", …" if sizes[3:] else "")
            lines.append(f"images {shown}")
        if self._focals:
            lines.append(f"focal {_span(self._focals)} pixels")
        if total := self._pixels.sum():
            space = self._domain.label_space
            met = [name for k, name in enumerate(space.classes) if self._pixels[k]]
            ignored = self._pixels[IGNORE] / total
            lacking = [name for name in space.classes if name not in met]
            lines.append(
                f"semantic: {len(met)} of {len(space.classes)} classes of {space.name}"
                + (f" (not {', '.join(lacking)})" if lacking else "")
                + f", {ignored:.1%} ignored"
            )
        if self._depths:
            least, most, shares = (np.array(column) for column in zip(*self._depths, strict=True))
            lines.append(
                f"depth {np.nanmin(least):.3g} to {np.nanmax(most):.4g} m, "
                f"{shares.mean():.1%} of pixels"
            )
        if self._normals:
            lines.append(f"normals in {np.mean(self._normals):.1%} of pixels")
        return lines


def _span(values: set[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
