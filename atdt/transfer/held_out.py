"""Images that G is not trained on, chosen by their names, and what is measured on them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from atdt.ranks import Ranks
from atdt.transfer.order import Geometry, epoch_order


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Which samples are trained on and which are measured.

    Attributes:
        kept: (S,) bool, the samples of the other images.
        samples: int64, sorted, the held-out samples that are measured.
        images: number of held-out images.
        total: number of their samples, of which `samples` may be a part.
    """

    kept: np.ndarray
    samples: np.ndarray
    images: int
    total: int

    def to_dict(self, share: float) -> dict[str, Any]:
        """For run.json."""
        return {
            "share": share,
            "images": self.images,
            "samples": self.total,
            "measured": len(self.samples),
        }


def hold_out(images: Sequence[str], share: float, samples_per_shard: int, most: int) -> HeldOut:
    """Hold out a share of the images, all their views with them.

    An image is held out when the hash of its name falls below `share`, whatever other images there
    are; in a store of few images at least one is held out and at least one is kept.

    Args:
        images: (S,) the image of each sample.
        share: of the images; 0 for none.
        samples_per_shard: of the store.
        most: samples that are measured at most; they are taken from whole blocks in an order that
            depends on the store's geometry alone, so that streaming reads few blocks for them.
    """
    images = np.asarray(images)
    names = np.unique(images)
    places = {str(name): _place(str(name)) for name in names}
    out = {name for name, place in places.items() if place < share}
    if share and len(names) > 1:
        out = out or {min(places, key=places.__getitem__)}
        out -= {max(places, key=places.__getitem__)} if len(out) == len(names) else set()
    elif len(names) == 1:
        out = set()
    kept = ~np.isin(images, sorted(out))
    geometry = Geometry(len(images), samples_per_shard, blocks_per_window=1, batch=1)
    measured = np.sort(epoch_order(0, 0, geometry, ~kept).samples[:most])
    return HeldOut(kept, measured, len(out), int((~kept).sum()))


class ExplainedVariance:
    """1 − (sum of squared errors) / (sum of squared deviations from each channel's own mean).

    1 is perfect; 0 is what the mean of each channel achieves. Accumulated in float64.
    """

    def __init__(self) -> None:
        self._error = 0.0
        self._sums: list[Tensor] = []
        self._squares = 0.0
        self._count = 0

    @property
    def seen(self) -> bool:
        """Whether anything was added."""
        return self._count > 0

    def add(self, made: Tensor, target: Tensor) -> None:
        """Add a batch, (N, C, h, w) each."""
        made, target = made.double(), target.double()
        self._error += float(((made - target) ** 2).sum())
        self._squares += float((target**2).sum())
        self._sums.append(target.sum(dim=(0, 2, 3)))
        self._count += target.numel() // target.shape[1]

    def add_up(self, ranks: Ranks) -> None:
        """Take in what the other ranks have added."""
        own = [one.cpu() for one in self._sums]
        found = ranks.gathered((self._error, self._squares, self._count, own))
        errors, squares, counts, sums = zip(*found, strict=True)
        self._error, self._squares, self._count = sum(errors), sum(squares), sum(counts)
        self._sums = [one for part in sums for one in part]

    def value(self) -> float | None:
        """None where the targets do not vary."""
        means = torch.stack(self._sums).sum(dim=0) / self._count
        total = self._squares - self._count * float((means**2).sum())
        return 1 - self._error / total if total > 0 else None


def _place(name: str) -> float:
    """Where in [0, 1) the hash of a name falls."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
