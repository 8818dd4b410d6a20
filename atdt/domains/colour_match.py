"""A's images given B's colours: what a fixed map of each channel can take over of another look.

One map for the whole domain, not one for each image: an image with much sky stays one.

    "moments"    mean and standard deviation of each channel (Reinhard, Ashikhmin, Gooch, Shirley,
                 "Color Transfer between Images", IEEE CG&A 2001, there in lαβ and between images)
    "histogram"  its whole distribution: what is at a quantile of A's comes to that of B's
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from atdt.digests import sha256_json
from atdt.domains.domain import Domain
from atdt.errors import UserError

WAYS = ("moments", "histogram")
SPACES = {"lab": ((0, 100), (-127, 127), (-127, 127)), "rgb": ((0, 1),) * 3}  # ranges of channels
BINS = 512  # of a channel
MOST_IMAGES = 256  # of a domain that are looked at, spread over its list

Curve = Callable[[np.ndarray], np.ndarray]  # values of a channel (H, W) -> the same


@dataclass(frozen=True, eq=False)
class ColourStatistics:
    """How often values come, all pixels of some images together.

    Attributes:
        space: "lab" (CIE L*a*b*) or "rgb".
        counts: (3, BINS) float64, of equal bins over the channels' ranges.
    """

    space: str
    counts: np.ndarray

    @classmethod
    def of(cls, images: Iterable[np.ndarray], space: str) -> "ColourStatistics":
        """Of images uint8 (H, W, 3).

        Raises:
            UserError: there is no such space.
        """
        if space not in SPACES:
            raise UserError(f"--space {space}: choose one of {', '.join(SPACES)}")
        counts = np.zeros((3, BINS))
        for pixels in images:
            planes = to_space(pixels, space)
            for channel, limits in enumerate(SPACES[space]):
                values = np.clip(planes[..., channel], *limits)
                counts[channel] += np.histogram(values, BINS, limits)[0]
        return cls(space, counts)

    @classmethod
    def of_domain(cls, domain: Domain, space: str) -> "ColourStatistics":
        """Of a domain's images; no label is read.

        Raises:
            DomainError: an image cannot be read.
        """
        count = min(len(domain), MOST_IMAGES)
        chosen = np.linspace(0, len(domain) - 1, count).astype(int).tolist()
        return cls.of((domain.image(index) for index in chosen), space)

    def digest(self) -> str:
        """What says whether two are the same."""
        return sha256_json([self.space, self.counts.tolist()])

    def edges(self, channel: int) -> np.ndarray:
        """(BINS + 1,) between the bins."""
        return np.linspace(*SPACES[self.space][channel], BINS + 1)

    def moments(self, channel: int) -> tuple[float, float]:
        """Mean and standard deviation, of the middles of the bins."""
        edges, weights = self.edges(channel), self.counts[channel] / self.counts[channel].sum()
        middles = (edges[:-1] + edges[1:]) / 2
        mean = float(weights @ middles)
        return mean, float(np.sqrt(weights @ (middles - mean) ** 2))

    def cumulative(self, channel: int) -> np.ndarray:
        """(BINS + 1,) share of the pixels below each edge."""
        sums = np.concatenate([[0.0], self.counts[channel].cumsum()])
        return sums / sums[-1]


@dataclass(frozen=True, eq=False)
class ColourMatch:
    """A map of colours, a curve for each channel.

    Attributes:
        space: the channels'.
        curves: of the three.
    """

    space: str
    curves: tuple[Curve, Curve, Curve]

    @classmethod
    def between(cls, a: ColourStatistics, b: ColourStatistics, way: str) -> "ColourMatch":
        """The map that gives images like A's the colours of B.

        Raises:
            UserError: there is no such way.
        """
        if way not in WAYS:
            raise UserError(f"--colours {way}: choose one of {', '.join(WAYS)}")
        make = _by_moments if way == "moments" else _by_histogram
        one, two, three = (make(a, b, channel) for channel in range(3))
        return cls(a.space, (one, two, three))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3) -> the same."""
        planes = to_space(pixels, self.space)
        moved = [curve(planes[..., channel]) for channel, curve in enumerate(self.curves)]
        return from_space(np.stack(moved, axis=-1).astype(np.float32), self.space)


def to_space(pixels: np.ndarray, space: str) -> np.ndarray:
    """uint8 (H, W, 3) RGB -> float32 channels of the space."""
    planes = pixels.astype(np.float32) / 255
    return cv2.cvtColor(planes, cv2.COLOR_RGB2Lab) if space == "lab" else planes


def from_space(planes: np.ndarray, space: str) -> np.ndarray:
    """The inverse; colours that no screen shows are clipped."""
    colours = cv2.cvtColor(planes, cv2.COLOR_Lab2RGB) if space == "lab" else planes
    return np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)


def _by_moments(a: ColourStatistics, b: ColourStatistics, channel: int) -> Curve:
    (mean, scale), (wanted, other) = (s.moments(channel) for s in (a, b))
    factor = other / scale if scale > 0 else 0.0
    return lambda values: (values - mean) * factor + wanted


def _by_histogram(a: ColourStatistics, b: ColourStatistics, channel: int) -> Curve:
    edges, below_a, below_b = a.edges(channel), a.cumulative(channel), b.cumulative(channel)
    shares = np.diff(below_b)
    last = np.flatnonzero(shares)[-1]

    def curve(values: np.ndarray) -> np.ndarray:
        below = np.interp(values, edges, below_a)
        bins = np.minimum(np.searchsorted(below_b, below, side="right") - 1, last)
        within = (below - below_b[bins]) / shares[bins]  # no empty bin: what is behind it is taken
        return edges[bins] + within * (edges[1] - edges[0])

    return curve
