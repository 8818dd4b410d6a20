"""`atdt predict`: a task network alone, which is how baseline and oracle are measured."""

from pathlib import Path

import torch

from atdt.decode.config import Prediction
from atdt.decode.header import header, run_info
from atdt.decode.making import Say, make_predictions
from atdt.decode.pipeline import Predictor
from atdt.decode.sources import Known, open_images
from atdt.training.load import load_task_network


def predict(config: Prediction, say: Say = lambda line: None) -> Path:
    """Run a task network over the images of a domain.

    Args:
        say: called with each line that a user should see.

    Returns:
        the predictions folder, `config.out`.

    Raises:
        RunError: the run holds no finished task network.
        DomainError: the domain or an image of it cannot be used.
        NumericsError: the network's output is not finite.
        UserError: an option, or what is in `config.out` already.
    """
    return make_predictions(config, prepare, say)


def prepare(config: Prediction, device: torch.device, known: Known | None = None) -> Predictor:
    """What predicts; see `atdt.decode.making.Prepare`."""
    loaded = load_task_network(config.run, device, config.allow_import)
    domain, source, known = open_images(config.domain, config, known)
    method = {
        "kind": "network",
        "network": run_info(loaded.run),
        "training_focal": loaded.run.info.get("training_focal"),
    }
    head = header(
        loaded.task,
        loaded.space,
        domain.to_dict(),
        source.plan.to_dict(),
        method,
        config,
        device,
        skipped=domain.skipped,
    )

    def compute(images: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        return loaded.network.output_and_features(images)  # with skips, too

    return Predictor(source, compute, loaded.task, head, known)
