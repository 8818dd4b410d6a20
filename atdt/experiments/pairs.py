"""Pairs of domains: rendered ones, and those of the paper, whose data the user has."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from atdt.domains.description import FILE_NAME, read_description
from atdt.domains.opening import parse_spec
from atdt.errors import DomainError
from atdt.objects import reach

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
        elsewhere: splits that another domain has: with other labels of the same images, or, to
            test on, of other images.
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
        Pair("streets-held-out-2", "streets A", "streets B", rendered="streets-held-out-2"),
        Pair("carla-cityscapes", "carla", "cityscapes"),
        Pair("synthia-cityscapes", "synthia", "cityscapes"),
        Pair("synthia-carla", "synthia", "carla"),
        Pair("carla-kitti", "carla", "kitti"),
    )
}


def place_of(path: Path, tested: str | None = None) -> Place:
    """Where a described domain is; its test list is "test" or, without one, "val".

    Args:
        path: its description, or the folder that holds it.
        tested: spec of another domain that is tested on in its stead; without a split its only
            list, or the one that `path` would be tested on.

    Raises:
        DomainError: there is no such description, or it has no list to train or to test on.
    """
    file = _description(path)
    lists = read_description(file).lists
    own = _test_list(lists)
    if "train" not in lists or (own is None and tested is None):
        raise DomainError(
            f"{file}: has the lists {', '.join(lists)}; an experiment needs 'train', and 'test' or "
            "'val' (--b-test names another domain to test on)"
        )
    if tested is None:
        val = "val" if "val" in lists and own != "val" else None
        return Place(path, {"train": "train", "val": val, "test": own})
    wanted = parse_spec(tested)
    there = read_description(_description(wanted.path)).lists
    test = wanted.split or (next(iter(there)) if len(there) == 1 else _test_list(there))
    if test not in there or wanted.first is not None:
        raise DomainError(
            f"--b-test {tested}: write PATH:SPLIT, with one of the lists {', '.join(there)}"
        )
    val = "val" if "val" in lists else None
    return Place(path, {"train": "train", "val": val, "test": test}, {"test": wanted.path})


def _description(path: Path) -> Path:
    """A description file, given as such or by its folder."""
    reach(path)
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise DomainError(f"{file}: no such file; a domain is a description file or its folder")
    return file


def _test_list(lists: Collection[str]) -> str | None:
    return next((key for key in ("test", "val") if key in lists), None)
