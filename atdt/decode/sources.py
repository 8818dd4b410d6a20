"""Where decoding takes its inputs from: images of a domain, or a store that holds E1."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from atdt.decode.config import Output
from atdt.domains import Domain, ViewPlan, open_domain
from atdt.stores import FeatureReader, Rows, Store

READERS = 4  # image files decoded at a time; Pillow lets go of Python's lock


@dataclass(frozen=True)
class Batch:
    """Images that go through the networks together.

    Attributes:
        indices: where each is in the source.
        images: their names.
        size: (height, width) of their view in pixels, the same for all.
    """

    indices: tuple[int, ...]
    images: tuple[str, ...]
    size: tuple[int, int]


@dataclass(frozen=True)
class Known:
    """What another process found out about the images of a domain by looking at all of them.

    Attributes:
        size: (height, width) of the view of one of them.
        left_out: lines of the list that --skip-bad left out.
    """

    size: tuple[int, int]
    left_out: tuple[int, ...]


class Source(Protocol):
    """Images, cut into batches once and for all, so that a resumed run computes the same ones."""

    batches: tuple[Batch, ...]

    def read(self, batch: Batch) -> np.ndarray:
        """The inputs of a batch, float32, one image along the first axis."""
        ...


class ImageSource:
    """RGB images of a domain in their plain view, (N, 3, h, w) in [0, 1].

    `read` raises a DomainError where an image does not decode.

    Args:
        batches: see `image_batches`; none, where another process says which to read.
    """

    def __init__(self, domain: Domain, plan: ViewPlan, batches: tuple[Batch, ...] = ()):
        self.domain = domain
        self.plan = plan
        self.batches = batches

    def read(self, batch: Batch) -> np.ndarray:
        with ThreadPoolExecutor(READERS) as pool:
            return np.stack(list(pool.map(self._image, batch.indices)))

    def _image(self, index: int) -> np.ndarray:
        pixels = self.domain.image(index)
        name = self.domain.samples[index].image
        return self.plan.draw(name, 0, pixels.shape[:2]).image(pixels)


def open_images(
    spec: str, config: Output, known: Known | None
) -> tuple[Domain, ImageSource, Known]:
    """A domain, its images as a source, and what is known of them from now on.

    Args:
        known: by another process, which then says which batches to read.

    Raises:
        DomainError: as `open_domain`, or a size that the view cannot be cut from.
    """
    plan = ViewPlan(resize=config.resize, crop=config.crop, pad=config.pad)
    domain, batches, known = open_batches(spec, config, known, plan)
    return domain, ImageSource(domain, plan, batches), known


def open_batches(
    spec: str, config: Output, known: Known | None, plan: ViewPlan, labels: Sequence[str] = ()
) -> tuple[Domain, tuple[Batch, ...], Known]:
    """A domain with the labels that are read, how it is cut into batches, and what is known of it.

    Args:
        known: by another process, which then says which batches to read: there are none here.

    Raises:
        DomainError: as `open_domain`, or a size that the view cannot be cut from.
    """
    if known is not None:
        return open_domain(spec, labels=labels, without=known.left_out), (), known
    domain = open_domain(spec, labels=labels, skip_bad=config.skip_bad)
    batches = image_batches(domain, plan, config.batch)
    return domain, batches, Known(batches[0].size, domain.left_out)


def image_batches(domain: Domain, plan: ViewPlan, batch: int) -> tuple[Batch, ...]:
    """How the images of a domain are cut into batches, by the sizes of their plain views.

    Raises:
        DomainError: a size that the view cannot be cut from.
    """
    names = [sample.image for sample in domain.samples]
    with ThreadPoolExecutor(READERS) as pool:
        natives = list(pool.map(domain.image_size, range(len(names))))
    sizes = [plan.draw(name, 0, size).out for name, size in zip(names, natives, strict=True)]
    return plan_batches(names, sizes, batch)


class StoreSource:
    """E1's features of the plain view of each image, (N, C, h, w), from one array of a store.

    Blocks are read in order and each once.
    """

    def __init__(self, store: Store, reader: FeatureReader, batch: int):
        plain = np.flatnonzero(store.samples.view == 0)
        names = [str(name) for name in store.samples.image[plain]]
        plan = ViewPlan.from_dict(store.plan)
        sizes = [plan.out_size(tuple(int(side) for side in store.samples.size[i])) for i in plain]
        self.batches = plan_batches(names, sizes, batch)
        self._samples = plain
        self._rows = Rows(reader)

    def read(self, batch: Batch) -> np.ndarray:
        return self._rows.read(self._samples[list(batch.indices)]).astype(np.float32)


def plan_batches(
    names: Sequence[str], sizes: Sequence[tuple[int, int]], batch: int
) -> tuple[Batch, ...]:
    """Batches of at most `batch` images of one size, in the order of the names; a name that comes
    again is left out."""
    first = {name: index for index, name in reversed(list(enumerate(names)))}
    groups: dict[tuple[int, int], list[int]] = {}
    for index in sorted(first.values()):
        groups.setdefault(tuple(sizes[index]), []).append(index)
    return tuple(
        Batch(tuple(indices), tuple(names[index] for index in indices), size)
        for size, group in groups.items()
        for indices in (group[start : start + batch] for start in range(0, len(group), batch))
    )
