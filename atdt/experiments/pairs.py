"""Pairs of domains: rendered ones, and those of the paper, whose data the user has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from atdt.domains.description import FILE_NAME, read_description
from atdt.errors import DomainError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Pair:
    """Two domains by name.

    Attributes:
        name: of the pair.
        a, b: what the paper's tables call them; of rendered ones, what they are.
        rendered: what `atdt render` calls the pair; None: the user names two descriptions.
    """

    name: str
    a: str
    b: str
    rendered: str | None = None


@dataclass(frozen=True)
class Place:
    """Where a domain is.

    Attributes:
        path: its description file, or the folder that holds it.
        splits: what its lists are called: "train", "val" and "test" → the key of [lists], or None.
            A domain that has no list of its own to choose weights on must not use the test's.
        elsewhere: splits that another domain has, with other labels of the same images.
    """

    path: Path
    splits: Mapping[str, str | None] = field(default_factory=lambda: {s: s for s in SPLITS})
    elsewhere: Mapping[str, Path] = field(default_factory=dict)

    def spec(self, split: str) -> str | None:
        """The spec of a split, or None where the domain has none."""
        key = self.splits[split]
        return None if key is None else f"{self.elsewhere.get(split, self.path)}:{key}"


PAIRS = {
    pair.name: pair
    for pair in (
        Pair("streets", "streets A", "streets B", rendered="streets"),
        Pair("streets-held-out", "streets A", "streets B", rendered="streets-held-out"),
        Pair("carla-cityscapes", "carla", "cityscapes"),
        Pair("synthia-cityscapes", "synthia", "cityscapes"),
        Pair("synthia-carla", "synthia", "carla"),
        Pair("carla-kitti", "carla", "kitti"),
    )
}


def place_of(path: Path) -> Place:
    """Where a described domain is; its test list is "test" or, without one, "val".

    Raises:
        DomainError: there is no such description, or it has no list to train or to test on.
    """
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise DomainError(f"{file}: no such file; a domain is a description file or its folder")
    lists = read_description(file).lists
    test = next((key for key in ("test", "val") if key in lists), None)
    if "train" not in lists or test is None:
        raise DomainError(
            f"{file}: has the lists {', '.join(lists)}; an experiment needs 'train', and 'test' or "
            "'val'"
        )
    val = "val" if "val" in lists and test != "val" else None
    return Place(path, {"train": "train", "val": val, "test": test})
