"""Predictions with a confidence of each pixel: what teaches a student."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atdt.copies import copy_file
from atdt.decode.folder import PredictionsWriter, identity
from atdt.digests import sha256_file
from atdt.domains.encodings import write_png
from atdt.domains.pictures import read_numbers
from atdt.errors import MismatchError, RunError
from atdt.predictions import (
    CONFIDENCE,
    INDEX,
    LOGITS,
    PREDICTIONS,
    Predictions,
    open_predictions,
)
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.tasks.files import with_suffix

SAME = ("task", "label_space", "domain", "view")  # of a teacher and its witnesses


def trusted(teacher: Path, witnesses: Sequence[Path], out: Path) -> Path:
    """Copy predictions, and find out how far each pixel is to be trusted.

    The confidence is what the teacher's own output says (the probability of the likeliest class),
    where the task's outputs say anything and logits were kept, times the mean agreement with the
    witnesses, where there are any; in steps of 1/255.

    Args:
        teacher: predictions folder.
        witnesses: predictions of the same images by others.
        out: the new predictions folder; gone on with where it was begun.

    Returns:
        `out`.

    Raises:
        MismatchError: a witness is of another task, label space, view or other images; or what is
            in `out` was made from other folders.
        UserError: a folder or a file of it cannot be read.
    """
    first, *others = (open_predictions(folder) for folder in (teacher, *witnesses))
    task = get_task(first.task)
    check_witnesses(first, others)
    parts, head = [PREDICTIONS, CONFIDENCE], _header(first, others)

    def sure_of(_: int, image: str) -> dict[str, Path]:
        source = first.path(image)
        copied = with_suffix(writer.path(PREDICTIONS, image), source.suffix)
        copy_file(source, copied)
        sure = with_suffix(writer.path(CONFIDENCE, image), ".png")
        confidence = _confidence(first, others, image, task)
        write_png(sure, np.rint(255 * confidence).astype(np.uint8))
        return {PREDICTIONS: copied, CONFIDENCE: sure}

    with PredictionsWriter(out, head, first.images, parts, resume=True) as writer:
        writer.write_each("how sure are they", sure_of)
    return out


def refuse_untrusted(folder: Path, trust: str | float) -> None:
    """Prove that a pixel of predictions counts: a student of none learns from A alone.

    Args:
        folder: what `trusted` made; read until such a pixel is found, in most of the first image.
        trust: see `atdt.training.Teaching`.

    Raises:
        RunError: none does; names the highest confidence.
    """
    made, highest = open_predictions(folder), 0.0
    least = trust if isinstance(trust, int | float) else 1 / 255
    for image in made.images:
        highest = max(highest, float(read_numbers(made.path(image, CONFIDENCE)).max()) / 255)
        if highest >= least:
            return
    raise RunError(
        f"--trust {trust}: no pixel of {folder} counts, the highest confidence is {highest:.3g}; "
        "give a lower --trust, or --trust all"
    )


def check_witnesses(first: Predictions, others: Sequence[Predictions]) -> None:
    """Prove that predictions can be compared with the first's, image by image.

    Raises:
        MismatchError: another task, label space, domain or view.
        UserError: an image without a prediction.
    """
    for other in others:
        for key in SAME:
            if identity(other.info[key]) != identity(first.info[key]):
                raise MismatchError(
                    f"{other.folder / INDEX}: {key} is another than that of {first.folder}"
                )
        for image in first.images:
            other.path(image)


def says(task: Task) -> bool:
    """Whether an output of the task tells how sure it is."""
    return task.confidence(torch.zeros(1, 1, 1, 1)) is not None


def _confidence(
    first: Predictions, others: Sequence[Predictions], image: str, task: Task
) -> np.ndarray:
    """From 0 to 1, (h, w)."""
    prediction = first.read(image, task)
    confidence = np.ones(prediction.shape[:2], np.float32)
    if says(task) and first.has(LOGITS):
        output = torch.from_numpy(first.output(image))
        confidence = task.confidence(output[None])[0].numpy()
    if others:
        agreements = [task.agreement(prediction, other.read(image, task)) for other in others]
        confidence = confidence * np.mean(agreements, axis=0)
    return confidence


def _header(first: Predictions, others: Sequence[Predictions]) -> dict[str, Any]:
    info = first.info
    folders = [one.folder / INDEX for one in (first, *others)]
    return {
        **{key: info[key] for key in SAME},
        "method": first.method | {"witnesses": [other.method for other in others]},
        "mismatch": sorted({line for one in (first, *others) for line in one.mismatch}),
        "skipped": info.get("skipped", []),
        "suffix": info.get("suffix"),
        "arrays": {},
        "computed": {"from": [sha256_file(index) for index in folders]},
    }
