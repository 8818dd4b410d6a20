"""The loop of an extraction: threads decode ahead, the encoders compute, a thread writes behind."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch

from atdt.ahead import ahead
from atdt.extract.arrays import LABELS, Array
from atdt.extract.config import Extraction
from atdt.extract.encoders import Encoder
from atdt.extract.samples import SampleBatch, Samples
from atdt.progress import progress
from atdt.stores import FeatureWriter, Store

READERS = min(16, max(2, (os.cpu_count() or 2) // 2))  # the encoders need processors too
AHEAD = READERS + 2  # batches


@dataclass(frozen=True)
class Work:
    """A block, and the arrays that lack it."""

    block: int
    start: int
    stop: int
    arrays: tuple[Array, ...]

    def batches(self, batch: int) -> Iterator[tuple[int, int]]:
        """Ranges of samples, cut from the block's first sample on, whatever is left to do."""
        for start in range(self.start, self.stop, batch):
            yield start, min(start + batch, self.stop)


def write_arrays(
    config: Extraction,
    samples: Samples,
    store: Store,
    encoders: tuple[Encoder, ...],
    writers: Mapping[Array, FeatureWriter],
    device: torch.device,
) -> None:
    """Write every block that an array lacks, in order.

    Each sample is decoded once for all arrays that lack it, and each encoder is run once for all
    its levels. Memory: a few batches of images, and two blocks of each array in float32.

    Raises:
        DomainError: an image or label that cannot be read.
        NumericsError: features that cannot be stored; names the sample.
        StoreError: the disk is full or fails.
    """
    to_do = list(_work_to_do(store, writers))

    def read(request: tuple[Work, int, int]) -> SampleBatch:
        work, start, stop = request
        kinds = [array.name for array in work.arrays if array.group == LABELS]
        return samples.read(start, stop, len(kinds) < len(work.arrays), kinds)

    requests = ((work, *span) for work in to_do for span in work.batches(config.batch))
    with (
        progress("extract", sum(work.stop - work.start for work in to_do), "samples") as advance,
        ThreadPoolExecutor(1, thread_name_prefix="writer") as behind,
        closing(ahead(read, requests, READERS, AHEAD)) as batches,
    ):
        written: Future[None] | None = None
        for work in to_do:
            blocks = {array: _empty(array, work.stop - work.start) for array in work.arrays}
            for _ in work.batches(config.batch):
                batch = next(batches)
                _fill(blocks, batch, work.start, encoders, config.precision, device)
                advance(batch.stop - batch.start)
            if written is not None:
                written.result()
            written = behind.submit(_write, work.block, blocks, writers)
        if written is not None:
            written.result()


def _work_to_do(store: Store, writers: Mapping[Array, FeatureWriter]) -> Iterator[Work]:
    missing = {array: set(writer.missing_blocks()) for array, writer in writers.items()}
    for block in range(store.blocks):
        arrays = tuple(array for array, blocks in missing.items() if block in blocks)
        if arrays:
            yield Work(block, *store.block_range(block), arrays)


def _fill(
    blocks: Mapping[Array, np.ndarray],
    batch: SampleBatch,
    first: int,
    encoders: tuple[Encoder, ...],
    precision: str,
    device: torch.device,
) -> None:
    """Put a batch's features and labels into the blocks, which start at sample `first`."""
    rows = slice(batch.start - first, batch.stop - first)
    images = None if batch.images is None else torch.from_numpy(batch.images).to(device)
    for encoder in encoders:
        levels = {a.group: a for a in blocks if a.group != LABELS and a.name == encoder.name}
        if levels:
            found = encoder.features(images, tuple(levels), precision)
            for level, features in found.items():
                blocks[levels[level]][rows] = features.cpu().numpy()
    for array, block in blocks.items():
        if array.group == LABELS:
            block[rows] = batch.labels[array.name]


def _empty(array: Array, count: int) -> np.ndarray:
    """Room for a block as it is handed to the writer, which checks features and then casts them."""
    dtype = array.dtype if array.group == LABELS else np.float32
    return np.empty((count, *array.item), dtype)


def _write(
    block: int, blocks: Mapping[Array, np.ndarray], writers: Mapping[Array, FeatureWriter]
) -> None:
    for array, values in blocks.items():
        writers[array].write_block(block, values)
