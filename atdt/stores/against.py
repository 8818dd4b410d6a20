"""How far two stores of the same samples are apart: what other threads or machines make of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from atdt.errors import MismatchError
from atdt.progress import progress
from atdt.stores.layout import LABELS, MANTISSA_BITS
from atdt.stores.provenance import NOTES, differences
from atdt.stores.reader import FeatureReader, open_reader
from atdt.stores.rows import Rows
from atdt.stores.samples import COLUMNS
from atdt.stores.store import Store, open_store

NORMAL = -14  # exponent of float16's smallest normal number; below it neighbours stay as far apart
UNEXPLAINING = {*NOTES} - {"versions"}  # what was recorded and makes no difference


@dataclass
class Difference:
    """Of one array in two stores.

    Attributes:
        name: "level4/depth".
        scale: root mean square of the array, 0 for integers.
        made: one line for each thing that was recorded otherwise: threads, the device, weights.
        values: how many were compared.
        differing: how many of them differ.
        largest: |difference| of the two that are farthest apart.
        ulps: the largest in float16's units in the last place, whatever the array's dtype: those of
            the greater of the two values, or of `scale` where both are smaller, since sums that
            come out near 0 have the rounding of what was summed; 0 for integers.
        sample: the one in which most ulps are (for integers the largest difference), "" for none.
    """

    name: str
    scale: float = 0.0
    made: list[str] = field(default_factory=list)
    values: int = 0
    differing: int = 0
    largest: float = 0.0
    ulps: float = 0.0
    sample: str = ""

    def add(self, sample: str, one: np.ndarray, other: np.ndarray) -> None:
        """Take in the values of a sample, one array from each store."""
        self.values += one.size
        if np.array_equal(one, other):
            return
        # NaN, by which labels may say that there is none, equals itself here.
        places = (one != other) & ((one == one) | (other == other))
        if not places.any():
            return
        is_real = "f" in (one.dtype.kind, other.dtype.kind)
        one, other = one[places].astype(np.float64), other[places].astype(np.float64)
        apart = np.nan_to_num(np.abs(one - other), nan=np.inf, posinf=np.inf)
        magnitudes = np.fmax(np.maximum(np.abs(one), np.abs(other)), self.scale)
        ulps = apart / float16_ulp(magnitudes) if is_real else np.zeros(1)
        largest, most = float(apart.max()), float(ulps.max())
        self.differing += apart.size
        if (most, largest) > (self.ulps, self.largest) or not self.sample:
            self.sample = sample
        self.largest, self.ulps = max(self.largest, largest), max(self.ulps, most)

    def is_beyond(self, ulps: float) -> bool:
        """Whether values differ by more than so many of float16's ulps; integers, if at all."""
        return self.ulps > ulps if self.ulps else self.differing > 0


@dataclass(frozen=True)
class Comparison:
    """Of two stores.

    Attributes:
        arrays: that both have.
        alone: paths of arrays that one of them has alone.
    """

    arrays: tuple[Difference, ...]
    alone: tuple[Path, ...]


def float16_ulp(magnitudes: np.ndarray) -> np.ndarray:
    """How far float16's neighbours are apart at each of these, > 0, as if it had no largest one."""
    _, exponents = np.frexp(magnitudes)
    return np.ldexp(1.0, np.maximum(exponents - 1, NORMAL) - MANTISSA_BITS["float16"])


def compare_stores(path: str | Path, against: str | Path) -> Comparison:
    """Compare the values of two stores, array by array and sample by sample.

    Samples belong together by their ids, so that the stores may be cut into other shards and have
    their samples in another order; where it is the same, each block is read once. A block of each
    is in memory.

    Raises:
        MismatchError: they are of other samples or have no array in common, or samples of an array
            have another shape; names what differs.
        StoreError: one is absent, incomplete or damaged: every chunk that is read is checked.
    """
    one, other = open_store(path), open_store(against)
    places = _places(one, other)
    here, there = dict.fromkeys(_names(one)), dict.fromkeys(_names(other))
    pairs = [(open_reader(one, *name), open_reader(other, *name)) for name in here if name in there]
    if not pairs:
        raise MismatchError(f"{other.path}: has no array that {one.path} has")
    for mine, theirs in pairs:
        if mine.shape != theirs.shape:
            raise MismatchError(
                f"{theirs.path}: has shape {theirs.shape}, and {mine.path} {mine.shape}"
            )
    alone = [one.folder(*name) for name in here if name not in there]
    alone += [other.folder(*name) for name in there if name not in here]
    blocks = sum(mine.blocks for mine, _ in pairs)
    with progress(f"compare {one.path.name}", blocks, "blocks") as advance:
        found = tuple(_compare(one, places, mine, theirs, advance) for mine, theirs in pairs)
    return Comparison(found, tuple(alone))


def _compare(
    store: Store,
    places: np.ndarray,
    mine: FeatureReader,
    theirs: FeatureReader,
    advance: Callable[[], None],
) -> Difference:
    fields = [name for name in {**mine.attrs, **theirs.attrs} if name not in UNEXPLAINING]
    sides = f"{mine.path} has", "the other"
    made = differences(mine.attrs, theirs.attrs, fields, sides)
    found = Difference(mine.name, _root_mean_square(mine.statistics), made)
    others = Rows(theirs)
    for block in range(mine.blocks):
        start, stop = mine.block_range(block)
        for sample, values in zip(range(start, stop), mine.read_block(block), strict=True):
            (other,) = others.read(places[[sample]])
            found.add(str(store.samples.sample_id[sample]), values, other)
        advance()
    return found


def _root_mean_square(statistics: dict[str, Any]) -> float:
    if not statistics:
        return 0.0
    return float(np.sqrt(np.mean(statistics["mean"] ** 2 + statistics["variance"])))


def _names(store: Store) -> Iterator[tuple[str, str]]:
    """Level and name of each array."""
    for level in (*store.levels(), LABELS):
        for name in store.arrays(level):
            yield level, name


def _places(one: Store, other: Store) -> np.ndarray:
    """(S,) where each sample of `one` is in `other`."""
    if one.samples.digest() == other.samples.digest():
        return np.arange(len(one.samples))
    numbers = {str(name): number for number, name in enumerate(other.samples.sample_id)}
    names = [str(name) for name in one.samples.sample_id]
    strangers = numbers.keys() ^ set(names)
    if strangers:
        raise MismatchError(
            f"{one.path} and {other.path} are of other samples: {len(strangers):,} are in one of "
            f"them alone, such as {min(strangers)!r}"
        )
    places = np.array([numbers[name] for name in names])
    for column in COLUMNS:
        mine, theirs = getattr(one.samples, column), getattr(other.samples, column)[places]
        for sample in np.flatnonzero((mine != theirs).reshape(len(names), -1).any(axis=1))[:1]:
            raise MismatchError(
                f"{other.path}: {column} of sample {names[sample]!r} is {theirs[sample]}, and "
                f"{mine[sample]} in {one.path}"
            )
    return places
