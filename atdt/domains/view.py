"""One view of an image: the same cut of pixels from the image and from its labels."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image

from atdt.domains.cameras import Pose
from atdt.domains.labels import IGNORE
from atdt.domains.photometric import PLAIN, Photometric
from atdt.domains.reprojection import Reprojection

Size = tuple[int, int]


@dataclass(frozen=True)
class View:
    """What `ViewPlan.draw` drew for one image; sizes are (height, width) in pixels.

    Attributes:
        native: of the image as it is stored.
        resized: what the whole image is resized to.
        offset: y, x of the view's upper left corner in the resized image; negative where zeros are
            padded.
        out: of the view.
        flip: whether it is mirrored left to right, after the cut.
        colours: its photometric draw.
        rise: what rises above the camera is so many times as high.
        pose: of the camera, by which it is known what does; not needed where `rise` is 1.
    """

    native: Size
    resized: Size
    offset: tuple[int, int]
    out: Size
    flip: bool = False
    colours: Photometric = PLAIN
    rise: float = 1.0
    pose: Pose | None = None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """y, x, height, width of what the view shows, in pixels of the native image; rounded
        outwards where the image is resized, without what is padded."""
        spans = []
        for axis in (0, 1):
            kept = self._kept(axis)
            native, resized = self.native[axis], self.resized[axis]
            start, stop = kept.start * native // resized, -(-kept.stop * native // resized)
            spans.append((start, stop - start))
        (y, height), (x, width) = spans
        return y, x, height, width

    def plain(self) -> "View":
        """The same view without its photometric draw."""
        return replace(self, colours=PLAIN)

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """Cut the view from an image: uint8 (H, W, 3) → float32 (3, h, w) in [0, 1].

        Colours first, then resize, then crop, as AT/DT's released code; all in float, but for
        heights, which come before. Resizing is Pillow's bilinear, which averages over what a pixel
        covers when it makes images smaller.

        Raises:
            ValueError: not an image of the size that the view was drawn for.
        """
        if pixels.dtype != np.uint8 or pixels.shape != (*self.native, 3):
            raise ValueError(
                f"expected uint8 {(*self.native, 3)}, got {pixels.dtype} {pixels.shape}"
            )
        if self.rise != 1:
            pixels = self._risen.image(pixels)
        rows, columns = self._kept(0), self._kept(1)
        if self.resized == self.native and self.colours.by_pixel:  # cutting first is the same
            planes = self.colours.apply(pixels[rows, columns])
        else:
            whole = self.colours.apply(pixels)
            if self.resized != self.native:
                whole = np.stack([_bilinear(plane, self.resized) for plane in whole])
            planes = whole[:, rows, columns]
        if planes.shape[1:] != self.out:
            padded = np.zeros((3, *self.out), np.float32)
            padded[(slice(None), *self._place())] = planes
            planes = padded
        return np.ascontiguousarray(planes[:, :, ::-1] if self.flip else planes)

    def label(self, array: np.ndarray, kind: str) -> np.ndarray:
        """Cut the view from a label: (H, W, …) → a copy of the same type, (h, w, …).

        Every kind is resized to the nearest pixel, also depth and normals (the released code mixes
        theirs, and with them the zeros that mean none). Padded pixels are 255 in semantics, 0 in
        depth and normals. A flip negates the x of normals.

        Raises:
            ValueError: not of the size that the view was drawn for.
        """
        if array.shape[:2] != self.native:
            raise ValueError(f"expected {kind} of size {self.native}, got {array.shape}")
        if self.rise != 1:
            array = self._risen.label(array, kind)
        if self.resized == self.native:
            part = array[self._kept(0), self._kept(1)]
        else:
            part = array[np.ix_(self._nearest(0), self._nearest(1))]
        cut = np.full(
            (*self.out, *array.shape[2:]), IGNORE if kind == "semantic" else 0, array.dtype
        )
        cut[self._place()] = part
        if self.flip:
            cut = np.ascontiguousarray(cut[:, ::-1])
            if kind == "normals":
                cut[:, :, 0] = 0 - cut[:, :, 0]  # a minus sign alone would make −0 of none
        return cut

    def shared(self, other: "View") -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """Rows and columns of what both views show of one image: in this one and in the other one,
        neither of them mirrored. None where they show nothing in common, or heights differ.

        Raises:
            ValueError: they were cut from images of other sizes.
        """
        if (self.native, self.resized) != (other.native, other.resized):
            raise ValueError("views of images of other sizes show no pixel in common")
        if self.rise != other.rise:
            return None
        mine, theirs = [], []
        for axis in (0, 1):
            one, two = self._kept(axis), other._kept(axis)
            start, stop = max(one.start, two.start), min(one.stop, two.stop)
            if start >= stop:
                return None
            mine.append(slice(start - self.offset[axis], stop - self.offset[axis]))
            theirs.append(slice(start - other.offset[axis], stop - other.offset[axis]))
        return (mine[0], mine[1]), (theirs[0], theirs[1])

    @cached_property
    def _risen(self) -> Reprojection:
        if self.pose is None:
            raise ValueError("a view of another height needs to know how the camera stands")
        focal, mount = self.pose.focal, self.pose.mount
        return Reprojection.between(self.native, (focal, focal), (mount, mount), above=self.rise)

    def _kept(self, axis: int) -> slice:
        """The part of the resized image that the view shows."""
        start = self.offset[axis]
        return slice(max(start, 0), min(start + self.out[axis], self.resized[axis]))

    def _place(self) -> tuple[slice, slice]:
        """Where that part lies in the view."""
        kept = self._kept(0), self._kept(1)
        y, x = (
            slice(part.start - start, part.stop - start)
            for part, start in zip(kept, self.offset, strict=True)
        )
        return y, x

    def _nearest(self, axis: int) -> np.ndarray:
        """Native pixels under the centres of the resized ones that the view shows."""
        return nearest(self.resized[axis], self.native[axis])[self._kept(axis)]


def nearest(new: int, old: int) -> np.ndarray:
    """Which of `old` pixels lies under the centre of each of `new` ones, (new,) int64."""
    return (2 * np.arange(new) + 1) * old // (2 * new)  # centres in halves of new pixels


def _bilinear(plane: np.ndarray, size: Size) -> np.ndarray:
    height, width = size
    resized = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized).clip(0, 1)  # sums of weights are 1 but for rounding
