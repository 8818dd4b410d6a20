"""`atdt predict`: a task network alone, which is how baseline and oracle are measured."""

from pathlib import Path

import torch

from atdt.decode.config import Prediction
from atdt.decode.header import header, run_info
from atdt.decode.output import open_sink
from atdt.decode.pipeline import run
from atdt.decode.sources import ImageSource
from atdt.devices import pick_device
from atdt.domains import ViewPlan, open_domain
from atdt.training.load import load_task_network


def predict(config: Prediction) -> Path:
    """Run a task network over the images of a domain.

    Returns:
        the predictions folder, `config.out`.

    Raises:
        RunError: the run holds no finished task network.
        DomainError: the domain or an image of it cannot be used.
        NumericsError: the network's output is not finite.
        UserError: an option, or what is in `config.out` already.
    """
    config.check()
    device = pick_device(config.device)
    loaded = load_task_network(config.run, device, config.allow_import)
    domain = open_domain(config.domain, skip_bad=config.skip_bad)
    plan = ViewPlan(resize=config.resize, crop=config.crop, pad=config.pad)
    source = ImageSource(domain, plan, config.batch)
    method = {
        "kind": "network",
        "network": run_info(loaded.run),
        "training_focal": loaded.run.info.get("training_focal"),
    }
    head = header(
        loaded.task,
        loaded.space,
        domain.to_dict(),
        plan.to_dict(),
        method,
        config,
        device,
        skipped=domain.skipped,
    )

    def compute(images: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        return loaded.network.output_and_features(images)  # with skips, too

    run(source, compute, open_sink(loaded.task, head, source, config), device)
    return config.out
