"""Images that a generator made some steps ago, for its discriminator to see again."""

import numpy as np
import torch
from torch import Tensor

CAPACITY = 50  # as published


class History:
    """Keeps `capacity` made images (Shrivastava et al., CVPR 2017, as Zhu et al. use it).

    Until it is full, each new image is kept and shown. Then, every second time, a kept image is
    shown in place of the new one, which is kept in its place.

    Args:
        capacity: images; 0 keeps none.
        seed: of the choices, which are a function of it and the step: the images are all the state.
    """

    def __init__(self, capacity: int, seed: tuple[int, ...]):
        self.images: list[Tensor] = []
        self._capacity = capacity
        self._seed = seed

    def swap(self, step: int, made: Tensor) -> Tensor:
        """What the discriminator is to see at `step` for the (N, 3, h, w) images `made` there."""
        random = np.random.default_rng([*self._seed, step])
        shown = []
        for image in made.detach():
            if len(self.images) < self._capacity:
                self.images.append(image.clone(memory_format=torch.contiguous_format))
            elif self._capacity and random.random() < 0.5:
                place = random.integers(self._capacity)
                kept, self.images[place] = (
                    self.images[place],
                    image.clone(memory_format=torch.contiguous_format),
                )
                image = kept
            shown.append(image)
        return torch.stack(shown)

    def restore(self, images: Tensor | None, device: torch.device) -> None:
        """Take over images (count, 3, h, w), or none."""
        self.images = [] if images is None else list(images.to(device).unbind())
