"""Batch-norm statistics of another domain: the cheapest adaptation that there is.

Li, Wang, Shi, Liu, Hou, "Revisiting Batch Normalization for Practical Domain Adaptation", 2016
(arXiv 1603.04779): weights stay, running means and variances are estimated again on the images of
the domain that the network is to work on. No label is read.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from atdt.ahead import ahead
from atdt.checks import check_out_apart
from atdt.devices import pick_device
from atdt.domains import ViewPlan, open_domain
from atdt.errors import NetworkError, RunError
from atdt.hold import exclusive
from atdt.networks import NetworkSpec
from atdt.progress import progress
from atdt.provenance import torch_threads
from atdt.runs import create_run
from atdt.training.batches import Views
from atdt.training.load import KIND, LoadedNetwork, load_task_network, network_keys
from atdt.training.order import Draw
from atdt.training.sources import Size, Source, one_size


@dataclass(frozen=True)
class BatchNormAdaptation:
    """A re-estimation of batch-norm statistics.

    Attributes:
        run: of the task network.
        domain: spec of the domain whose images are used, once each; its labels are not.
        out: folder of the new run.
        batch: images a forward; statistics are averaged over batches of (nearly) this size.
        resize: (height, width) of the whole images first, as the network was trained on.
        crop: (height, width) cut from the centre, where sizes differ.
        device: see `atdt.devices`.
        skip_bad: leave out images that cannot be used.
        resume: where `out` was cut off, do it again; where it is finished, leave it.
        overwrite: replace what is in `out`.
        allow_import: import the module that the run names, if its network is a user's own.
    """

    run: Path
    domain: str
    out: Path
    batch: int = 8
    resize: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    device: str = "auto"
    skip_bad: bool = False
    resume: bool = False
    overwrite: bool = False
    allow_import: bool = False


def adapt_batch_norm(config: BatchNormAdaptation) -> Path:
    """Copy a run with its batch-norm statistics estimated anew on a domain's plain images.

    Mean and variance of a layer become the plain averages of what it sees over the batches, while
    all batch-norm layers normalise by their batch; everything else runs as at test time. Images
    are shuffled first, so that a batch of a video is not one scene.

    Returns:
        the folder of the new run; "adapted" in its run.json says from what, and how many layers.

    Raises:
        NetworkError: the network has no batch norm with running statistics.
        UserError: the run or the domain cannot be used.
    """
    device = pick_device(config.device)
    loaded = load_task_network(config.run, device, config.allow_import)
    layers = batch_norm_layers(loaded.network)
    return re_estimated(config, open_images(config), loaded, layers, loaded.network, device)


@dataclass(frozen=True)
class Images:
    """What statistics are estimated on: a domain, its plain view, and (height, width) of that."""

    source: Source
    plan: ViewPlan
    size: Size


def open_images(config: BatchNormAdaptation) -> Images:
    """Open the domain that `config` names.

    Raises:
        UserError: it cannot be used, or the batches would be of single images.
    """
    if config.batch < 2:
        raise RunError(f"--batch {config.batch}: statistics need batches of at least 2 images")
    source = Source(config.domain, open_domain(config.domain, skip_bad=config.skip_bad))
    plan = ViewPlan(resize=config.resize, crop=config.crop)
    return Images(source, plan, one_size([source], plan))


def re_estimated(
    config: BatchNormAdaptation,
    images: Images,
    loaded: LoadedNetwork,
    layers: list[_BatchNorm],
    forward: Callable[[Tensor], Any],
    device: torch.device,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Make the run of `loaded` anew, with the statistics of `layers` estimated on `images`.

    Args:
        layers: of its network.
        forward: what images (N, 3, h, w) go through, these layers among it.
        more: what the result depends on besides, for run.json.

    Returns:
        the folder of the new run.

    Raises:
        NetworkError: there is no layer.
    """
    check_out_apart(config.out, [config.run], RunError)
    source = images.source
    if not layers:
        raise NetworkError(
            f"{config.run}: {loaded.run.info['network']['name']} has no batch norm with running "
            "statistics: there is nothing to adapt"
        )
    described = {
        "run": str(config.run),
        "run_weights_sha256": loaded.run.info["weights"]["sha256"],
        "domain": config.domain,
        "digest": source.domain.digest(),
        "batch": config.batch,
        "resize": config.resize,
        "crop": config.crop,
        "device": device.type,
        "threads": torch_threads(),
        **more,
    }
    with exclusive(config.out):
        run = create_run(
            config.out, KIND, described, overwrite=config.overwrite, resume=config.resume
        )
        if run.complete:
            return run.path
        views = Views([source.domain], None, images.plan, needs_clean=False, memory=0)
        estimate(forward, layers, views, config.batch, device)
        kept = ("training_size", "training_focal", "domains", "imported")
        spec = NetworkSpec.from_dict(loaded.run.info["network"])
        run.finish(
            loaded.network.state_dict(),
            **{key: loaded.run.info[key] for key in kept if key in loaded.run.info},
            **network_keys(loaded.network, spec, loaded.task, loaded.space),
            scores={},
            adapted={
                "run": str(config.run),
                "network_sha256": loaded.run.info["network_sha256"],
                "domain": source.described(config.resize),
                "layers": len(layers),
                **more,
            },
        )
    return run.path


def batch_norm_layers(network: nn.Module) -> list[_BatchNorm]:
    """The layers that normalise by running statistics at test time."""
    return [
        module
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]


def estimate(
    forward: Callable[[Tensor], Any],
    layers: list[_BatchNorm],
    views: Views,
    batch: int,
    device: torch.device,
) -> None:
    """Replace the running statistics of `layers` by averages over the images of `views`."""
    count = len(views.domains[0])
    shuffled = np.random.default_rng(0).permutation(count)
    # Parts of nearly one size: a short last batch would weigh as much as a whole one.
    parts = np.array_split(shuffled, -(-count // batch))
    draws = [[Draw(0, int(image), view=0) for image in part] for part in parts]
    with (
        cumulative(layers),
        torch.inference_mode(),
        closing(ahead(views.batch, draws)) as batches,
        progress("adapt batch norm", count, "images") as advance,
    ):
        for made in batches:
            forward(made.image.to(device))
            advance(len(made.image))


@contextmanager
def cumulative(layers: list[_BatchNorm]) -> Iterator[None]:
    """Within it `layers` forget their statistics and gather the plain average of new ones."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's way to ask for the plain average
        layer.train()
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.eval()
