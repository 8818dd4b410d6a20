"""The order in which training visits the samples of a store: a pure function, whatever feeds it.

An epoch shuffles the blocks of the store, takes them a window at a time, and shuffles the samples
of each window. A feed that holds the whole store and one that holds a window at a time can both
follow it, and neither memory nor read-ahead has a say in it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Geometry:
    """What the order depends on beside (seed, epoch).

    Attributes:
        samples: samples in the store.
        samples_per_shard: samples a block; the last block may be shorter.
        blocks_per_window: blocks whose samples are shuffled together.
        batch: samples a step; the last batch of an epoch may be smaller.
    """

    samples: int
    samples_per_shard: int
    blocks_per_window: int
    batch: int

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise ValueError(f"`{name}` (={value}) must be at least 1")

    @property
    def blocks(self) -> int:
        """Blocks in the store."""
        return -(-self.samples // self.samples_per_shard)

    def batch_at(self, step: int, visited: int) -> int:
        """Samples of the batch of step `step`, where epochs visit `visited` samples."""
        first = step % -(-visited // self.batch)
        return min(self.batch, visited - first * self.batch)

    def to_dict(self) -> dict[str, int]:
        """For run.json."""
        return asdict(self)


@dataclass(frozen=True)
class Epoch:
    """One epoch's order.

    Attributes:
        samples: (kept samples,) int64, indices into the store in the order of visit.
        windows: for each window its blocks, (blocks,) int64, in the order of reading.
        ends: (windows,) int64; window w holds `samples[ends[w - 1]:ends[w]]`.
        batch: samples a step.
    """

    samples: np.ndarray
    windows: tuple[np.ndarray, ...]
    ends: np.ndarray
    batch: int

    @property
    def batches(self) -> int:
        """Batches in the epoch, a smaller last one included."""
        return -(-len(self.samples) // self.batch)

    def indices(self, first: int = 0) -> Iterator[np.ndarray]:
        """The samples of each batch, from batch `first` on."""
        for start in range(first * self.batch, len(self.samples), self.batch):
            yield self.samples[start : start + self.batch]

    def window_samples(self, window: int, first: int = 0) -> np.ndarray:
        """The samples of a window, without those that come before batch `first`."""
        start = self.ends[window - 1] if window else 0
        return self.samples[max(start, first * self.batch) : self.ends[window]]


def epoch_order(seed: int, epoch: int, geometry: Geometry, kept: np.ndarray | None = None) -> Epoch:
    """The order of one epoch.

    Args:
        seed, epoch: both at least 0.
        kept: (samples,) bool, the samples to visit; all when None. The others are left out of the
            full order, so that the rest keep their places relative to each other.
    """
    words = _words(seed, epoch, geometry.blocks + geometry.samples)
    blocks = _shuffled(np.arange(geometry.blocks), words[: geometry.blocks])
    keys = words[geometry.blocks :]
    windows, parts = [], []
    for start in range(0, len(blocks), geometry.blocks_per_window):
        window = blocks[start : start + geometry.blocks_per_window]
        inside = np.concatenate([_block_samples(block, geometry) for block in window])
        order = _shuffled(inside, keys[inside])
        windows.append(window)
        parts.append(order if kept is None else order[kept[order]])
    ends = np.cumsum([len(part) for part in parts])
    return Epoch(np.concatenate(parts), tuple(windows), ends, geometry.batch)


def _block_samples(block: int, geometry: Geometry) -> np.ndarray:
    start = block * geometry.samples_per_shard
    return np.arange(start, min(start + geometry.samples_per_shard, geometry.samples))


def _words(seed: int, epoch: int, count: int) -> np.ndarray:
    """`count` random 64-bit words.

    numpy promises the raw words of a bit generator for ever, and its `permutation` only until the
    next version; an order has to outlive both.
    """
    return np.random.PCG64(np.random.SeedSequence([seed, epoch])).random_raw(count)


def _shuffled(values: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return values[np.argsort(keys, kind="stable")]
