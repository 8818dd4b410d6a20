"""Semantic segmentation: a class for every pixel."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from atdt.domains import encodings
from atdt.errors import UserError
from atdt.tasks.base import Metric, Record, Stack, Task, mean_over_pixels
from atdt.tasks.files import with_suffix

if TYPE_CHECKING:
    from atdt.domains import LabelSpace

IGNORED = -100  # what torch's cross-entropy leaves out


class Semantic(Task):
    """Logits of C classes; truth is ids, of which those from C upwards (255 too) are ignored.

    Loss: softmax cross-entropy, summed over the valid pixels of the batch and divided by their
    number (AT/DT's released code, core/losses.py).
    """

    name = "semantic"
    label = "semantic"
    suffix = ".png"
    unit = "id of a class"
    headline = "miou"
    higher_is_better = True

    def channels(self, space: "LabelSpace") -> int:
        return len(space.classes)

    def target(self, image: Tensor | None, label: Tensor | None) -> Tensor:
        """Ids (N, h, w) int64."""
        if label is None:
            raise ValueError("semantic needs its label")
        return label.long()

    def valid(self, target: Tensor, channels: int) -> Tensor:
        return (target >= 0) & (target < channels)

    def loss(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        valid = self.valid(target, output.shape[1])
        ids = target.masked_fill(~valid, IGNORED)
        if weight is None:
            summed = functional.cross_entropy(output, ids, ignore_index=IGNORED, reduction="sum")
            return summed / valid.sum().clamp(min=1)
        losses = functional.cross_entropy(output, ids, ignore_index=IGNORED, reduction="none")
        return mean_over_pixels(losses, valid, weight)

    def confidence(self, output: Tensor) -> Tensor:
        """The probability of the likeliest class."""
        return output.float().softmax(dim=1).amax(dim=1)

    def agreement(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """1 where the classes are the same, else 0."""
        return (one == other).astype(np.float32)

    def as_input(self, output: Tensor) -> Tensor:
        """Probabilities of the classes: logits that differ by a constant say the same."""
        return output.softmax(dim=1)

    def disagreement(self, guess: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats, of logits."""
        valid = self.valid(target, guess.shape[1])
        ids = target.masked_fill(~valid, IGNORED)
        nats = functional.cross_entropy(guess, ids, ignore_index=IGNORED, reduction="none")
        return torch.where(valid, nats, torch.nan)

    def predict(self, output: Tensor) -> Tensor:
        """The likeliest class, (N, h, w) uint8."""
        return output.argmax(dim=1).to(torch.uint8)

    def write(self, path: Path, prediction: np.ndarray) -> Path:
        return encodings.write_png(with_suffix(path, self.suffix), prediction)

    def read(self, path: Path) -> np.ndarray:
        """Ids (h, w) uint8."""
        return encodings.read_png(path)

    def measure(self, prediction: np.ndarray, truth: np.ndarray, space: "LabelSpace") -> Record:
        """{"confusion": int64 (C, C), truth by prediction, over valid pixels; "pixels"}.

        Counted by `np.bincount`: a quarter of the time that torchmetrics' confusion matrix takes
        (0.08 against 0.36 ms at 96×192, 16 against 56 at 1024×2048), with which the tests compare.

        Raises:
            UserError: a predicted id is no class of the label space.
        """
        classes = len(space.classes)
        if prediction.max(initial=0) >= classes:
            raise UserError(
                f"predicted id {prediction.max()} is no class: {space.name} has 0 to {classes - 1}"
            )
        valid = truth < classes
        pairs = truth[valid].astype(np.int64) * classes + prediction[valid]
        confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        return {"confusion": confusion, "pixels": np.int64(pairs.size)}

    def metrics(self, space: "LabelSpace") -> tuple[Metric, ...]:
        """mIoU over the classes present in the truth; the paper's, over those with a non-empty
        union; pixel accuracy; the IoU of each class."""
        figures = {"miou": "mIoU", "miou_paper": "mIoU (paper)", "accuracy": "accuracy"}
        return (
            *(Metric(key, title, "higher", 1, percent=True) for key, title in figures.items()),
            *(
                Metric(f"iou/{name}", name, "higher", 1, percent=True, detail=True)
                for name in space.classes
            ),
        )

    def scores(self, stack: Stack, weights: np.ndarray, space: "LabelSpace") -> Stack:
        """Every figure from one confusion matrix over the whole weighted set, as fractions."""
        counts = stack["confusion"]
        classes = counts.shape[-1]
        confusion = (weights @ counts.reshape(len(counts), -1)).reshape(-1, classes, classes)
        hits = np.diagonal(confusion, axis1=1, axis2=2)
        truths, guesses = confusion.sum(axis=2), confusion.sum(axis=1)
        union = truths + guesses - hits
        iou = _ratio(hits, union)
        per_class = {f"iou/{name}": iou[:, k] for k, name in enumerate(space.classes)}
        return {
            "miou": _mean_where(iou, truths > 0),
            "miou_paper": _mean_where(iou, union > 0),
            "accuracy": _ratio(hits.sum(axis=1), truths.sum(axis=1)),
            **per_class,
        }

    def colour(self, values: np.ndarray, space: "LabelSpace") -> np.ndarray:
        """The label space's colours; black where there is no class."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: len(space.colours)] = space.colours
        return palette[values]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`, NaN where the whole is empty."""
    return part / np.where(whole > 0, whole, np.nan)


def _mean_where(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean over the chosen classes of (R, C) values: (R,), NaN where none is chosen."""
    return _ratio(np.where(chosen, values, 0.0).sum(axis=1), chosen.sum(axis=1))


TASK = Semantic()
