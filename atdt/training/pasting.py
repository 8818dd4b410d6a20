"""Copy-paste among images with pseudo-labels: classes of one over another, the nearer in front.

ClassMix (Olsson, Tranheden, Pinto, Svensson, WACV 2021) pastes half of the classes of an image.
DBST (Cardace et al., WACV 2022) lets the nearer pixel win. What is ours: images of one batch are
mixed in a circle, so that each is background once and pasted once; depths are compared in metres,
where DBST scales each image's to 0 to 1; classes that are pasted may be any, since a farther one
never covers a nearer one.
"""

import numpy as np
import torch
from torch import Tensor

from atdt.domains.labels import IGNORE

CHANCE = 0.5  # that a class is pasted


def covered(classes: Tensor, depth: Tensor | None, generator: np.random.Generator) -> Tensor:
    """Which pixels of each image the image before it covers, (K, h, w) bool.

    Args:
        classes: (K, h, w) int64 ids; ignored ones are never pasted.
        depth: (K, h, w) metres, 0 where unknown: what is pasted must be known, and nearer than what
            it covers or that unknown. None: all of a class is pasted.
        generator: decides which classes.
    """
    drawn = torch.from_numpy(generator.random((len(classes), IGNORE + 1)) < CHANCE)
    drawn[:, IGNORE] = False
    above = classes.roll(1, dims=0)
    mask = drawn.to(classes.device).gather(1, above.flatten(1)).view_as(above)
    if depth is None:
        return mask
    near = depth.roll(1, dims=0)
    return mask & (near > 0) & ((depth <= 0) | (near < depth))


def paste(values: Tensor, mask: Tensor) -> Tensor:
    """`values` (K, …, h, w) with those of the image before it where `mask` (K, h, w) says so."""
    over = mask if values.dim() == mask.dim() else mask[:, None]
    return torch.where(over, values.roll(1, dims=0), values)
