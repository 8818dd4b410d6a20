"""Edges: a task that needs no labels."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

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

LUMA = (0.299, 0.587, 0.114)  # grey of red, green, blue: ITU-R BT.601
SHOWN_AS_WHITE = 0.5


class Edges(Task):
    """Strength of edges in the grey image, taken before the photometric draw, so that an encoder
    learns to see through it.

    Scale: the Sobel kernels are divided by 4, so that an upright edge between black and white
    has strength 1, and no edge has more than √2. Loss: L1, the mean over all pixels.
    """

    name = "edges"
    label = None
    suffix = ".npy"
    unit = "strength: 1 is an upright edge between black and white"
    headline = "mae"
    higher_is_better = False

    def channels(self, space: "LabelSpace") -> int:
        return 1

    def target(self, image: Tensor | None, label: Tensor | None) -> Tensor:
        """(N, h, w) float32 in [0, √2]; the image is continued beyond its border by its border."""
        if image is None:
            raise ValueError("edges need the clean image")
        red, green, blue = image.float().unbind(dim=1)
        grey = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
        wide = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
        # Sums rather than a convolution, which autocast would do in bfloat16.
        smooth_rows = (wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) / 4
        smooth_columns = (wide[:, :, :-2] + 2 * wide[:, :, 1:-1] + wide[:, :, 2:]) / 4
        across = smooth_rows[:, :, 2:] - smooth_rows[:, :, :-2]
        down = smooth_columns[:, 2:] - smooth_columns[:, :-2]
        return torch.hypot(across, down)

    def valid(self, target: Tensor, channels: int) -> Tensor:
        """All."""
        return torch.ones_like(target, dtype=torch.bool)

    def loss(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        everywhere = self.valid(target, output.shape[1])
        return mean_over_pixels((output[:, 0] - target).abs(), everywhere, weight)

    def predict(self, output: Tensor) -> Tensor:
        """(N, h, w) float32 strength."""
        return output[:, 0].float()

    def write(self, path: Path, prediction: np.ndarray) -> Path:
        return write_map(with_suffix(path, self.suffix), prediction)

    def read(self, path: Path) -> np.ndarray:
        """Strength (h, w) float32."""
        return read_map(path)

    def measure(self, prediction: np.ndarray, truth: np.ndarray, space: "LabelSpace") -> Record:
        """{"mae": mean absolute error of one image, float64; "pixels": int64}."""
        error = np.abs(prediction.astype(np.float64) - truth).mean() if truth.size else np.nan
        return {"mae": np.float64(error), "pixels": np.int64(truth.size)}

    def metrics(self, space: "LabelSpace") -> tuple[Metric, ...]:
        return (Metric("mae", "MAE", "lower", 4),)

    def scores(self, stack: Stack, weights: np.ndarray, space: "LabelSpace") -> Stack:
        """Means over images, each of the same weight."""
        return {"mae": mean_over_images(stack["mae"], stack["pixels"] > 0, weights)}

    def colour(self, values: np.ndarray, space: "LabelSpace") -> np.ndarray:
        """Grey, white from a strength of 0.5."""
        grey = np.rint(np.clip(values / SHOWN_AS_WHITE, 0, 1) * 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)


TASK = Edges()
