"""Outputs and labels as another camera might have seen them: magnified and shifted."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


def moved(
    output: Tensor,
    label: Tensor,
    none: float,
    *,
    zoom: float,
    shift: float,
    seed: int,
    step: int,
) -> tuple[Tensor, Tensor]:
    """Draw a magnification and a shift for each sample, from (seed, step).

    Args:
        output: (N, C, h, w) float32; continued beyond its border by its border, and resampled
            bilinearly.
        label: (N, h, w) or (N, K, h, w) of any dtype; resampled to the nearest pixel.
        none: what a label has beyond the border.
        zoom: e^u, u from −zoom to zoom, is the magnification.
        shift: the largest shift, in sides of the image.

    Returns:
        both, of the same shapes and dtypes.
    """
    if not zoom and not shift:
        return output, label
    grid = _grid(output, zoom=zoom, shift=shift, seed=seed, step=step)
    seen = grid_sample(output, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return seen, _cut(label, grid, none)


def moved_labels(
    labels: Sequence[tuple[Tensor, float]],
    *,
    zoom: float,
    shift: float,
    seed: int,
    step: int,
    widen: float = 1.0,
) -> list[Tensor]:
    """The same for labels alone, which move together.

    Args:
        labels: each (N, h, w) or (N, K, h, w), and what it has beyond the border.
        widen: across, they are also magnified by 1/widen to widen: roads are wider or narrower at
            the same distance.
    """
    if not zoom and not shift and widen == 1:
        return [label for label, _ in labels]
    first, _ = labels[0]
    grid = _grid(first, zoom=zoom, shift=shift, seed=seed, step=step, widen=widen)
    return [_cut(label, grid, none) for label, none in labels]


def _grid(
    like: Tensor, *, zoom: float, shift: float, seed: int, step: int, widen: float = 1.0
) -> Tensor:
    """Where each pixel (N, h, w, 2) looks, as `grid_sample` has it."""
    generator = np.random.default_rng([seed, step])
    theta = np.zeros((len(like), 2, 3), np.float32)
    magnified = np.exp(generator.uniform(-zoom, zoom, len(like)))
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / magnified
    theta[:, :, 2] = generator.uniform(-2 * shift, 2 * shift, (len(like), 2))  # sides are 2 long
    theta[:, 0, 0] /= widen ** generator.uniform(-1, 1, len(like))
    size = (len(like), 1, *like.shape[-2:])
    return affine_grid(torch.from_numpy(theta), size, align_corners=False).to(like.device)


def _cut(label: Tensor, grid: Tensor, none: float) -> Tensor:
    maps = label.float().reshape(len(label), -1, *label.shape[-2:]) - none  # beyond it is 0
    cut = grid_sample(maps, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return (cut + none).reshape(label.shape).to(label.dtype)
