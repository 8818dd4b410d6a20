"""Features of a store as clouds of vectors: some locations of each image, and its mean."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from atdt.progress import progress
from atdt.stores import FeatureReader, Store

MOST = 20_000  # vectors of a cloud, however many images there are


@dataclass(frozen=True, eq=False)
class Cloud:
    """Vectors of plain views.

    Attributes:
        vectors: (R, C) float32, features at drawn locations.
        image: (R,) int64, which image each is of.
        means: (N, C) float32, of all locations of each image.
    """

    vectors: np.ndarray
    image: np.ndarray
    means: np.ndarray


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
    """The cloud of an array's plain views.

    Args:
        store: that `reader` is of.
        reader: of features.
        seed: of the locations that are drawn.
    """
    draws = np.random.default_rng(seed)
    each = max(1, MOST // plain_samples(store))
    vectors, images, means = [], [], []
    for (block,) in plain_blocks(store, reader):
        for sample in block:
            features = sample.astype(np.float32)
            places = features.reshape(len(features), -1).T
            chosen = draws.choice(len(places), min(each, len(places)), replace=False)
            vectors.append(places[chosen])
            images += [len(means)] * len(chosen)
            means.append(places.mean(axis=0, dtype=np.float64).astype(np.float32))
    return Cloud(np.concatenate(vectors), np.array(images), np.stack(means))
