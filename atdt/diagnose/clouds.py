"""Features of a store as clouds of vectors: some locations of each image, and its mean."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from atdt.diagnose.moments import Moments
from atdt.progress import progress
from atdt.stores import FeatureReader, Store

MOST = 20_000  # vectors of a cloud, and images that they are of, however many there are


@dataclass(frozen=True, eq=False)
class Cloud:
    """Vectors of plain views.

    Attributes:
        vectors: (R, C) float32, features at drawn locations.
        image: (R,) int64, which image each is of.
        means: (N, C) float32, of all locations of each image.
        moments: of the channels.
    """

    vectors: np.ndarray
    image: np.ndarray
    means: np.ndarray
    moments: Moments


def plain_samples(store: Store) -> int:
    """How many samples are plain views: they are the first, since stores are view-major."""
    return int((np.asarray(store.samples.view) == 0).sum())


def plain_blocks(store: Store, *readers: FeatureReader) -> Iterator[tuple[np.ndarray, ...]]:
    """Blocks of the plain views of some arrays, side by side, each (n, …)."""
    plain = plain_samples(store)
    with progress(f"read {store.path.name}", plain, "images") as advance:
        for block in range(readers[0].blocks):
            start, stop = readers[0].block_range(block)
            if start >= plain:
                return
            yield tuple(reader.read_block(block)[: plain - start] for reader in readers)
            advance(min(stop, plain) - start)


def cloud(store: Store, reader: FeatureReader, seed: int = 0) -> Cloud:
    """The cloud of an array's plain views, from one pass over them.

    Args:
        store: that `reader` is of.
        reader: of features.
        seed: of the locations that are drawn.
    """
    draws = np.random.default_rng(seed)
    images = plain_samples(store)
    every = -(-images // MOST)  # of more images than vectors some have none
    each = max(1, MOST // images)
    vectors, owners, means = [], [], []
    sums = np.zeros((2, reader.shape[1]))
    pivot = None  # near the means, lest squares of large values hide what they vary by
    count = seen = 0
    for (block,) in plain_blocks(store, reader):
        for sample in block:
            places = sample.astype(np.float64).reshape(len(sample), -1)
            pivot = places[:, :1] if pivot is None else pivot
            away = places - pivot
            sums += away.sum(axis=1), (away**2).sum(axis=1)
            count += places.shape[1]
            if seen % every == 0:
                chosen = draws.choice(places.shape[1], min(each, places.shape[1]), replace=False)
                vectors.append(places.T[chosen].astype(np.float32))
                owners += [len(means)] * len(chosen)
                means.append(places.mean(axis=1).astype(np.float32))
            seen += 1
    shift, square = sums / count
    moments = Moments(pivot[:, 0] + shift, np.sqrt(np.maximum(square - shift**2, 0)))
    return Cloud(np.concatenate(vectors), np.array(owners), np.stack(means), moments)
