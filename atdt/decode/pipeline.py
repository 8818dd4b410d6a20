"""The loop of decode and predict: read ahead, compute, write behind."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atdt.ahead import ahead
from atdt.decode.folder import PredictionsWriter
from atdt.decode.output import Sink
from atdt.decode.sources import Batch, Known, Source
from atdt.devices import precision_context
from atdt.progress import progress
from atdt.tasks.base import Task

AHEAD = 2  # batches read before they are needed
WRITERS = 4

# inputs (N, …) and the view's (h, w) -> output (N, C, h, w), features that the decoder was given
Compute = Callable[[torch.Tensor, tuple[int, int]], tuple[torch.Tensor, torch.Tensor]]
Saved = dict[str, Future[dict[str, Path]]]  # by image: part -> file
Files = dict[str, dict[str, Path]]  # by image: part -> file


@dataclass(frozen=True)
class Predictor:
    """What makes predictions.

    Attributes:
        source: what they are made of.
        compute: a batch of it -> outputs.
        task: whose predictions they are.
        header: all that they depend on, see `atdt.decode.header`.
        known: for other processes that prepare the same.
    """

    source: Source
    compute: Compute
    task: Task
    header: dict[str, Any]
    known: Known


def run(predictor: Predictor, sink: Sink, writer: PredictionsWriter, device: torch.device) -> None:
    """Predict every batch that is not on disk yet, then finish the folder.

    Batches are never cut anew: a resumed run computes those that lack an image as a whole, so that
    its results are the ones of a run that was not interrupted.

    Raises:
        NumericsError: see `Sink.results`.
    """
    if writer.complete:
        return
    todo = writer.to_do(predictor.source.batches)
    with (
        progress("predict", sum(len(batch.images) for batch in todo), "images") as advance,
        closing(predicted(predictor, todo, sink, device)) as made,
    ):
        for files in made:
            writer.record(files)
            advance(len(files))
    writer.finish()


def predicted(
    predictor: Predictor, todo: Iterable[Batch], sink: Sink, device: torch.device
) -> Iterator[Files]:
    """Predict batches; yields the files of each when they are on disk. Close it to stop."""

    def read(batch: Batch) -> tuple[Batch, np.ndarray]:
        return batch, predictor.source.read(batch)

    with (
        ThreadPoolExecutor(WRITERS) as writers,
        closing(ahead(read, todo, threads=1, depth=AHEAD)) as batches,
    ):
        behind: Saved = {}
        for batch, inputs in batches:
            with torch.inference_mode():
                with precision_context(device, sink.config.precision):
                    output, features = predictor.compute(_ready(inputs, device), batch.size)
                results = sink.results(batch, output, features)
            yield from _written(behind)
            behind = {
                image: writers.submit(sink.save, image, arrays)
                for image, arrays in zip(batch.images, results, strict=True)
            }
        yield from _written(behind)


def _ready(inputs: np.ndarray, device: torch.device) -> torch.Tensor:
    """Inputs on the device, in the order of values that loaded networks have their weights in."""
    return torch.from_numpy(inputs).to(device, memory_format=torch.channels_last)


def _written(behind: Saved) -> Iterator[Files]:
    """The files of a batch, if there is one, once they are there."""
    if behind:
        yield {image: files.result() for image, files in behind.items()}
