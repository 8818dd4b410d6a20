"""Which samples a store has, in which order, and how each is read."""

import hashlib
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import batched, chain

import numpy as np

from atdt.domains import Domain, View, ViewPlan
from atdt.domains.pose import pose_for
from atdt.errors import DomainError
from atdt.stores import SampleTable
from atdt.stores.samples import COLUMNS

READERS = 8  # image headers read at a time
TOGETHER = 64  # by one thread: more than a thread's own cost
KEPT_BYTES = 2**28  # of decoded images that are looked at again for every view


@dataclass(frozen=True)
class SampleBatch:
    """Consecutive samples, read.

    Attributes:
        start, stop: their range in the store.
        images: (n, 3, h, w) float32 in [0, 1]; None where only labels are asked for.
        labels: by kind, semantic (n, h, w) uint8 | depth (n, h, w) float32 | normals (n, 3, h, w)
            float32.
    """

    start: int
    stop: int
    images: np.ndarray | None
    labels: dict[str, np.ndarray]


class Samples:
    """The samples of a domain under a plan of views, view-major: sample = view · images + i.

    Images are permuted once, by a hash of the plan's seed and their names, so that blocks mix
    images, whatever the order of the list; more views of the same images would follow behind.

    Args:
        size: (height, width) of all views, where another process has looked at all images; each is
            then looked at when it is read.

    Raises:
        DomainError: the views differ in size; names two images and their sizes.
    """

    def __init__(self, domain: Domain, plan: ViewPlan, size: tuple[int, int] | None = None):
        self.domain = domain
        self.plan = plan
        if size is None:
            sizes = image_sizes(domain)
            self.size = _one_size(domain, plan, sizes)
            self._native = lambda image: tuple(sizes[image].tolist())
            self._bytes = 3 * int(sizes.prod(axis=1).sum())
        else:
            self.size = size
            self._native = domain.image_size
            self._bytes = 3 * math.prod(domain.image_size(0)) * len(domain)  # or about that
        ranks = np.empty((len(domain), hashlib.sha256().digest_size), np.uint8)
        for image, rank in enumerate(ranks):
            rank[:] = np.frombuffer(self._rank(image), np.uint8)
        self._order = np.lexsort(ranks.view(">u8").T[::-1])
        keeps = self.keeps(len(domain))
        self._pixels = lru_cache(None)(self._decoded) if keeps else self._decoded

    def __len__(self) -> int:
        return len(self._order) * self.plan.views

    def keeps(self, images: int) -> bool:
        """Whether decoded images, if there were so many, would be kept for their other views."""
        decoded = self._bytes * images / max(len(self.domain), 1)
        return self.plan.views > 1 and decoded <= KEPT_BYTES

    def image(self, sample: int) -> int:
        """Index in the domain of a sample's image."""
        return int(self._order[sample % len(self._order)])

    def view(self, sample: int) -> View:
        """What is cut from the image."""
        image = self.image(sample)
        number = sample // len(self._order)
        pose = pose_for(self.plan, self.domain, image)
        return self.plan.draw(self._name(image), number, self._native(image), pose)

    def sample_id(self, sample: int) -> str:
        """Its unique name."""
        return f"{self._name(self.image(sample))}@{sample // len(self._order)}"

    def table(self) -> SampleTable:
        """The store's sample vectors."""
        count = len(self)
        columns = {name: np.empty((count, *tail), dtype) for name, (dtype, tail) in COLUMNS.items()}
        for sample in range(count):
            view = self.view(sample)
            columns["sample_id"][sample] = self.sample_id(sample)
            columns["image"][sample] = self._name(self.image(sample))
            columns["view"][sample] = sample // len(self._order)
            columns["flip"][sample] = view.flip
            columns["box"][sample] = view.box
            columns["size"][sample] = view.native
        return SampleTable(**columns)

    def read(self, start: int, stop: int, images: bool, labels: Sequence[str]) -> SampleBatch:
        """Decode the samples from `start` to `stop`: each image and label file once.

        Raises:
            DomainError: a file that cannot be read; names list and line.
        """
        views = [(self.image(sample), self.view(sample)) for sample in range(start, stop)]
        pictures = None
        if images:
            pictures = np.empty((len(views), 3, *self.size), np.float32)
            for place, (image, view) in zip(pictures, views, strict=True):
                place[...] = view.image(self._pixels(image))
        return SampleBatch(
            start, stop, pictures, {kind: self._labels(views, kind) for kind in labels}
        )

    def label_item(self, kind: str) -> tuple[tuple[int, ...], str]:
        """Shape and dtype of one sample's label."""
        if kind == "semantic":
            return self.size, "uint8"
        return ((3, *self.size) if kind == "normals" else self.size), "float32"

    def _decoded(self, image: int) -> np.ndarray:
        pixels = self.domain.image(image)
        pixels.setflags(write=False)  # it may be looked at again
        return pixels

    def _labels(self, views: Sequence[tuple[int, View]], kind: str) -> np.ndarray:
        cuts = [view.label(self.domain.label(image, kind), kind) for image, view in views]
        stacked = np.stack(cuts)
        return stacked.transpose(0, 3, 1, 2) if kind == "normals" else stacked

    def _name(self, image: int) -> str:
        return self.domain.samples[image].image

    def _rank(self, image: int) -> bytes:
        return hashlib.sha256(f"{self.plan.seed}:{self._name(image)}".encode()).digest()


def image_sizes(domain: Domain) -> np.ndarray:
    """(height, width) of every image of a domain, (N, 2) int32, from the files' headers.

    Raises:
        DomainError: a file that cannot be read; names list and line.
    """

    def read(images: tuple[int, ...]) -> list[tuple[int, int]]:
        return [domain.image_size(image) for image in images]

    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(read, batched(range(len(domain)), TOGETHER))
        return np.fromiter(chain.from_iterable(found), np.dtype((np.int32, 2)), len(domain))


def _one_size(domain: Domain, plan: ViewPlan, sizes: np.ndarray) -> tuple[int, int]:
    """(height, width) of every view."""
    first: tuple[int, tuple[int, int]] | None = None
    _, images = np.unique(sizes, axis=0, return_index=True)
    for image in sorted(images.tolist()):
        name, size = domain.samples[image].image, tuple(sizes[image].tolist())
        try:
            out = plan.out_size(size)
        except DomainError as error:
            raise DomainError(f"{domain.list_path}: {name}: {error}") from None
        first = first or (image, out)
        if out != first[1]:
            raise DomainError(
                f"{domain.list_path}: {domain.samples[first[0]].image} is "
                f"{_text(sizes[first[0]])} and {name} is {_text(size)}; a store has one size of "
                "view, so give --crop, --resize or --pad"
            )
    return first[1]


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
