"""Disparity of unknown scale and shift: what monocular networks that were trained on many data sets
give (Ranftl, Lasinger, Hafner, Schindler, Koltun, "Towards Robust Monocular Depth Estimation",
TPAMI 2020), so that any of them can label both domains.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from atdt.tasks.base import Metric, Record, Stack, Task, mean_over_images
from atdt.tasks.depth import FARTHEST, FITTED_EACH, NEAREST
from atdt.tasks.files import read_map, with_suffix, write_map

if TYPE_CHECKING:
    from atdt.domains import LabelSpace

SMALLEST = 1e-6  # of a spread: a map without one has no shape to compare
SHOWN = 2, 98  # per cent of the values between which pictures are coloured


class Disparity(Task):
    """One linear channel: inverse depth up to a scale and a shift of each image, near is large.

    It learns from labels of depth (inverted), of whatever scale. Loss: mean absolute difference
    after both maps are brought to median 0 and mean absolute deviation 1 over the valid pixels of
    their image (Ranftl et al., Eqs. 5 and 6); all valid pixels of the batch weigh the same.
    """

    name = "disparity"
    label = "depth"
    suffix = ".npy"
    unit = "inverse depth of any scale and shift, near is large"
    headline = "ssi"
    higher_is_better = False

    def channels(self, space: "LabelSpace") -> int:
        return 1

    def target(self, image: Tensor | None, label: Tensor | None) -> Tensor:
        """(N, h, w) float32, 1 / depth; 0 where the loss looks away."""
        if label is None:
            raise ValueError("disparity needs labels of depth")
        depth = label.float()
        there = depth > 0
        return torch.where(there, 1 / torch.where(there, depth, 1.0), 0.0)

    def valid(self, target: Tensor, channels: int) -> Tensor:
        return target > 0

    def loss(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        valid = self.valid(target, output.shape[1])
        counted = valid if weight is None else weight * valid
        total = output.float().sum() * 0.0
        maps = zip(output[:, 0].float(), target, valid, counted, strict=True)
        for guess, truth, there, count in maps:
            if there.any():
                difference = _standard(guess[there]) - _standard(truth[there])
                total = total + (count[there] * difference.abs()).sum()
        return total / counted.sum().clamp(min=1)

    def as_input(self, output: Tensor) -> Tensor:
        """Of mean 0 and mean absolute deviation 1 over the image: scale and shift say nothing."""
        centred = output - output.mean(dim=(1, 2, 3), keepdim=True)
        return centred / centred.abs().mean(dim=(1, 2, 3), keepdim=True).clamp(min=SMALLEST)

    def predict(self, output: Tensor) -> Tensor:
        """(N, h, w) float32, of any scale and shift."""
        return output[:, 0].float()

    def write(self, path: Path, prediction: np.ndarray) -> Path:
        return write_map(with_suffix(path, self.suffix), prediction)

    def read(self, path: Path) -> np.ndarray:
        """(h, w) float32, of any scale and shift."""
        return read_map(path)

    def measure(
        self, prediction: np.ndarray, truth: np.ndarray, space: "LabelSpace", **ways: float
    ) -> Record:
        """Errors of one image; NaN without a valid pixel.

        Args:
            prediction: (h, w) of any scale and shift.
            truth: (h, w) metres; valid where 0.001 < truth < 100, strictly.

        Returns:
            float64 without shape: "ssi" (the loss), and "aligned/abs_rel" and "aligned/delta1" of
            depth, after the prediction was fitted to the truth's inverse by least squares and
            clamped to [0.001, 100] m; "pixels" (int64).
        """
        valid = (truth > NEAREST) & (truth < FARTHEST)
        metres, guess = truth[valid].astype(np.float64), prediction[valid].astype(np.float64)
        figures = dict.fromkeys(("ssi", "aligned/abs_rel", "aligned/delta1"), np.nan)
        if metres.size:
            both = (torch.from_numpy(guess), torch.from_numpy(1 / metres))
            mine, theirs = map(_standard, both)
            depth = 1 / np.clip(_aligned(guess, 1 / metres), 1 / FARTHEST, 1 / NEAREST)
            figures = {
                "ssi": (mine - theirs).abs().mean().item(),
                "aligned/abs_rel": np.mean(np.abs(depth - metres) / metres),
                "aligned/delta1": np.mean(np.maximum(depth / metres, metres / depth) < 1.25),
            }
        record = {key: np.float64(value) for key, value in figures.items()}
        return record | {"pixels": np.int64(metres.size)}

    def metrics(self, space: "LabelSpace") -> tuple[Metric, ...]:
        fitted = {"way": "aligned", "diagnostic": FITTED_EACH}
        return (
            Metric("ssi", "scale- and shift-free error", "lower"),
            Metric("aligned/abs_rel", "abs rel", "lower", **fitted),
            Metric("aligned/delta1", "δ1", "higher", **fitted),
        )

    def scores(self, stack: Stack, weights: np.ndarray, space: "LabelSpace") -> Stack:
        """Means over images, each of the same weight; images without a valid pixel are left out."""
        measured = stack["pixels"] > 0
        return {
            metric.key: mean_over_images(stack[metric.key], measured, weights)
            for metric in self.metrics(space)
        }

    def colour(self, values: np.ndarray, space: "LabelSpace") -> np.ndarray:
        """Near is bright, between the image's own 2nd and 98th per cent."""
        from matplotlib import colormaps

        low, high = np.percentile(values, SHOWN)
        closeness = np.clip((values - low) / max(high - low, SMALLEST), 0, 1)
        return colormaps["magma"](0.1 + 0.9 * closeness, bytes=True)[..., :3]


def _standard(values: Tensor) -> Tensor:
    """(P,) brought to median 0 and mean absolute deviation 1; 0 where all are the same."""
    centred = values - values.median()
    return centred / centred.abs().mean().clamp(min=SMALLEST)


def _aligned(guess: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Scale and shift of `guess` (P,) that fit `wanted` best in least squares."""
    columns = np.stack([guess, np.ones_like(guess)], axis=1)
    factors, *_ = np.linalg.lstsq(columns, wanted, rcond=None)
    return columns @ factors


TASK = Disparity()
