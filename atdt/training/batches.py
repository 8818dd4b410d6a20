"""Batches: views of images and labels, stacked for a network."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from atdt.domains import Domain, View, ViewPlan
from atdt.domains.pose import pose_for
from atdt.predictions import CONFIDENCE
from atdt.training.order import Draw


@dataclass(frozen=True)
class Taught:
    """The views of a batch whose labels are predictions, K of its N.

    Attributes:
        rows: (K,) int64, which of the batch they are.
        weak: (K, 3, h, w), their images as in `Batch.clean`; None where nobody asked for them.
        maps: (K, h, w) each: "confidence" float32 in [0, 1], "semantic" int64 ids and "depth"
            float32 metres of the domain's own; those that were asked for.
    """

    rows: torch.Tensor
    weak: torch.Tensor | None
    maps: dict[str, torch.Tensor]

    def to(self, device: torch.device, memory_format: torch.memory_format) -> "Taught":
        """The same on `device`, images in `memory_format`."""
        return Taught(
            self.rows.to(device, non_blocking=True),
            None
            if self.weak is None
            else self.weak.to(device, memory_format=memory_format, non_blocking=True),
            {name: values.to(device, non_blocking=True) for name, values in self.maps.items()},
        )


@dataclass(frozen=True)
class TaughtViews:
    """What is made of views whose labels are predictions, besides image and label.

    Attributes:
        weak: also the image without its photometric draw.
        maps: see `Taught`.
        photometric: of the image; None: as of all others.
    """

    weak: bool = False
    maps: tuple[str, ...] = ()
    photometric: str | None = None


@dataclass(frozen=True)
class Batch:
    """Some views, stacked.

    Attributes:
        image: (N, 3, h, w) float32 in [0, 1], as the network is to see it.
        clean: the same without the photometric draw, where the task's target is made from it.
        label: semantic (N, h, w) int64 | depth (N, h, w) float32 metres | normals (N, 3, h, w)
            float32; None where the task has no label.
        taught: its views whose labels are predictions, where they are to be told apart.
        weight: (N, h, w) float32, see `Task.loss`; None: all pixels the same.
    """

    image: torch.Tensor
    clean: torch.Tensor | None
    label: torch.Tensor | None
    taught: Taught | None = None
    weight: torch.Tensor | None = None

    def to(self, device: torch.device, memory_format: torch.memory_format) -> "Batch":
        """The batch on `device`, its images in `memory_format`."""
        return Batch(
            self.image.to(device, memory_format=memory_format, non_blocking=True),
            None if self.clean is None else self.clean.to(device, non_blocking=True),
            None if self.label is None else self.label.to(device, non_blocking=True),
            None if self.taught is None else self.taught.to(device, memory_format),
        )


class Decoded(NamedTuple):
    """An image, uint8 (H, W, 3), its label as `Domain.label` gives it, or None, and more maps."""

    image: np.ndarray
    label: np.ndarray | None
    maps: dict[str, np.ndarray]

    @property
    def nbytes(self) -> int:
        """Bytes of all of it."""
        parts = (self.image, self.label, *self.maps.values())
        return sum(part.nbytes for part in parts if part is not None)


class DecodedImages:
    """Images and labels of some domains, kept decoded as long as they fit; safe for threads.

    Args:
        domains: where they come from.
        kind: kind of the label that goes with an image, or None.
        memory: bytes that may be kept; the first images read fill them, others are read each time.
        maps: see `Taught`; of images whose labels are predictions.
    """

    def __init__(
        self,
        domains: Sequence[Domain],
        kind: str | None,
        memory: int,
        maps: Sequence[str] = (),
    ):
        self._domains = domains
        self._kind = kind
        self._left = memory
        self._maps = maps
        self._kept: dict[tuple[int, int], Decoded] = {}
        self._lock = threading.Lock()

    def read(self, domain: int, image: int) -> Decoded:
        """One image with all that goes with it."""
        kept = self._kept.get((domain, image))
        if kept is not None:
            return kept
        source, kind = self._domains[domain], self._kind
        names = self._maps if kind in source.predictions else ()
        made = Decoded(
            source.image(image),
            kind and source.label(image, kind),
            {
                name: source.confidence(image, kind)
                if name == CONFIDENCE
                else source.label(image, name)
                for name in names
            },
        )
        with self._lock:
            if made.nbytes <= self._left and (domain, image) not in self._kept:
                self._left -= made.nbytes
                self._kept[domain, image] = made
        return made


class Views:
    """Makes batches: reads what was drawn, cuts the views and stacks them.

    Args:
        domains: the domains that a draw's `domain` counts.
        kind: kind of the label, or None.
        plan: how a view is cut; it must give all images one size.
        needs_clean: whether the target is made from the image before its photometric draw.
        memory: bytes of decoded images that may be kept.
        taught: what to make of views whose labels are predictions; None: as of all others.
        paired: every second draw is cut, mirrored and stretched like the one before it; its colours
            are its own.
    """

    def __init__(
        self,
        domains: Sequence[Domain],
        kind: str | None,
        plan: ViewPlan,
        *,
        needs_clean: bool,
        memory: int,
        taught: TaughtViews | None = None,
        paired: bool = False,
    ):
        self.domains = domains
        self._kind = kind
        self._plan = plan
        self._needs_clean = needs_clean
        self._paired = paired
        self._taught = taught
        self._taught_plan = plan
        if taught and taught.photometric:
            self._taught_plan = replace(plan, photometric=taught.photometric)
        self._images = DecodedImages(domains, kind, memory, taught.maps if taught else ())

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """The views that `draws` name, in their order."""
        images, cleans, labels = [], [], []
        rows, weak, maps = [], [], []
        for row, draw in enumerate(draws):
            made = self._images.read(draw.domain, draw.image)
            size = made.image.shape[:2]
            view = self._view(draw, size)
            if self._paired and row % 2:
                first = self._view(draws[row - 1], size)
                view = replace(first, colours=view.colours, pose=view.pose)
            images.append(view.image(made.image))
            if self._needs_clean:
                cleans.append(view.plain().image(made.image))
            if made.label is not None:
                labels.append(view.label(made.label, self._kind))
            if self._is_taught(draw):
                rows.append(row)
                maps.append({name: view.label(m, name) for name, m in made.maps.items()})
                if self._taught.weak:
                    weak.append(view.plain().image(made.image))
        return Batch(
            torch.from_numpy(np.stack(images)),
            torch.from_numpy(np.stack(cleans)) if cleans else None,
            label_tensor(self._kind, np.stack(labels)) if labels else None,
            _taught(rows, weak, maps) if rows else None,
        )

    def _is_taught(self, draw: Draw) -> bool:
        return self._taught is not None and self._kind in self.domains[draw.domain].predictions

    def _view(self, draw: Draw, size: tuple[int, int]) -> View:
        # The prefix keeps these draws apart from the ones of a store with the same seed, and two
        # domains whose images share names apart from each other.
        name = f"training:{draw.domain}:{self.domains[draw.domain].samples[draw.image].image}"
        plan = self._taught_plan if self._is_taught(draw) else self._plan
        return plan.draw(
            name, draw.view, size, pose_for(plan, self.domains[draw.domain], draw.image)
        )


def _taught(rows: list[int], weak: list[np.ndarray], maps: list[dict[str, np.ndarray]]) -> Taught:
    stacked = {name: np.stack([one[name] for one in maps]) for name in maps[0]}
    return Taught(
        torch.tensor(rows),
        torch.from_numpy(np.stack(weak)) if weak else None,
        {name: label_tensor(name, values) for name, values in stacked.items()},
    )


def label_tensor(kind: str, labels: np.ndarray) -> torch.Tensor:
    """Stacked labels, (N, h, w) or (N, h, w, 3), as the tensors that `Task.target` takes; a
    confidence of 0 to 255 becomes one of 0 to 1."""
    if kind == CONFIDENCE:
        return torch.from_numpy(labels.astype(np.float32) / 255)
    if kind == "semantic":
        # In NumPy: torch would start threads of its own in each of ours.
        return torch.from_numpy(labels.astype(np.int64))
    if kind == "normals":
        return torch.from_numpy(np.ascontiguousarray(labels.transpose(0, 3, 1, 2)))
    return torch.from_numpy(labels)
