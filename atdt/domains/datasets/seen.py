"""What the files hold that `atdt data check` opened, and what speaks against it."""

import numpy as np

from atdt.domains import pictures
from atdt.domains.domain import Domain
from atdt.domains.labels import IGNORE
from atdt.domains.lists import LABEL_KINDS
from atdt.errors import DomainError

MOST_IGNORED = 1 / 3  # of the pixels with labels, beyond which they are doubted


class Seen:
    """What the files hold that were opened.

    Args:
        domain: theirs.
        bounds: metres between which depth must be.
    """

    def __init__(self, domain: Domain, bounds: tuple[float, float]):
        self._domain, self._bounds = domain, bounds
        self.images = 0
        self._sizes: set[tuple[int, int]] = set()
        self._pixels = np.zeros(IGNORE + 1, np.int64)
        self._depths: list[tuple[float, float, float]] = []  # least, most, share of pixels
        self._normals: list[float] = []  # share of pixels
        self._focals: set[float] = set()
        self._doubted: dict[str, str] = {}

    def look(self, index: int) -> None:
        """Open one sample's files.

        Raises:
            DomainError: one is not what it should be; names it.
        """
        domain, sample = self._domain, self._domain.samples[index]
        size = domain.image(index).shape[:2]
        self._sizes.add(size)
        if sample.right is not None and (other := domain.right(index).shape[:2]) != size:
            raise DomainError(
                f"{domain.file(index, 'right')}: is {other[0]}x{other[1]}, but {sample.image} is "
                f"{size[0]}x{size[1]}; a rectified pair has one size"
            )
        camera = domain.camera(index)
        if camera.focal is not None:
            self._focals.add(camera.focal)
        self._doubt("camera", camera.doubt_of_width(size[1]))
        far = domain.description.far
        if far is not None and sample.depth is None and sample.semantic is not None:
            name = domain.label_space.classes[far.target]
            raise DomainError(f"{sample.image}: has no depth, by which its labels tell {name}")
        for kind in (kind for kind in LABEL_KINDS if getattr(sample, kind) is not None):
            label = domain.label(index, kind)
            if kind == "semantic":
                self._pixels += np.bincount(label.ravel(), minlength=IGNORE + 1)
            elif kind == "depth":
                self._depths.append(self._depth(index, label))
                if domain.encodings["depth"].startswith("rgb24"):
                    channels = pictures.read_channels(domain.file(index, kind))
                    self._doubt("bytes", _doubt_of_bytes(channels))
            else:
                self._normals.append(float(label.any(axis=2).mean()))
        self.images += 1

    def _depth(self, index: int, metres: np.ndarray) -> tuple[float, float, float]:
        there = metres[metres > 0]
        if not there.size:
            return np.nan, np.nan, 0.0
        least, most = float(there.min()), float(there.max())
        low, high = self._bounds
        if least < low or most > high:
            raise DomainError(
                f"{self._domain.file(index, 'depth')}: depth from {least:g} to {most:g} m, where "
                f"{low:g} to {high:g} m are expected: another encoding?"
            )
        return least, most, there.size / metres.size

    def nothing_known(self) -> str | None:
        """What is wrong with all files together: labels that are none."""
        if self._pixels.sum() and self._pixels.sum() == self._pixels[IGNORE]:
            return f"{self._domain.split}: every pixel of {self.images} label files is ignored"
        if self._depths and not any(share for _, _, share in self._depths):
            return f"{self._domain.split}: no pixel of {len(self._depths)} depth files has depth"
        return None

    def doubts(self) -> list[str]:
        """A line for each way in which they may be meant otherwise."""
        doubts = list(self._doubted.values())
        total = self._pixels.sum()
        if total and self._pixels[IGNORE] > MOST_IGNORED * total:
            ignored = self._pixels[IGNORE] / total
            doubts.append(  # ids of one table are names in another too
                f"{ignored:.1%} of the labels are ignored, which is much; do the files hold ids of "
                "another table? (--labels, `atdt data list NAME`)"
            )
        return [f"{self._domain.split}: {doubt}" for doubt in doubts]

    def _doubt(self, kind: str, doubt: str | None) -> None:
        """Note the first doubt of a kind."""
        if doubt is not None:
            self._doubted.setdefault(kind, doubt)

    def facts(self) -> list[str]:
        """A line for each thing that was seen."""
        lines = []
        if self._sizes:
            sizes = sorted(self._sizes)
            shown = ", ".join(f"{h}x{w}" for h, w in sizes[:3]) + (", …" if sizes[3:] else "")
            lines.append(f"images {shown}")
        if self._focals:
            lines.append(f"focal {_span(self._focals)} pixels")
        if total := self._pixels.sum():
            space = self._domain.label_space
            met = [name for k, name in enumerate(space.classes) if self._pixels[k]]
            ignored = self._pixels[IGNORE] / total
            lacking = [name for name in space.classes if name not in met]
            lines.append(
                f"semantic: {len(met)} of {len(space.classes)} classes of {space.name}"
                + (f" (not {', '.join(lacking)})" if lacking else "")
                + f", {ignored:.1%} ignored"
            )
        if self._depths:
            least, most, shares = (np.array(column) for column in zip(*self._depths, strict=True))
            there = shares > 0
            span = f" {least[there].min():.3g} to {most[there].max():.4g} m," if there.any() else ""
            lines.append(f"depth{span} in {shares.mean():.1%} of pixels")
        if self._normals:
            lines.append(f"normals in {np.mean(self._normals):.1%} of pixels")
        return lines


def _span(values: set[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _doubt_of_bytes(channels: np.ndarray) -> str | None:
    """What speaks against three bytes being one depth, red the least of them.

    From pixel to pixel the last byte of a depth changes most, and its first one hardly. Where there
    is no depth, or the farthest, nothing is told.
    """
    told = (channels.min(axis=2) < 255) & (channels.max(axis=2) > 0)
    red, green, blue = np.moveaxis(channels.astype(np.int16), 2, 0)
    if told.any() and (red == green)[told].all() and (red == blue)[told].all():
        return (
            "depth is grey, one of 8 bits, where 24 are expected: of CARLA's colour converters "
            "only Raw keeps them"
        )
    both = told[:, 1:] & told[:, :-1]
    if not both.any():
        return None
    least, most = (np.abs(np.diff(channel, axis=1))[both].mean() for channel in (red, blue))
    if 2 * least < most:
        return "depth changes more in blue than in red: are its channels swapped (BGR for RGB)?"
    return None
