"""Depth from one image, in metres."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from atdt.domains import encodings
from atdt.domains.depth_files import PREDICTED
from atdt.tasks.base import (
    Metric,
    Record,
    Stack,
    Task,
    mean_over_images,
    mean_over_pixels,
)
from atdt.tasks.files import read_map, with_suffix, write_map

if TYPE_CHECKING:
    from atdt.domains import LabelSpace

UNIT = 100.0  # metres that an output of 1 stands for
PNG_ENCODING = PREDICTED
PNG_RANGE = 1 / 256, 65535 / 256  # metres
NEAREST, FARTHEST = 1e-3, 100.0  # metres; truth is used strictly between, predictions are clamped

# Key, title, what is better: the errors of Eigen, Puhrsch, Fergus, "Depth Map Prediction from a
# Single Image using a Multi-Scale Deep Network", NeurIPS 2014.
SEVEN = (
    ("abs_rel", "abs rel", "lower"),
    ("sq_rel", "sq rel", "lower"),
    ("rmse", "RMSE", "lower"),
    ("rmse_log", "RMSE log", "lower"),
    ("delta1", "δ1", "higher"),
    ("delta2", "δ2", "higher"),
    ("delta3", "δ3", "higher"),
)
FITTED = "the scalar is fitted on this domain's labels"
FITTED_EACH = "the scale of each image is fitted on its labels"


class Depth(Task):
    """One linear channel in units of 100 m; truth is metres, 0 where unknown.

    Loss: L1 on metres/100 over the pixels with 0 < truth <= 100 m, divided by their number: what
    is farther is left out, not clipped (AT/DT's released code, core/losses.py).

    Measured in four ways: raw; × the focal ratio of the cameras; × one scalar fitted on the set;
    scale-free.
    """

    name = "depth"
    label = "depth"
    suffix = ".npy"
    unit = "metres"
    headline = "abs_rel"
    higher_is_better = False
    ways = ("focal_ratio", "scale")

    def channels(self, space: "LabelSpace") -> int:
        return 1

    def target(self, image: Tensor | None, label: Tensor | None) -> Tensor:
        """(N, h, w) float32 in units of 100 m; 0 where the loss looks away."""
        if label is None:
            raise ValueError("depth needs its label")
        metres = label.float()
        return torch.where((metres > 0) & (metres <= UNIT), metres / UNIT, 0.0)

    def valid(self, target: Tensor, channels: int) -> Tensor:
        return target > 0

    def loss(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        valid = self.valid(target, output.shape[1])
        difference = torch.where(valid, output[:, 0] - target, 0.0)
        return mean_over_pixels(difference.abs(), valid, weight)

    def agreement(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The smaller depth over the larger: from 0.8 up, they are within δ1 of each other."""
        near, far = (np.maximum(depth, NEAREST) for depth in (one, other))
        return np.minimum(near, far) / np.maximum(near, far)

    def as_input(self, output: Tensor) -> Tensor:
        """asinh of metres, less its mean over the image: a logarithm beyond a metre, and a line
        through zero, so that outputs below it have a gradient. A camera that magnifies changes the
        mean and nothing else."""
        logs = torch.asinh(output * UNIT)
        return logs - logs.mean(dim=(1, 2, 3), keepdim=True)

    def disagreement(self, guess: Tensor, target: Tensor) -> Tensor:
        """|guess − ln depth|, after the mean of the difference over the image's valid pixels is
        taken off: a guess is a logarithm of unknown scale."""
        valid = self.valid(target, guess.shape[1])
        apart = guess[:, 0] - torch.where(valid, target, 1.0).log()
        apart = torch.where(valid, apart, 0.0)
        count = valid.sum(dim=(1, 2), keepdim=True).clamp(min=1)
        apart = apart - apart.sum(dim=(1, 2), keepdim=True) / count
        return torch.where(valid, apart.abs(), torch.nan)

    def output_of(self, prediction: np.ndarray) -> np.ndarray:
        return prediction[None] / UNIT

    def predict(self, output: Tensor) -> Tensor:
        """(N, h, w) float32 metres, not clamped: below 0 is possible."""
        return output[:, 0].float() * UNIT

    def write(self, path: Path, prediction: np.ndarray) -> Path:
        return write_map(with_suffix(path, self.suffix), prediction)

    def read(self, path: Path) -> np.ndarray:
        """Metres (h, w) float32, from `.npy` or from a PNG in `PNG_ENCODING`."""
        if path.suffix == ".png":
            return encodings.read_depth(path, PNG_ENCODING)
        return read_map(path)

    def measure(
        self,
        prediction: np.ndarray,
        truth: np.ndarray,
        space: "LabelSpace",
        *,
        focal_ratio: float | None = None,
        scale: float | None = None,
    ) -> Record:
        """The seven errors of one image in every way that is asked for; NaN without a valid pixel.

        Args:
            prediction: (h, w) metres.
            truth: (h, w) metres; valid where 0.001 < truth < 100, strictly.
            focal_ratio: focal length of the camera that took the image over that of the training
                camera: an object as large in the image is that many times as far. Gives "focal/…".
            scale: one factor for the whole set, from `fit`. Gives "scalar/…".

        Returns:
            float64 without shape: the errors under their names (raw), "focal/…", "scalar/…",
            "scale_free/silog" (100·√variance of ln prediction − ln truth: the root of Eigen's
            scale-invariant error, eq. 1, in per cent),
            "scale_free/delta1" (after × the image's median of truth / prediction),
            "median_ratio" (that median), and "pixels" (int64).
        """
        valid = (truth > NEAREST) & (truth < FARTHEST)
        metres = truth[valid].astype(np.float64)
        guess = prediction[valid].astype(np.float64)
        positive = np.maximum(guess, NEAREST)
        ratio = float(np.median(metres / positive)) if metres.size else np.nan
        logs = np.log(positive) - np.log(metres)
        scaled = errors(guess * ratio, metres)
        figures = {
            **errors(guess, metres),
            "scale_free/silog": 100 * logs.std() if metres.size else np.nan,
            "scale_free/delta1": scaled["delta1"],
            "median_ratio": ratio,
        }
        for way, factor in (("focal", focal_ratio), ("scalar", scale)):
            if factor is not None:
                scaled = errors(guess * factor, metres)
                figures |= {f"{way}/{key}": value for key, value in scaled.items()}
        record = {key: np.float64(value) for key, value in figures.items()}
        return record | {"pixels": np.int64(metres.size)}

    def fit(self, records: Sequence[Record]) -> dict[str, float]:
        """The one scalar of a set: the median over images of each image's median ratio, so that
        every image weighs the same, as it does in the errors. Empty without a measured image."""
        ratios = [record["median_ratio"] for record in records if record["pixels"]]
        return {"scale": float(np.median(ratios))} if ratios else {}

    def metrics(self, space: "LabelSpace") -> tuple[Metric, ...]:
        focal = {"way": "× focal ratio", "factor": "focal_ratio"}
        scalar = {"way": "× scalar", "factor": "scale", "diagnostic": FITTED}
        return (
            *(Metric(key, title, better) for key, title, better in SEVEN),
            *(Metric(f"focal/{k}", title, better, plain=k, **focal) for k, title, better in SEVEN),
            *(Metric(f"scalar/{key}", title, better, **scalar) for key, title, better in SEVEN),
            Metric("scale_free/delta1", "δ1", "higher", way="scale-free", diagnostic=FITTED_EACH),
            Metric("scale_free/silog", "SILog", "lower", 1, way="scale-free"),
        )

    def scores(self, stack: Stack, weights: np.ndarray, space: "LabelSpace") -> Stack:
        """Means over images, each of the same weight; images without a valid pixel are left out."""
        measured = stack["pixels"] > 0
        return {
            metric.key: mean_over_images(stack[metric.key], measured, weights)
            for metric in self.metrics(space)
            if metric.key in stack
        }

    def colour(self, values: np.ndarray, space: "LabelSpace") -> np.ndarray:
        """Near is bright, on a logarithmic scale from 2 to 100 m; black where there is none."""
        from matplotlib import colormaps

        closeness = 1 - np.log(np.clip(values, 2, FARTHEST) / 2) / np.log(FARTHEST / 2)
        picture = colormaps["magma"](0.1 + 0.9 * closeness, bytes=True)[..., :3]
        return np.where(values[..., None] > 0, picture, 0).astype(np.uint8)


def errors(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The seven errors over (P,) pixels in metres, after the prediction is clamped to
    [0.001, 100]; all NaN without a pixel. Logarithms are natural; δk counts the pixels with
    max(truth / prediction, prediction / truth) < 1.25^k."""
    if not truth.size:
        return dict.fromkeys((key for key, *_ in SEVEN), np.nan)
    guess = np.clip(prediction, NEAREST, FARTHEST)
    difference = guess - truth
    factor = np.maximum(truth / guess, guess / truth)
    return {
        "abs_rel": np.mean(np.abs(difference) / truth),
        "sq_rel": np.mean(difference**2 / truth),
        "rmse": np.sqrt(np.mean(difference**2)),
        "rmse_log": np.sqrt(np.mean(np.log(guess / truth) ** 2)),
        **{f"delta{k}": np.mean(factor < 1.25**k) for k in (1, 2, 3)},
    }


TASK = Depth()
