"""Labels of T1 as a network reads them, and of T2 beside them, view by view."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from atdt.domains import IGNORE, Domain, View, ViewPlan
from atdt.domains.pose import pose_for
from atdt.label_transfer.reading import Reading
from atdt.training.another_camera import moved_labels
from atdt.training.batches import Batch, label_tensor
from atdt.training.order import Draw


class Labels(NamedTuple):
    """Of one image: of T1, of T2 (None where it is not asked for), and metres of its ground."""

    source: np.ndarray
    target: np.ndarray | None
    ground: np.ndarray | None

    @property
    def nbytes(self) -> int:
        """Bytes of all of it."""
        return sum(part.nbytes for part in self if part is not None)


class LabelViews:
    """Makes batches of labels; safe for threads.

    Args:
        domains: that a draw's `domain` counts.
        reading: of T1's labels.
        target: kind of T2's labels; None: they are not read.
        plan: how views are cut.
        moves: "zoom", "shift" and "widen" of each draw, see `moved_labels`; none when None.
        seed: of these.
        memory: bytes of labels that may be kept.
    """

    def __init__(
        self,
        domains: Sequence[Domain],
        reading: Reading,
        target: str | None,
        plan: ViewPlan,
        *,
        moves: dict[str, float] | None = None,
        seed: int = 0,
        memory: int = 0,
    ):
        self._domains, self._reading, self._target = domains, reading, target
        self._plan, self._moves, self._seed = plan, moves, seed
        self._left = memory
        self._kept: dict[tuple[int, int], Labels] = {}
        self._lock = threading.Lock()

    def batch(self, draws: Sequence[Draw], step: int = 0) -> Batch:
        """Views of labels; `step` is what draws of zoom and shift go by.

        Returns:
            the channels that are read as `image`, T2's labels as `label`.
        """
        made = [self._view(draw) for draw in draws]
        channels = torch.from_numpy(np.stack([read for read, _ in made]))
        if self._target is None:
            return Batch(channels, None, None)
        label = label_tensor(self._target, np.stack([cut for _, cut in made]))
        if self._moves is not None:
            none = IGNORE if self._target == "semantic" else 0
            pair = ((channels, 0.0), (label, none))
            channels, label = moved_labels(pair, **self._moves, seed=self._seed, step=step)
            channels = self._reading.filled(channels)
        return Batch(channels, None, label)

    def labels(self, domain: int, index: int) -> Labels:
        """Of one image, as the domain has them."""
        kept = self._kept.get((domain, index))
        if kept is not None:
            return kept
        where = self._domains[domain]
        source = where.label(index, self._reading.source)
        made = Labels(
            source,
            self._target and where.label(index, self._target),
            self._reading.grounded(where, index, source),
        )
        with self._lock:
            if made.nbytes <= self._left and (domain, index) not in self._kept:
                self._left -= made.nbytes
                self._kept[domain, index] = made
        return made

    def _view(self, draw: Draw) -> tuple[np.ndarray, np.ndarray | None]:
        domain, labels = self._domains[draw.domain], self.labels(draw.domain, draw.image)
        native = labels.source.shape
        name = f"labels:{draw.domain}:{domain.samples[draw.image].image}"
        pose = pose_for(self._plan, domain, draw.image)
        view: View = self._plan.draw(name, draw.view, native, pose)
        ground = None if labels.ground is None else view.label(labels.ground, "depth")
        pixels = domain.focal(draw.image)
        focal = pixels and tuple(pixels * view.resized[axis] / native[axis] for axis in (1, 0))
        source = view.label(labels.source, self._reading.source)
        target = None if labels.target is None else view.label(labels.target, self._target)
        return self._reading.read(source, ground, focal), target
