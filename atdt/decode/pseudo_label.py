"""`atdt pseudo-label`: labels by any model of the user's, as predictions to learn from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atdt.decode.folder import PredictionsWriter
from atdt.domains import Domain, ViewPlan, open_domain
from atdt.errors import UserError
from atdt.plugins import load_function
from atdt.predictions import PREDICTIONS
from atdt.progress import progress
from atdt.tasks import get_task

TASKS = ("disparity", "depth", "semantic")

Labeller = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class PseudoLabelling:
    """What labels which images.

    Attributes:
        model: "package.module:function"; the function gets an image, uint8 (H, W, 3), and returns
            its label (H, W): for "disparity" of any scale and shift, near is large; for "depth"
            metres, 0 where there is none; for "semantic" ids of the domain's label space.
        domain: PATH[:SPLIT][@N].
        out: the predictions folder.
        task: one of `TASKS`.
        allow_import: import the model, which runs its code.
        resume, overwrite: go on with, or replace, what is in `out`.

    Raises:
        UserError: an unknown task.
    """

    model: str
    domain: str
    out: Path
    task: str = "disparity"
    allow_import: bool = False
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise UserError(f"--task {self.task}: choose one of {', '.join(TASKS)}")


def pseudo_label(config: PseudoLabelling) -> Path:
    """Label every image of a domain; gives back the predictions folder.

    `train-task --pseudo SPEC=FOLDER` learns from it. One model labels both domains, or the labels
    would mean other things in A than in B.

    Raises:
        UserError: the model cannot be imported, or returns what is no label of the task; or what is
            in `config.out` already.
        DomainError: an image cannot be used.
    """
    called = f"model {config.model!r}"
    label: Labeller = load_function(config.model, called, allow_import=config.allow_import)
    domain, task = open_domain(config.domain), get_task(config.task)
    images = [sample.image for sample in domain.samples]
    writer = PredictionsWriter(
        config.out,
        _header(config, domain, task.suffix),
        images,
        [PREDICTIONS],
        resume=config.resume,
        overwrite=config.overwrite,
    )
    if writer.complete:
        return config.out
    todo = [index for index, image in enumerate(images) if not writer.is_done(image)]
    with progress(f"label {domain.name}:{domain.split}", len(todo), "images") as advance:
        for index in todo:
            pixels = domain.image(index)
            made = _checked(label(pixels), pixels.shape[:2], config, domain, images[index])
            written = task.write(writer.path(PREDICTIONS, images[index]), made)
            writer.record({images[index]: {PREDICTIONS: written}})
            advance(1)
    writer.finish()
    return config.out


def _checked(
    made: Any, size: tuple[int, int], config: PseudoLabelling, domain: Domain, image: str
) -> np.ndarray:
    """What a model returned, as an array of the task's own type."""
    array = np.asarray(made)
    called = f"{image}: model {config.model!r} returned"
    if array.shape != size or array.dtype.kind not in "fiu":
        raise UserError(f"{called} {array.dtype} {array.shape}, not numbers {size} (height, width)")
    if not np.isfinite(array).all():
        raise UserError(f"{called} NaN or infinity")
    if config.task == "semantic":
        classes = len(domain.label_space.classes)
        if array.dtype.kind == "f" or array.min() < 0 or array.max() >= classes:
            raise UserError(f"{called} {array.min()} to {array.max()}, not ids 0 to {classes - 1}")
        return array.astype(np.uint8)
    if config.task == "depth" and array.min() < 0:
        raise UserError(f"{called} {array.min():g} m; depth is 0 where there is none, or above")
    return array.astype(np.float32)


def _header(config: PseudoLabelling, domain: Domain, suffix: str) -> dict[str, Any]:
    """What predictions.json says, see `atdt.decode.header`."""
    return {
        "task": config.task,
        "label_space": domain.label_space.to_dict(),
        "domain": domain.to_dict(),
        "view": ViewPlan().to_dict(),
        "method": {"kind": "model", "model": config.model},
        "mismatch": [],
        "skipped": [],
        "suffix": suffix,
        "arrays": {},
        "computed": {},
    }
