"""The images that a file is checked and timed on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from atdt.domains import open_domain
from atdt.errors import DomainError

COUNT = 4
Size = tuple[int, int]


@dataclass(frozen=True)
class Samples:
    """Images (N, 3, H, W) uint8, and where they are from."""

    images: Tensor
    origin: str

    @property
    def size(self) -> Size:
        """(height, width)."""
        height, width = self.images.shape[-2:]
        return height, width

    def batches(self, batch: int | None, dtype: str, device: torch.device) -> list[Tensor]:
        """All of the images, as a file takes them.

        Args:
            batch: images at a time; the first ones come again to fill the last batch. Any number
                goes when None: then the last batch is of one image.
            dtype: "uint8", or "float32" in [0, 1].
        """
        images = self.images.to(device)
        if dtype == "float32":
            images = images.float() / 255
        if batch is None:
            return [part for part in (images[1:], images[:1]) if len(part)]
        count = -(-len(images) // batch) * batch
        return list(images[torch.arange(count, device=device) % len(images)].split(batch))


def random_samples(size: Size) -> Samples:
    """Images of noise, the same every time."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (COUNT, 3, *size), dtype=torch.uint8, generator=generator)
    return Samples(images, "random images")


def domain_samples(spec: str, size: Size | None) -> Samples:
    """The first images of a domain, as they are.

    Args:
        size: (height, width) that they must have; that of the first when None.

    Raises:
        DomainError: the domain cannot be used, or an image has another size.
    """
    domain = open_domain(spec)
    size = size or domain.image_size(0)
    images = []
    for index in range(min(COUNT, len(domain))):
        found = domain.image_size(index)
        if found != size:
            sample = domain.samples[index]
            raise DomainError(
                f"{domain.list_path}:{sample.line}: {sample.image} is {found[0]}x{found[1]}, but "
                f"the file takes {size[0]}x{size[1]}; give --on images of that size"
            )
        images.append(domain.image(index).transpose(2, 0, 1))
    return Samples(torch.from_numpy(np.stack(images)), f"images of {domain.name}:{domain.split}")
