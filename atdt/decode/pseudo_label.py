"""`atdt pseudo-label`: labels by any model of the user's, as predictions to learn from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atdt.decode.folder import PredictionsWriter
from atdt.decode.header import header_of_labels
from atdt.domains import Domain, open_domain
from atdt.errors import UserError
from atdt.npy import write_npy
from atdt.plugins import load_function
from atdt.predictions import LOGITS, PREDICTIONS
from atdt.tasks import get_task
from atdt.tasks.files import with_suffix

TASKS = ("disparity", "depth", "semantic")

Labeller = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class PseudoLabelling:
    """What labels which images.

    Attributes:
        model: "package.module:function"; the function gets an image, uint8 (H, W, 3), and returns
            its label (H, W): for "disparity" of any scale and shift, near is large; for "depth"
            metres, 0 where there is none; for "semantic" ids of the domain's label space or, with
            `save_logits`, one number for each class and pixel, (C, H, W).
        domain: PATH[:SPLIT][@N].
        out: the predictions folder.
        task: one of `TASKS`.
        save_logits: keep logits too, for `atdt merge` and for confidence; of depth they follow from
            metres.
        allow_import: import the model, which runs its code.
        resume, overwrite: go on with, or replace, what is in `out`.

    Raises:
        UserError: an unknown task, or one without logits.
    """

    model: str
    domain: str
    out: Path
    task: str = "disparity"
    save_logits: bool = False
    allow_import: bool = False
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise UserError(f"--task {self.task}: choose one of {', '.join(TASKS)}")
        if self.save_logits and self.task == "disparity":
            raise UserError("--save-logits: disparity of unknown scale cannot be merged")


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

    def labelled(index: int, image: str) -> dict[str, Path]:
        pixels = domain.image(index)
        made, logits = _checked(label(pixels), pixels.shape[:2], config, domain, image)
        written = {PREDICTIONS: task.write(writer.path(PREDICTIONS, image), made)}
        if logits is not None:
            path = with_suffix(writer.path(LOGITS, image), ".npy")
            written[LOGITS] = write_npy(path, logits)
        return written

    with PredictionsWriter(
        config.out,
        header_of_labels(
            task,
            domain,
            {"kind": "model", "model": config.model},
            arrays={LOGITS: "float16"} if config.save_logits else {},
        ),
        [sample.image for sample in domain.samples],
        [PREDICTIONS, LOGITS] if config.save_logits else [PREDICTIONS],
        resume=config.resume,
        overwrite=config.overwrite,
    ) as writer:
        writer.write_each(f"label {domain.name}:{domain.split}", labelled)
    return config.out


def _checked(
    made: Any, size: tuple[int, int], config: PseudoLabelling, domain: Domain, image: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """What a model returned, as an array of the task's own type, and the logits that are kept."""
    array = np.asarray(made)
    called = f"{image}: model {config.model!r} returned"
    classes = len(domain.label_space.classes)
    has_channels = config.save_logits and config.task == "semantic"
    said = (classes, *size) if has_channels else size
    if array.shape != said or array.dtype.kind not in "fiu":
        axes = "(class, height, width)" if has_channels else "(height, width)"
        raise UserError(f"{called} {array.dtype} {array.shape}, not numbers {said} {axes}")
    if not np.isfinite(array).all():
        raise UserError(f"{called} NaN or infinity")
    if has_channels:
        if np.abs(array).max() > np.finfo(np.float16).max:
            raise UserError(f"{called} logits that float16 does not hold; scale them down")
        return array.argmax(axis=0).astype(np.uint8), array.astype(np.float16)
    if config.task == "semantic":
        if array.dtype.kind == "f" or array.min() < 0 or array.max() >= classes:
            raise UserError(f"{called} {array.min()} to {array.max()}, not ids 0 to {classes - 1}")
        return array.astype(np.uint8), None
    if config.task == "depth" and array.min() < 0:
        raise UserError(f"{called} {array.min():g} m; depth is 0 where there is none, or above")
    array = array.astype(np.float32)
    if not config.save_logits:
        return array, None
    return array, get_task(config.task).output_of(array).astype(np.float16)
