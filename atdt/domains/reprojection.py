"""What a camera that is turned and zoomed would have seen from the same place.

Camera axes: x right, y down, z forward; the principal point is the middle of the image. Turning and
zooming move pixels whatever their depth is (a homography); depth along the new axis and normals
follow. Moving the camera would uncover what nobody saw.

What can be made without it is another world in which nothing is nearer or farther than it was: all
that lies below the camera may be stretched downwards, all that rises above it upwards (two more
homographies, which agree on the horizon). A flat road then lies deeper, as if the camera stood
higher, though cars and people have longer legs; houses and trees are taller.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from atdt.domains.cameras import Mount
from atdt.domains.labels import IGNORE


def turn(mount: Mount) -> np.ndarray:
    """(3, 3): directions of a level camera -> of one that is mounted so."""
    down, lean = np.deg2rad([mount.pitch, mount.roll])
    pitched = np.array(
        [[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]]
    )
    leaned = np.array(
        [[np.cos(lean), np.sin(lean), 0], [-np.sin(lean), np.cos(lean), 0], [0, 0, 1]]
    )
    return leaned @ pitched


@dataclass(frozen=True, eq=False)
class Reprojection:
    """Where the pixels of the new view lie in the old one.

    Attributes:
        x, y: (H, W) float32, in pixels of the old image, centres at whole numbers.
        seen: (H, W) bool, whether the old image shows it.
        forward: (H, W) float32, new depth ÷ old depth of what is there.
        was_below: (H, W, 1) bool, whether what is there lay below the old camera.
        lower, upper: (3, 3), normals of the old camera -> along those of the new one, of what lay
            below it and above it.
    """

    x: np.ndarray
    y: np.ndarray
    seen: np.ndarray
    forward: np.ndarray
    was_below: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @classmethod
    def between(
        cls,
        size: tuple[int, int],
        focal: tuple[float, float],
        mounts: tuple[Mount, Mount],
        below: float = 1.0,
        above: float = 1.0,
    ) -> "Reprojection":
        """From one camera to another that takes images of the same size from the same place.

        Args:
            size: (height, width) of both images.
            focal: pixels, of the old and of the new camera.
            mounts: of the old and of the new camera; heights are not looked at.
            below: how many times as deep below the camera all lies that lies below it.
            above: how many times as high above the camera all rises that rises above it.
        """
        height, width = size
        old, new = (turn(mount) for mount in mounts)
        v, u = np.mgrid[:height, :width] + 0.5
        directions = _directions(u, v, size, focal[1])
        before = np.where(
            _is_below(directions, new),
            directions @ _stretched(new, 1 / below, old).T,
            directions @ _stretched(new, 1 / above, old).T,
        )
        ahead = before[..., 2] > 0
        before = before / np.where(ahead, before[..., 2], 1.0)[..., None]
        x = before[..., 0] * focal[0] + width / 2 - 0.5
        y = before[..., 1] * focal[0] + height / 2 - 0.5
        seen = ahead & (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
        # Labels come from whole pixels, and so does the direction that their depth is along.
        at = _directions(np.rint(x) + 0.5, np.rint(y) + 0.5, size, focal[0])
        lower, upper = (_stretched(old, by, new) for by in (below, above))
        was_below = _is_below(at, old)
        forward = np.where(was_below[..., 0], at @ lower[2], at @ upper[2])
        x, y, forward = (part.astype(np.float32) for part in (x, y, forward))
        return cls(x, y, seen, forward, was_below, *(np.linalg.inv(m).T for m in (lower, upper)))

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3), bilinear; what was not seen repeats the nearest border."""
        return cv2.remap(pixels, self.x, self.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def ids(self, ids: np.ndarray) -> np.ndarray:
        """uint8 (H, W) of the nearest pixel, 255 for what was not seen."""
        return np.where(self.seen, self._nearest(ids), IGNORE).astype(np.uint8)

    def depth(self, metres: np.ndarray) -> np.ndarray:
        """float32 (H, W) along the new axis, 0 where there was none or nothing was seen."""
        return np.where(self.seen, self._nearest(metres) * self.forward, 0).astype(np.float32)

    def normals(self, vectors: np.ndarray) -> np.ndarray:
        """float32 (H, W, 3) in the new camera's frame, 0 where there were none."""
        old = self._nearest(vectors)
        turned = np.where(self.was_below, old @ self.lower.T, old @ self.upper.T)
        length = np.linalg.norm(turned, axis=-1, keepdims=True)
        known = self.seen[..., None] & (length > 0)
        return np.where(known, turned / np.where(known, length, 1), 0).astype(np.float32)

    def label(self, values: np.ndarray, kind: str) -> np.ndarray:
        """Of any kind, in the type that it comes in; what was not seen has none: 255 in semantics,
        0 in all else."""
        if kind == "semantic":
            return self.ids(values)
        if kind == "depth":
            return self.depth(values)
        if kind == "normals":
            return self.normals(values)
        seen = self.seen.reshape(self.seen.shape + (1,) * (values.ndim - 2))
        return np.where(seen, self._nearest(values), values.dtype.type(0))

    def _nearest(self, values: np.ndarray) -> np.ndarray:
        rows = np.clip(np.rint(self.y), 0, values.shape[0] - 1).astype(int)
        columns = np.clip(np.rint(self.x), 0, values.shape[1] - 1).astype(int)
        return values[rows, columns]


def _directions(u: np.ndarray, v: np.ndarray, size: tuple[int, int], focal: float) -> np.ndarray:
    """(H, W, 3): through points of an image in pixels, one unit ahead."""
    height, width = size
    return np.stack([(u - width / 2) / focal, (v - height / 2) / focal, np.ones(size)], -1)


def _is_below(directions: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """(H, W, 1): whether directions of a camera, turned so from a level one, lead downwards."""
    return (directions @ turned[:, 1] > 0)[..., None]


def _stretched(first: np.ndarray, by: float, second: np.ndarray) -> np.ndarray:
    """(3, 3): places in the axes of one camera -> in those of another, `by` times as far below."""
    return second @ np.diag([1.0, by, 1.0]) @ first.T
