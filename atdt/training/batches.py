"""Batches: views of images and labels, stacked for a network."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from atdt.domains import Domain, View, ViewPlan
from atdt.training.order import Draw


@dataclass(frozen=True)
class Batch:
    """Some views, stacked.

    Attributes:
        image: (N, 3, h, w) float32 in [0, 1], as the network is to see it.
        clean: the same without the photometric draw, where the task's target is made from it.
        label: semantic (N, h, w) int64 | depth (N, h, w) float32 metres | normals (N, 3, h, w)
            float32; None where the task has no label.
    """

    image: torch.Tensor
    clean: torch.Tensor | None
    label: torch.Tensor | None

    def to(self, device: torch.device, memory_format: torch.memory_format) -> "Batch":
        """The batch on `device`, its images in `memory_format`."""
        return Batch(
            self.image.to(device, memory_format=memory_format, non_blocking=True),
            None if self.clean is None else self.clean.to(device, non_blocking=True),
            None if self.label is None else self.label.to(device, non_blocking=True),
        )


class DecodedImages:
    """Images and labels of some domains, kept decoded as long as they fit; safe for threads.

    Args:
        domains: where they come from.
        kind: kind of the label that goes with an image, or None.
        memory: bytes that may be kept; the first images read fill them, others are read each time.
    """

    def __init__(self, domains: Sequence[Domain], kind: str | None, memory: int):
        self._domains = domains
        self._kind = kind
        self._left = memory
        self._kept: dict[tuple[int, int], tuple[np.ndarray, np.ndarray | None]] = {}
        self._lock = threading.Lock()

    def read(self, domain: int, image: int) -> tuple[np.ndarray, np.ndarray | None]:
        """The image, uint8 (H, W, 3), and its label as `Domain.label` gives it, or None."""
        kept = self._kept.get((domain, image))
        if kept is not None:
            return kept
        source = self._domains[domain]
        pair = source.image(image), self._kind and source.label(image, self._kind)
        size = sum(part.nbytes for part in pair if part is not None)
        with self._lock:
            if size <= self._left and (domain, image) not in self._kept:
                self._left -= size
                self._kept[domain, image] = pair
        return pair


class Views:
    """Makes batches: reads what was drawn, cuts the views and stacks them.

    Args:
        domains: the domains that a draw's `domain` counts.
        kind: kind of the label, or None.
        plan: how a view is cut; it must give all images one size.
        needs_clean: whether the target is made from the image before its photometric draw.
        memory: bytes of decoded images that may be kept.
        paired: every second draw is cut, and mirrored, like the one before it; its colours are its
            own.
    """

    def __init__(
        self,
        domains: Sequence[Domain],
        kind: str | None,
        plan: ViewPlan,
        *,
        needs_clean: bool,
        memory: int,
        paired: bool = False,
    ):
        self.domains = domains
        self._kind = kind
        self._plan = plan
        self._needs_clean = needs_clean
        self._paired = paired
        self._images = DecodedImages(domains, kind, memory)

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """The views that `draws` name, in their order."""
        images, cleans, labels = [], [], []
        for place, draw in enumerate(draws):
            pixels, label = self._images.read(draw.domain, draw.image)
            view = self._view(draw, pixels.shape[:2])
            if self._paired and place % 2:
                like = self._view(draws[place - 1], pixels.shape[:2])
                view = replace(like, colours=view.colours)
            images.append(view.image(pixels))
            if self._needs_clean:
                cleans.append(view.plain().image(pixels))
            if label is not None:
                labels.append(view.label(label, self._kind))
        return Batch(
            torch.from_numpy(np.stack(images)),
            torch.from_numpy(np.stack(cleans)) if cleans else None,
            label_tensor(self._kind, np.stack(labels)) if labels else None,
        )

    def _view(self, draw: Draw, size: tuple[int, int]) -> View:
        # The prefix keeps these draws apart from the ones of a store with the same seed, and two
        # domains whose images share names apart from each other.
        name = f"training:{draw.domain}:{self.domains[draw.domain].samples[draw.image].image}"
        return self._plan.draw(name, draw.view, size)


def label_tensor(kind: str, labels: np.ndarray) -> torch.Tensor:
    """Stacked labels, (N, h, w) or (N, h, w, 3), as the tensors that `Task.target` takes."""
    if kind == "semantic":
        # In NumPy: torch would start threads of its own in each of ours.
        return torch.from_numpy(labels.astype(np.int64))
    if kind == "normals":
        return torch.from_numpy(np.ascontiguousarray(labels.transpose(0, 3, 1, 2)))
    return torch.from_numpy(labels)
