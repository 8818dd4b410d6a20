"""B's store as scores see it: views of its images, a few images at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from atdt.diagnose.scores.outputs import D2, Piece, Size
from atdt.domains import View, ViewPlan
from atdt.errors import StoreError
from atdt.stores import FeatureReader, Rows, Store

MOST_VIEWS = 3  # of an image, the plain one included: a block of each is held in memory


@dataclass(frozen=True, eq=False)
class Views:
    """A few images of B in some views.

    Attributes:
        pieces: one for each view, the plain one first.
        cuts: for each view the geometry of each image.
        t1: T1's labels of the plain views (n, …); None: there are none.
    """

    pieces: tuple[Piece, ...]
    cuts: tuple[tuple[View, ...], ...]
    t1: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Seen:
    """A store of B. Labels of T2 are never opened here.

    Attributes:
        store: it.
        size: (height, width) of its views.
        source: reader of E1's features.
        baseline: of E2's; None: the store has none of N2.
        d2: N2's decoder; None: nothing decodes.
        t1: reader of T1's labels; None: there are none.
    """

    store: Store
    size: Size
    source: FeatureReader
    baseline: FeatureReader | None = None
    d2: D2 | None = None
    t1: FeatureReader | None = None

    @property
    def images(self) -> tuple[str, ...]:
        """Names of its images."""
        return tuple(self._samples(0))

    def walk(self, batch: int) -> Iterator[Views]:
        """All images, `batch` at a time, each in its views.

        Raises:
            StoreError: a view was not drawn by the plan that the store records.
        """
        numbers = range(min(MOST_VIEWS, int(self.store.samples.view.max()) + 1))
        samples = [self._samples(view) for view in numbers]
        sources = [Rows(self.source) for _ in numbers]
        baselines = [None if self.baseline is None else Rows(self.baseline) for _ in numbers]
        t1 = None if self.t1 is None else Rows(self.t1)
        images = self.images
        for first in range(0, len(images), batch):
            some = images[first : first + batch]
            there = [[of[image] for image in some] for of in samples]
            pieces = [
                Piece(some, view, _tensor(sources[view], at), _tensor(baselines[view], at))
                for view, at in zip(numbers, there, strict=True)
            ]
            yield Views(
                tuple(pieces),
                tuple(self._cuts(view, some, chosen) for view, chosen in enumerate(there)),
                None if t1 is None else t1.read(there[0]),
            )

    def _samples(self, view: int) -> dict[str, int]:
        """Image → its sample in a view, in the store's order."""
        found = np.flatnonzero(np.asarray(self.store.samples.view) == view)
        return {str(self.store.samples.image[sample]): int(sample) for sample in found}

    def _cuts(self, view: int, images: Sequence[str], samples: Sequence[int]) -> tuple[View, ...]:
        table, plan = self.store.samples, ViewPlan.from_dict(self.store.plan)
        cuts = []
        for image, sample in zip(images, samples, strict=True):
            height, width = (int(side) for side in table.size[sample])
            cut = plan.draw(image, view, (height, width))
            if cut.flip != table.flip[sample] or cut.box != tuple(table.box[sample].tolist()):
                raise StoreError(
                    f"{self.store.path}: view {view} of {image!r} is not the one of its plan of "
                    "views; extract again"
                )
            cuts.append(cut)
        return tuple(cuts)


def _tensor(rows: Rows | None, samples: Sequence[int]) -> Tensor | None:
    return None if rows is None else torch.from_numpy(rows.read(samples)).float()
