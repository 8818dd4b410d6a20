"""The contract that every task keeps: what is trained, written, measured and shown."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from atdt.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from atdt.domains import LabelSpace

Record = dict[str, np.ndarray]  # statistics of one image
Stack = dict[str, np.ndarray]  # the same of N images: each array has one more, leading, axis


@dataclass(frozen=True)
class Metric:
    """How one figure is called and read.

    Attributes:
        key: its name in `Task.summarise` and in metrics.json, such as "focal/abs_rel".
        title: its column in a table, such as "abs rel".
        better: "higher" or "lower".
        digits: digits behind the point, after the multiplication by 100 of a percentage.
        percent: a fraction that tables show in per cent.
        way: what was done to predictions before they were measured ("" for nothing): a row of its
            own in tables.
        factor: the keyword of `measure` whose value the way was done with ("" for none).
        plain: the key of an oracle that this is compared with, where not the same: an oracle
            knows the camera and needs no focal ratio.
        diagnostic: why the figure is no claim ("" where it is one), such as a fit on B's labels.
        detail: shown in a second table (the IoU of each class).
    """

    key: str
    title: str
    better: str
    digits: int = 3
    percent: bool = False
    way: str = ""
    factor: str = ""
    plain: str = ""
    diagnostic: str = ""
    detail: bool = False

    @property
    def higher_is_better(self) -> bool:
        return self.better == "higher"


class Task(ABC):
    """A task. Shapes: N images, C channels of the decoder, h × w pixels of the view.

    A record of `measure` always holds "pixels" (int64, no shape): how many pixels of truth were
    valid. Figures are per image or counts, so that `scores` can weigh images at will.
    """

    name: ClassVar[str]
    label: ClassVar[str | None]
    """Kind of label it learns from; None: the target is made from the image."""
    suffix: ClassVar[str]
    """Of a prediction's file."""
    unit: ClassVar[str] = ""
    """What a number of a prediction is."""
    headline: ClassVar[str]
    """The key of `summarise` that choices are made by."""
    higher_is_better: ClassVar[bool]
    """Of the headline."""
    ways: ClassVar[tuple[str, ...]] = ()
    """Keywords that `measure` takes besides."""

    @abstractmethod
    def channels(self, space: "LabelSpace") -> int:
        """Channels C that the decoder puts out."""

    @abstractmethod
    def target(self, image: "Tensor | None", label: "Tensor | None") -> "Tensor":
        """What `loss` compares with.

        Args:
            image: (N, 3, h, w) float32 RGB in [0, 1], before the photometric draw; may be None for
                tasks that have a label.
            label: semantic (N, h, w) ids | depth (N, h, w) float32 metres, 0 none | normals
                (N, 3, h, w) float32 unit vectors, 0 none; None for tasks without a label.
        """

    @abstractmethod
    def valid(self, target: "Tensor", channels: int) -> "Tensor":
        """Which pixels `loss` is a mean over, (N, h, w) bool.

        Args:
            target: of `target`.
            channels: of the output that it is compared with.
        """

    @abstractmethod
    def loss(self, output: "Tensor", target: "Tensor", weight: "Tensor | None" = None) -> "Tensor":
        """Mean over the valid pixels of the whole batch, a scalar; exactly 0, with a gradient of
        0, where no pixel is valid or all have weight 0.

        Args:
            output: (N, C, h, w) float32.
            target: of `target`.
            weight: (N, h, w) float32 in [0, 1]: how much each pixel counts in the mean; None: all
                the same.
        """

    @abstractmethod
    def predict(self, output: "Tensor") -> "Tensor":
        """Predictions in the units of the labels, from a decoder's output (N, C, h, w)."""

    def as_input(self, output: "Tensor") -> "Tensor":
        """A decoder's output (N, C, h, w) float32 as the input of a network that reads it, of the
        same shape; without what the camera alone decides, such as the scale of depth."""
        return output

    def disagreement(self, guess: "Tensor", target: "Tensor") -> "Tensor":
        """How far a cross-task network's `guess`, (N, C, h, w) float32, is from each pixel of a
        `target` of this task: (N, h, w), NaN where there is no truth. What the camera alone decides
        does not count; see docs/consistency.md. A task without it is learnt by no such network."""
        raise NotImplementedError

    @abstractmethod
    def write(self, path: Path, prediction: np.ndarray) -> Path:
        """Write the prediction of one image to `path` + `suffix`, atomically; return that path."""

    @abstractmethod
    def read(self, path: Path) -> np.ndarray:
        """Read what `write` wrote.

        Raises:
            UserError: the file is absent or cannot be a prediction of this task.
        """

    @abstractmethod
    def measure(
        self, prediction: np.ndarray, truth: np.ndarray, space: "LabelSpace", **ways: float
    ) -> Record:
        """Statistics of one image, from a prediction and a truth of the same height and width.

        Raises:
            UserError: the prediction holds what no prediction can be.
        """

    @abstractmethod
    def metrics(self, space: "LabelSpace") -> tuple[Metric, ...]:
        """Every figure that `scores` can give, in the order of tables."""

    @abstractmethod
    def scores(self, stack: Stack, weights: np.ndarray, space: "LabelSpace") -> Stack:
        """The figures of R weighted sets of the same N images.

        Args:
            stack: records of the N images, see `stack_records`.
            weights: (R, N) float64, how often each image counts: ones for the set itself, counts
                of a resample for a bootstrap.

        Returns:
            for each key (R,) float64, NaN where a figure is undefined.
        """

    @abstractmethod
    def colour(self, values: np.ndarray, space: "LabelSpace") -> np.ndarray:
        """A prediction or truth of one image as a picture, uint8 (h, w, 3)."""

    def confidence(self, output: "Tensor") -> "Tensor | None":
        """How sure a decoder's output (N, C, h, w) is of its prediction: (N, h, w) in [0, 1]; None
        for a task whose outputs do not say."""
        del output
        return None

    def agreement(self, one: np.ndarray, other: np.ndarray) -> np.ndarray | None:
        """How far two predictions of one image agree: float32 (h, w) from 0 to 1, the same; None
        for a task that has no such measure of a pixel. Both as `read` gives them."""
        del one, other
        return None

    def output_of(self, prediction: np.ndarray) -> np.ndarray:
        """The decoder's output (C, h, w) that a prediction of one image was made from.

        Raises:
            UserError: a prediction does not say.
        """
        raise UserError(
            f"predictions of {self.name} do not tell what the decoder put out; predict again with "
            "--save-logits"
        )

    def fit(self, records: Sequence[Record]) -> dict[str, float]:
        """Ways whose value is fitted on the truth of a whole set: a diagnostic, never a method."""
        del records
        return {}

    def summarise(self, records: Sequence[Record], space: "LabelSpace") -> dict[str, float]:
        """The figures of a set of images; NaN for a class that neither truth nor prediction has.

        Raises:
            UserError: no image has a valid pixel of truth.
        """
        stack = stack_records(records)
        if not stack["pixels"].any():
            raise UserError(f"{self.name}: none of {len(records)} images has a pixel of truth")
        scores = self.scores(stack, np.ones((1, len(records))), space)
        return {key: float(values[0]) for key, values in scores.items()}


def mean_over_pixels(losses: "Tensor", valid: "Tensor", weight: "Tensor | None") -> "Tensor":
    """The mean of `Task.loss`, from a loss of each pixel.

    Args:
        losses: (N, h, w), 0 where not valid.
        valid: (N, h, w) bool.
        weight: see `Task.loss`.
    """
    summed = losses.sum() if weight is None else (weight * losses).sum()
    return summed / counted(valid, weight).clamp(min=1)


def counted(valid: "Tensor", weight: "Tensor | None" = None) -> "Tensor":
    """How much `Task.loss` is a mean over, a scalar, from `Task.valid` and its weight."""
    return valid.sum() if weight is None else (weight * valid).sum()


def stack_records(records: Sequence[Record]) -> Stack:
    """Records of N images as arrays with a leading axis of N.

    Raises:
        UserError: there is no record at all.
    """
    if not records:
        raise UserError("there is no image to measure")
    return {key: np.stack([record[key] for record in records]) for key in records[0]}


def mean_over_images(values: np.ndarray, measured: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of one figure an image, over the images that could be measured.

    Args:
        values: (N,) one figure of each image; ignored where not measured.
        measured: (N,) bool.
        weights: (R, N).

    Returns:
        (R,) float64, NaN where the weights leave no measured image.
    """
    counted = weights[:, measured]
    total = counted.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return counted @ values[measured] / np.where(total > 0, total, np.nan)
