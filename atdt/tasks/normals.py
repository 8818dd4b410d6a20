"""Surface normals in the camera's frame."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from atdt.domains import encodings
from atdt.errors import UserError
from atdt.tasks.base import (
    Metric,
    Record,
    Stack,
    Task,
    mean_over_images,
    mean_over_pixels,
)
from atdt.tasks.files import with_suffix

if TYPE_CHECKING:
    from atdt.domains import LabelSpace

SHORTEST = 1e-10  # floor of a squared length that is divided by
THERE = 0.5  # a vector of truth shorter than this is none: the file's zero, after rounding
THRESHOLDS = (11.25, 22.5, 30.0)  # degrees


class Normals(Task):
    """Three channels through tanh, then scaled to length 1; truth is unit vectors, 0 where unknown.

    Loss: mean of 1 − cosine over the valid pixels of the batch (AT/DT's released code,
    core/losses.py, which divided by 0 without a valid pixel). One image in NumPy may have its
    three components first or last.
    """

    name = "normals"
    label = "normals"
    suffix = ".png"
    unit = "component of a unit vector in the camera's frame"
    headline = "mean"
    higher_is_better = False

    def channels(self, space: "LabelSpace") -> int:
        return 3

    def target(self, image: Tensor | None, label: Tensor | None) -> Tensor:
        """(N, 3, h, w) float32: unit vectors, exactly 0 where there is none."""
        if label is None:
            raise ValueError("normals need their label")
        label = label.float()
        there = label.norm(dim=1, keepdim=True) > THERE
        return torch.where(there, _unit(label), 0.0)

    def valid(self, target: Tensor, channels: int) -> Tensor:
        return _is_there(target)

    def loss(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        valid, apart = _apart(output, target)
        return mean_over_pixels(torch.where(valid, apart, 0.0), valid, weight)

    def as_input(self, output: Tensor) -> Tensor:
        """Unit vectors."""
        return _unit(torch.tanh(output))

    def disagreement(self, guess: Tensor, target: Tensor) -> Tensor:
        """1 − cosine."""
        return torch.where(*_apart(guess, target), torch.nan)

    def agreement(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The cosine of the angle between them, 0 beyond a right angle."""
        cosine = (components_last(one) * components_last(other)).sum(axis=2)
        return cosine.clip(0, 1).astype(np.float32)

    def predict(self, output: Tensor) -> Tensor:
        """(N, 3, h, w) float32 unit vectors."""
        return _unit(torch.tanh(output.float()))

    def write(self, path: Path, prediction: np.ndarray) -> Path:
        """Write (3, h, w) or (h, w, 3) as an RGB PNG of 8 bits."""
        return encodings.write_normals(with_suffix(path, self.suffix), components_last(prediction))

    def read(self, path: Path) -> np.ndarray:
        """(h, w, 3) float32; an 8-bit component is within 0.004 of what was written."""
        return encodings.read_normals(path)

    def measure(self, prediction: np.ndarray, truth: np.ndarray, space: "LabelSpace") -> Record:
        """Angles of one image between prediction and truth, in degrees, over the valid pixels.

        Returns:
            float64 without shape, NaN without a valid pixel: "mean", "median", "rmse", and the
            fractions of angles below 11.25°, 22.5° and 30° ("within_11.25" …); "pixels" (int64).
            The six figures of Fouhey, Gupta, Hebert, "Data-Driven 3D Primitives for Single Image
            Understanding", ICCV 2013; here per image.
        """
        guess, true = components_last(prediction), components_last(truth)
        valid = np.linalg.norm(true, axis=2) > THERE
        angles = angles_between(guess[valid], true[valid])
        if not angles.size:
            figures = dict.fromkeys((metric.key for metric in self.metrics(space)), np.nan)
        else:
            figures = {
                "mean": angles.mean(),
                "median": np.median(angles),
                "rmse": np.sqrt(np.mean(angles**2)),
                **{f"within_{limit:g}": np.mean(angles < limit) for limit in THRESHOLDS},
            }
        record = {key: np.float64(value) for key, value in figures.items()}
        return record | {"pixels": np.int64(angles.size)}

    def metrics(self, space: "LabelSpace") -> tuple[Metric, ...]:
        angles = {"mean": "mean °", "median": "median °", "rmse": "RMSE °"}
        return (
            *(Metric(key, title, "lower", 1) for key, title in angles.items()),
            *(
                Metric(f"within_{limit:g}", f"< {limit:g}°", "higher", 1, percent=True)
                for limit in THRESHOLDS
            ),
        )

    def scores(self, stack: Stack, weights: np.ndarray, space: "LabelSpace") -> Stack:
        """Means over images, each of the same weight; images without a valid pixel are left out."""
        measured = stack["pixels"] > 0
        return {
            metric.key: mean_over_images(stack[metric.key], measured, weights)
            for metric in self.metrics(space)
        }

    def colour(self, values: np.ndarray, space: "LabelSpace") -> np.ndarray:
        """Components −1…1 as red, green, blue 0…255; black where there is no normal."""
        vectors = components_last(values)
        there = np.linalg.norm(vectors, axis=2, keepdims=True) > THERE
        picture = np.rint((np.clip(vectors, -1, 1) + 1) * 127.5)
        return np.where(there, picture, 0).astype(np.uint8)


def components_last(vectors: np.ndarray) -> np.ndarray:
    """(3, h, w) or (h, w, 3), given as (h, w, 3).

    Raises:
        UserError: neither, or both (an image 3 pixels high and wide).
    """
    is_map = vectors.ndim == 3
    first = is_map and vectors.shape[0] == 3
    last = is_map and vectors.shape[2] == 3
    if first == last:
        raise UserError(f"normals of shape {vectors.shape}: which axis has the three components?")
    return np.moveaxis(vectors, 0, 2) if first else vectors


def angles_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles in degrees between vectors (P, 3), float64 (P,); a vector of length 0 is at 90°.

    By the half-angle of sum and difference, exact at 0° and 180° where the arccosine is not.
    """
    first, second = (
        vectors / np.sqrt(np.maximum((vectors**2).sum(axis=1, keepdims=True), SHORTEST))
        for vectors in (first.astype(np.float64), second.astype(np.float64))
    )
    apart = np.linalg.norm(first - second, axis=1)
    together = np.linalg.norm(first + second, axis=1)
    return np.degrees(2 * np.arctan2(apart, together))


def _apart(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Which pixels have truth, and 1 − cosine of each, (N, h, w)."""
    cosine = (_unit(torch.tanh(output)) * target).sum(dim=1)
    return _is_there(target), 1 - cosine


def _is_there(target: Tensor) -> Tensor:
    """Which pixels have truth, (N, h, w)."""
    return target.abs().sum(dim=1) > 0


def _unit(vectors: Tensor) -> Tensor:
    squared = vectors.square().sum(dim=1, keepdim=True)
    return vectors * squared.clamp(min=SHORTEST).rsqrt()


TASK = Normals()
