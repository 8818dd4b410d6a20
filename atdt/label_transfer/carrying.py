"""`atdt transfer-labels`: T2's labels of a domain from its labels of T1."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from atdt.decode.ground_depth import one_focal
from atdt.decode.header import header, run_info
from atdt.decode.making import make_predictions
from atdt.decode.pipeline import Predictor
from atdt.decode.sources import READERS, Batch, Known, open_batches
from atdt.domains import Domain, ViewPlan, open_domain
from atdt.label_transfer.config import LabelPrediction
from atdt.label_transfer.load import (
    KIND,
    LoadedLabelNetwork,
    camera_of,
    load_label_network,
)
from atdt.label_transfer.network import output_of
from atdt.label_transfer.samples import LabelViews
from atdt.runs import open_run
from atdt.training.order import Draw

Say = Callable[[str], Any]

# What of two cameras may differ by how much without a word.
ALIKE = {
    "focal_share": ("focal length ÷ width", 0.01),
    "height": ("height in metres", 0.05),
    "pitch": ("pitch in degrees", 0.5),
}


def transfer_labels(config: LabelPrediction, say: Say = lambda line: None) -> Path:
    """Give every image of a domain labels of T2, by a label network that reads those of T1.

    Where T2 is depth and the network reads depth of the ground, that stays as it is.

    Args:
        say: called with each line that a user should see.

    Returns:
        the predictions folder, `config.out`, which `train-task --pseudo` and `distill` learn from.

    Raises:
        RunError: the run holds no finished label network.
        DomainError: the domain has no labels of T1, or its camera is not known as far as needed.
        MismatchError: other classes.
        NumericsError: the network's output is not finite.
        UserError: an option, or what is in `config.out` already.
    """
    _tell_of_camera(config, say)
    return make_predictions(config, prepare, say)


class LabelSource:
    """Labels of T1 as a label network reads them, (N, C, h, w) float32."""

    def __init__(self, views: LabelViews, batches: tuple[Batch, ...] = ()):
        self._views = views
        self.batches = batches

    def read(self, batch: Batch) -> np.ndarray:
        with ThreadPoolExecutor(READERS) as pool:
            return np.concatenate(list(pool.map(self._channels, batch.indices)))

    def _channels(self, index: int) -> np.ndarray:
        return self._views.batch([Draw(0, index, 0)]).image.numpy()


def prepare(config: LabelPrediction, device: torch.device, known: Known | None = None) -> Predictor:
    """What predicts; see `atdt.decode.making.Prepare`."""
    loaded = load_label_network(config.run, device)
    reading = loaded.reading
    domain, batches, known = open_batches(
        config.domain, config, known, ViewPlan(), (reading.source,)
    )
    loaded.check_labels(domain.label_space, domain.path)
    reading.check(domain)
    views = LabelViews([domain], reading, None, ViewPlan(resize=loaded.resize))
    method = {
        "kind": "label-transfer",
        "network": run_info(loaded.run),
        "training_focal": _focal_of_depth(loaded, domain),
    }
    head = header(
        loaded.task,
        loaded.space,
        domain.to_dict(),
        ViewPlan().to_dict(),
        method,
        config,
        device,
        skipped=domain.skipped,
    )

    def compute(channels: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        output = output_of(loaded.network, channels, bool(reading.ground))
        if output.shape[-2:] != size:
            output = interpolate(output, size, mode="bilinear", align_corners=False)
        return output, channels

    return Predictor(LabelSource(views, batches), compute, loaded.task, head, known)


def _focal_of_depth(loaded: LoadedLabelNetwork, domain: Domain) -> float | None:
    """In pixels of the domain's images, the focal length of the camera whose depth is said: that
    of the images where it follows from their ground, else that which was learnt under."""
    if loaded.reading.ground:
        return one_focal(domain)
    learnt = loaded.run.info.get("camera", {})
    if loaded.resize is None:
        return learnt.get("focal")
    share = learnt.get("focal_share")  # all images are brought to one width
    return None if share is None else share * domain.image_size(0)[1]


def _tell_of_camera(config: LabelPrediction, say: Say) -> None:
    """Say where depth is to follow from positions under another camera than they were learnt."""
    learnt = open_run(config.run, KIND).info
    if learnt.get("source") == "depth" or learnt.get("task") != "depth":
        return
    domain = open_domain(config.domain, skip_bad=config.skip_bad)
    here, there = camera_of(domain), learnt.get("camera", {})
    differs = [
        f"{title} {there[key]:.3g}, here {here[key]:.3g}"
        for key, (title, most) in ALIKE.items()
        if None not in (here[key], there.get(key)) and abs(here[key] - there[key]) > most
    ]
    if differs:
        said = "; ".join(differs)
        say(f"learnt under another camera ({said}): bring A under B's first (atdt match-camera)")
