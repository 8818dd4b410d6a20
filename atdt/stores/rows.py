"""Samples of an array by their numbers, whichever block they lie in."""

from collections.abc import Sequence

import numpy as np

from atdt.stores.reader import FeatureReader


class Rows:
    """Reads any samples of an array; the last block is kept, so that ascending samples read each
    block once. Safe for threads.

    Args:
        reader: of features or labels.
    """

    def __init__(self, reader: FeatureReader):
        self.reader = reader
        self._size = reader.block_range(0)[1]
        self._block: tuple[int, np.ndarray] | None = None

    def read(self, samples: Sequence[int]) -> np.ndarray:
        """(n, …) of the array's dtype, in the order that is asked for."""
        return np.stack([self._sample(int(sample)) for sample in samples])

    def _sample(self, sample: int) -> np.ndarray:
        block, row = divmod(sample, self._size)
        held = self._block  # another thread may take another one in its place
        if held is None or held[0] != block:
            held = self._block = block, self.reader.read_block(block)
        return held[1][row]
