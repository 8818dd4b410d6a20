"""Which view of which image is drawn when: a pure function of (seed, step)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Draw:
    """One view of one image: indices of the domain, of the image in it, and of the view."""

    domain: int
    image: int
    view: int


class Order:
    """The order in which a training draws from its domains.

    Every image comes once an epoch, shuffled anew each time, and each time in another view (view 0,
    the plain image, is left to validation). Epochs follow each other without a gap, so that a batch
    may hold the end of one and the start of the next.

    Args:
        sizes: number of images of each domain.
        batch: images a step.
        seed: of the shuffles.
        balance: false: the lists are concatenated and shuffled, as the original's; true: the
            domains take turns, each with epochs of its own.
    """

    def __init__(self, sizes: Sequence[int], batch: int, seed: int, balance: bool = False):
        self.batch = batch
        self.seed = seed
        lists = [[(domain, image) for image in range(size)] for domain, size in enumerate(sizes)]
        self._groups = lists if balance else [[place for places in lists for place in places]]

    def draws(self, step: int) -> list[Draw]:
        """What step `step` (from 0) learns from: `batch` draws."""
        start = step * self.batch
        return [self._draw(position) for position in range(start, start + self.batch)]

    def _draw(self, position: int) -> Draw:
        turn, group = divmod(position, len(self._groups))
        places = self._groups[group]
        epoch, rank = divmod(turn, len(places))
        domain, image = places[_shuffled(self.seed, group, epoch, len(places))[rank]]
        return Draw(domain, image, view=1 + epoch)


@lru_cache(maxsize=16)
def _shuffled(seed: int, group: int, epoch: int, length: int) -> np.ndarray:
    """The numbers below `length` in the order of one epoch of one group."""
    return np.random.default_rng([seed, group, epoch]).permutation(length)
