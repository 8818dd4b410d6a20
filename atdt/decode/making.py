"""A predictions folder, made by this process or by the workers of a cluster."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch

from atdt.cluster import threads_of
from atdt.decode.by_workers import predict_by_workers
from atdt.decode.config import Output
from atdt.decode.folder import refuse_held
from atdt.decode.output import Sink, open_folder
from atdt.decode.pipeline import Predictor, run
from atdt.decode.sources import Known
from atdt.devices import pick_device, torch_threads
from atdt.hold import refuse_written

Say = Callable[[str], Any]


class Prepare[Config: Output](Protocol):
    """A function of a module that loads what `config` names; workers call it too, with what the
    client `known`s of the images."""

    def __call__(
        self, config: Config, device: torch.device, known: Known | None = None
    ) -> Predictor: ...


def make_predictions[Config: Output](config: Config, prepare: Prepare[Config], say: Say) -> Path:
    """Predict, and give back the predictions folder.

    Raises:
        RunError: another process is writing there.
        UserError: as `prepare`, `atdt.cluster.crew` and `PredictionsWriter`.
    """
    config.check()
    refuse_written(config.out)  # now, not when all is loaded
    refuse_held(config.out, resume=config.resume, overwrite=config.overwrite)
    with torch_threads(threads_of(config.threads, config.cluster)):
        device = pick_device("cpu" if config.cluster else config.device)
        predictor = prepare(config, device)
        if config.cluster is not None:
            predict_by_workers(config, prepare, predictor, say)
        else:
            task = predictor.task
            with open_folder(task, predictor.header, predictor.source, config) as writer:
                run(predictor, Sink(writer.path, task, config), writer, device)
    return config.out
