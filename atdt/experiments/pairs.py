"""Pairs of domains: rendered ones, and those of the paper, whose data the user has."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from atdt.domains.description import FILE_NAME, read_description
from atdt.domains.opening import open_domain, parse_spec
from atdt.errors import DomainError, UserError
from atdt.objects import reach

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Pair:
    """Two domains by name.

    Attributes:
        name: of the pair.
        a, b: what the paper's tables call them; of rendered ones, what they are.
        rendered: what `atdt render` calls the pair; None: the user names two descriptions.
        published: whether the paper has rows of it.
    """

    name: str
    a: str
    b: str
    rendered: str | None = None
    published: bool = False


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
        Pair("carla-cityscapes", "carla", "cityscapes", published=True),
        Pair("synthia-cityscapes", "synthia", "cityscapes", published=True),
        Pair("synthia-carla", "synthia", "carla", published=True),
        Pair("carla-kitti", "carla", "kitti", published=True),
    )
}


def pair_of(name: str, a: Path | None, b: Path | None) -> Pair:
    """A known pair, or one of the user's own, which may have any name.

    Raises:
        UserError: it is not known, and `a` and `b` do not both name a domain; or no folder can be
            called so.
        DomainError: a domain of an own pair cannot be read.
    """
    if name in PAIRS:
        return PAIRS[name]
    if a is None or b is None:
        raise UserError(
            f"pair {name!r}: known are {', '.join(PAIRS)}; to one of your own give --a and --b"
        )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UserError(f"pair {name!r}: names folders, so letters, digits, '.', '_' and '-' alone")
    one, other = (read_description(_description(path)).name for path in (a, b))
    if one == other:
        raise UserError(
            f"{a}, {b}: both domains are called {one!r}, by which labels of A are told from B's; "
            "name one otherwise in its domain.toml"
        )
    return Pair(name, one, other)


def check_names(pair: Pair, domains: Mapping[str, Path]) -> None:
    """Prove of a pair of the paper that no domain is called as another of its domains.

    Args:
        domains: option that named it ("--a" for A) → its description, or folder.

    Raises:
        UserError: one is: published numbers would stand beside other data.
        DomainError: a domain cannot be read.
    """
    theirs = {name for known in PAIRS.values() if known.published for name in (known.a, known.b)}
    for option, path in domains.items():
        wanted = pair.a if option == "--a" else pair.b
        called = read_description(_description(path)).name
        met = {name for name in theirs if name in called.lower()}
        if met and wanted not in met:
            raise UserError(
                f"{option} {path}: is called {called!r}, but pair {pair.name} has {wanted} there; "
                "swap the domains, name the pair that they are, or rename this one in its "
                "domain.toml"
            )


def place_of(path: Path, tested: str | None = None, labels: Sequence[str] = ()) -> Place:
    """Where a described domain is; its test list is "test" or, without one, "val".

    Args:
        path: its description, or the folder that holds it.
        labels: kinds that the test list should have, so that "val" is it where "test" lacks one,
            as Cityscapes' does.
        tested: spec of another domain that is tested on in its stead; without a split its only
            list, or the one that `path` would be tested on.

    Raises:
        DomainError: there is no such description, or it has no list to train or to test on.
    """
    file = _description(path)
    lists = read_description(file).lists
    own = _test_list(file, lists, labels)
    if "train" not in lists or (own is None and tested is None):
        raise DomainError(
            f"{file}: has the lists {', '.join(lists)}; an experiment needs 'train', and 'test' or "
            "'val' (--b-test names another domain to test on)"
        )
    if tested is None:
        val = "val" if "val" in lists and own != "val" else None
        return Place(path, {"train": "train", "val": val, "test": own})
    wanted = parse_spec(tested)
    other = _description(wanted.path)
    there = read_description(other).lists
    test = wanted.split or (
        next(iter(there)) if len(there) == 1 else _test_list(other, there, labels)
    )
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


def _test_list(file: Path, lists: Collection[str], labels: Sequence[str]) -> str | None:
    """The first of two that has all labels; the first at all, where neither has."""
    keys = [key for key in ("test", "val") if key in lists]
    if len(keys) < 2 or not labels:
        return next(iter(keys), None)
    labelled = (key for key in keys if all(map(open_domain(f"{file}:{key}").has, labels)))
    return next(labelled, keys[0])
