"""The loop of an extraction: threads decode ahead, the encoders compute, a thread writes behind."""

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import torch

from atdt.ahead import ahead
from atdt.extract.arrays import Array
from atdt.extract.config import Extraction
from atdt.extract.encoders import Encoder
from atdt.extract.samples import SampleBatch, Samples
from atdt.process import step_back
from atdt.progress import progress
from atdt.stores import Draft, FeatureWriter, Store
from atdt.stores.layout import LABELS

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
    its levels. Memory: a few batches of images, and two blocks of each array as it is stored.

    Raises:
        DomainError: an image or label that cannot be read.
        NumericsError: features that cannot be stored; names the sample.
        StoreError: the disk is full or fails.
    """
    to_do = list(work_to_do(store, writers))

    with (
        progress("extract", sum(work.stop - work.start for work in to_do), "samples") as advance,
        ThreadPoolExecutor(1, "writer", initializer=step_back) as behind,
        closing(read_ahead(config, samples, to_do)) as batches,
    ):
        written: Future[None] | None = None
        for work in to_do:
            drafts = {array: writers[array].draft(work.block) for array in work.arrays}
            for _ in work.batches(config.batch):
                batch = next(batches)
                fill(drafts, batch, encoders, config.precision, device)
                advance(batch.stop - batch.start)
            if written is not None:
                written.result()
            written = behind.submit(_write, drafts, writers)
        if written is not None:
            written.result()


def read_ahead(
    config: Extraction, samples: Samples, to_do: Iterable[Work]
) -> Iterator[SampleBatch]:
    """The batches of `to_do`, read by threads from the first `next` on until it is closed."""

    def read(request: tuple[Work, int, int]) -> SampleBatch:
        work, start, stop = request
        kinds = [array.name for array in work.arrays if array.group == LABELS]
        return samples.read(start, stop, len(kinds) < len(work.arrays), kinds)

    requests = ((work, *span) for work in to_do for span in work.batches(config.batch))
    return ahead(read, requests, READERS, AHEAD)


def work_to_do(store: Store, writers: Mapping[Array, FeatureWriter]) -> Iterator[Work]:
    """What is missing in each block that an array lacks, in order."""
    missing = {array: set(writer.missing_blocks()) for array, writer in writers.items()}
    for block in range(store.blocks):
        arrays = tuple(array for array, blocks in missing.items() if block in blocks)
        if arrays:
            yield Work(block, *store.block_range(block), arrays)


def fill(
    drafts: Mapping[Array, Draft],
    batch: SampleBatch,
    encoders: tuple[Encoder, ...],
    precision: str,
    device: torch.device,
) -> None:
    """Add a batch's features and labels to the blocks."""
    images = None if batch.images is None else torch.from_numpy(batch.images).to(device)
    for encoder in encoders:
        levels = {a.group: a for a in drafts if a.group != LABELS and a.name == encoder.name}
        if levels:
            for level, features in encoder.features(images, tuple(levels), precision).items():
                drafts[levels[level]].add(features)
    for array, draft in drafts.items():
        if array.group == LABELS:
            draft.add(batch.labels[array.name])


def _write(drafts: Mapping[Array, Draft], writers: Mapping[Array, FeatureWriter]) -> None:
    for array, draft in drafts.items():
        writers[array].write(draft)
