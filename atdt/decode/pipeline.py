"""The loop of decode and predict: read ahead, compute, write behind."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import torch

from atdt.ahead import ahead
from atdt.decode.folder import PredictionsWriter
from atdt.decode.output import Sink
from atdt.decode.sources import Batch, Source
from atdt.devices import precision_context
from atdt.progress import progress

AHEAD = 2  # batches read before they are needed
WRITERS = 4

# inputs (N, …) and the view's (h, w) -> output (N, C, h, w), features that the decoder was given
Compute = Callable[[torch.Tensor, tuple[int, int]], tuple[torch.Tensor, torch.Tensor]]
Saved = dict[str, Future[dict[str, Path]]]  # by image: part -> file


def run(source: Source, compute: Compute, sink: Sink, device: torch.device) -> None:
    """Predict every batch of `source` that is not on disk yet, then finish the folder.

    Batches are never cut anew: a resumed run computes those that lack an image as a whole, so that
    its results are the ones of a run that was not interrupted.

    Raises:
        NumericsError: see `Sink.results`.
    """
    writer = sink.writer
    if writer.complete:
        return
    todo = [b for b in source.batches if not all(writer.is_done(image) for image in b.images)]

    def read(batch: Batch) -> tuple[Batch, np.ndarray]:
        return batch, source.read(batch)

    with (
        progress("predict", sum(len(batch.images) for batch in todo), "images") as advance,
        ThreadPoolExecutor(WRITERS) as writers,
        closing(ahead(read, todo, threads=1, depth=AHEAD)) as batches,
        torch.inference_mode(),
    ):
        behind: Saved = {}
        for batch, inputs in batches:
            with precision_context(device, sink.config.precision):
                output, features = compute(_ready(inputs, device), batch.size)
            results = sink.results(batch, output, features)
            _record(behind, writer, advance)
            behind = {
                image: writers.submit(sink.save, image, arrays)
                for image, arrays in zip(batch.images, results, strict=True)
            }
        _record(behind, writer, advance)
    writer.finish()


def _ready(inputs: np.ndarray, device: torch.device) -> torch.Tensor:
    """Inputs on the device, in the order of values that loaded networks have their weights in."""
    return torch.from_numpy(inputs).to(device, memory_format=torch.channels_last)


def _record(behind: Saved, writer: PredictionsWriter, advance: Callable[[int], None]) -> None:
    """Wait for the files of a batch, and only then say that they are there."""
    if behind:
        writer.record({image: files.result() for image, files in behind.items()})
        advance(len(behind))
