"""Outputs and labels as another camera might have seen them: magnified and shifted."""

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
    generator = np.random.default_rng([seed, step])
    theta = np.zeros((len(output), 2, 3), np.float32)
    magnified = np.exp(generator.uniform(-zoom, zoom, len(output)))
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / magnified
    theta[:, :, 2] = generator.uniform(-2 * shift, 2 * shift, (len(output), 2))  # sides are 2 long
    size = (len(output), 1, *output.shape[-2:])
    grid = affine_grid(torch.from_numpy(theta), size, align_corners=False).to(output.device)
    seen = grid_sample(output, grid, mode="bilinear", padding_mode="border", align_corners=False)
    maps = label.float().reshape(len(label), -1, *label.shape[-2:]) - none  # beyond it is 0
    cut = grid_sample(maps, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return seen, (cut + none).reshape(label.shape).to(label.dtype)
