"""Which samples of a data set are on disk, and the domain that they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atdt.domains.datasets.layout import Layout, SemanticWay
from atdt.domains.datasets.nearest import Nearest
from atdt.domains.datasets.patterns import filled, found
from atdt.domains.datasets.splits import Splits
from atdt.domains.lists import ALL_COLUMNS, MISSING
from atdt.errors import DomainError

NAMES = {  # of a column's files, in a message
    "image": "image",
    "right": "right image",
    "semantic": "semantic label",
    "depth": "depth",
    "normals": "normals",
    "camera": "camera file",
}


@dataclass(frozen=True)
class Found:
    """A data set on disk.

    Attributes:
        layout: what is known of it.
        way: how its semantic labels are read, if it has any.
        root: its folder.
        splits: rows of the lists, by split; each a path, or None, for each of `columns`.
        columns: of the lists; those that no sample has are left out.
        patterns: of the files that were looked for, by column; in the order of columns.
        unsplit: images that belong to no split.
        empty: splits of the layout that have no image; optional ones without a list are none.
        unmet: lists with names of which there is no image, a line each.
        other_ways: ways to read semantic labels of which there are files, where there are none of
            `way`.
    """

    layout: Layout
    way: SemanticWay | None
    root: Path
    splits: Mapping[str, tuple[tuple[str | None, ...], ...]]
    columns: tuple[str, ...]
    patterns: Mapping[str, tuple[str, ...]]
    unsplit: int
    empty: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    other_ways: tuple[str, ...] = ()

    def lines(self, split: str) -> str:
        """The text of a split's list."""
        rows = (";".join(path or MISSING for path in row) for row in self.splits[split])
        return "".join(f"{row}\n" for row in rows)

    def count(self, split: str, column: str) -> int:
        """How many samples of a split have a file of this column."""
        if column not in self.columns:
            return 0
        place = self.columns.index(column)
        return sum(row[place] is not None for row in self.splits[split])

    def absent(self) -> list[str]:
        """A line for each split that lacks images, and each kind of file that no image has."""
        lines = [f"{split}: no image at all" for split in self.empty]
        for split, count in self.layout.counts.items():
            if 0 < (there := len(self.splits.get(split, ()))) < count:
                lines.append(
                    f"{split}: {count - there} of the {count} images that the whole data set has "
                    f"({there} are there)"
                )
        lines += self.unmet
        for column, patterns in self.patterns.items():
            if column in self.columns:
                continue
            line = f"no {NAMES[column]} at all: nothing is called {', nor '.join(patterns)}"
            if column == "depth" and self.way is not None and self.way.far:
                line += f"; {self.way.far['class']}, which these labels tell by it, is ignored"
            lines.append(line + (_there_are(self.other_ways) if column == "semantic" else ""))
        return lines

    def gaps(self) -> dict[tuple[str, str], str]:
        """Where some images lack a file that others have: a line by split and column."""
        lines = {}
        for split, rows in self.splits.items():
            for place, column in enumerate(self.columns):
                if column in _without(self.layout, split):
                    continue
                without = [row for row in rows if row[place] is None]
                if without:
                    image = without[0][self.columns.index("image")]
                    lines[split, column] = (
                        f"{split}: {len(without)} of {len(rows)} images have no {NAMES[column]}, "
                        f"the first: {image}"
                    )
        return lines

    def description(self, name: str, root: str) -> dict[str, Any]:
        """What the description file of this domain says; its lists are SPLIT.txt beside it."""
        content: dict[str, Any] = {"name": name, "root": root}
        encodings = {k: v for k, v in self.layout.encodings.items() if k in self.columns}
        if self.way is not None:
            key = "label_space" if self.way.table is None else "label_table"
            content[key] = self.way.space or self.way.table
            if "semantic" in self.columns:
                encodings["semantic"] = self.way.encoding
            if self.way.far and "depth" in self.columns:
                content["far"] = dict(self.way.far)
        else:
            content["label_space"] = "shared11"
        content |= self.layout.camera
        content["columns"] = list(self.columns)
        content["lists"] = {split: f"{split}.txt" for split in self.splits}
        return content | {"encodings": encodings}


def find(known: Layout, root: Path, labels: str | None = None) -> Found:
    """Look for a data set's files.

    Args:
        known: the data set.
        root: its folder.
        labels: how to read its semantic labels; None: the first way.

    Raises:
        DomainError: `root` is no folder, no image of the layout is in it, or a list of names that
            the layout needs is not, or no file of the labels that were asked for; says which path
            was looked for. Or an image is in two splits.
    """
    if not root.is_dir():
        raise DomainError(f"{root}: no such folder")
    way = known.way(labels)
    patterns = {column: (pattern,) for column, pattern in known.files.items()}
    patterns |= {"semantic": way.files} if way else {}
    patterns = {column: patterns[column] for column in ALL_COLUMNS if column in patterns}
    chosen = Splits(root, known.splits)
    splits: dict[str, list[dict[str, str | None]]] = {split: [] for split in chosen}
    timed = {
        c: Nearest(root, known.files[c], known.files["image"], within)
        for c, within in known.nearest.items()
    }
    unsplit, met, used = [], 0, set()
    other_ways: tuple[str, ...] = ()
    for image, fields in found(root, known.files["image"]):
        met += 1
        into = chosen.splits_of(image, fields)
        if not into:
            unsplit.append(image)
            continue
        row = {
            column: timed[column].path(fields, image)
            if column in timed
            else _first(root, patterns[column], fields)
            for column in patterns
        }
        used.update(row.values())
        if way and not other_ways and row["semantic"] is None:
            other_ways = _other_ways(known, root, fields)
        for split in into:
            lacking = dict.fromkeys(_without(known, split))
            splits[split].append(row | {"image": image} | lacking)
    if not met:
        raise DomainError(
            f"{root}: no image {known.files['image']} in it; {known.title} is laid out so "
            f"(atdt data list {known.name} shows all)"
        )
    kept = {split: rows for split, rows in splits.items() if rows}
    if not kept:
        raise DomainError(f"{root}: {met} images, but none of the splits {', '.join(splits)}")
    columns = tuple(
        column
        for column in ALL_COLUMNS
        if any(row.get(column) for rows in kept.values() for row in rows)
    )
    if way and labels and not known.ask and "semantic" not in columns:
        raise DomainError(
            f"{root}: no {', nor '.join(way.files)}, which --labels {labels} means"
            f"{_there_are(other_ways)}"
        )
    return Found(
        known,
        way,
        root,
        {s: tuple(tuple(row[c] for c in columns) for row in rows) for s, rows in kept.items()},
        columns,
        patterns,
        len(set(unsplit) - used),  # CamVid's labels lie where images of another split might
        tuple(split for split in splits if split not in kept),
        tuple(chosen.names_without_image()),
        other_ways,
    )


def needed(known: Layout) -> dict[str, str]:
    """Patterns of all files by column, for showing; of the ways to read labels, each."""
    shown = {column: known.files[column] for column in ALL_COLUMNS if column in known.files}
    return shown | {
        f"semantic ({way.name})": ", else ".join(way.files) for way in known.ways.values()
    }


def _first(root: Path, patterns: tuple[str, ...], fields: Mapping[str, str]) -> str | None:
    return next(filter(None, (filled(root, pattern, fields) for pattern in patterns)), None)


def _other_ways(known: Layout, root: Path, fields: Mapping[str, str]) -> tuple[str, ...]:
    """Ways of which an image has labels, by name; of all that read the same files the first."""
    names: dict[tuple[str, ...], str] = {}
    for name, way in known.ways.items():
        names.setdefault(way.files, name)
    return tuple(name for files, name in names.items() if _first(root, files, fields))


def _there_are(other_ways: Sequence[str]) -> str:
    """What a message adds of them; "" where there are none."""
    return f"; there are files for --labels {' or '.join(other_ways)}" if other_ways else ""


def _without(known: Layout, split: str) -> Sequence[str]:
    """Columns that a split has no files of, or none that say anything."""
    return known.splits[split].get("without", ())
