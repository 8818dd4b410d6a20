"""What a camera that is turned and zoomed would have seen from the same place.

Camera axes: x right, y down, z forward; the principal point is the middle of the image. Turning and
zooming move pixels whatever their depth is (a homography); depth along the new axis and normals
follow. Moving the camera would uncover what nobody saw, and is not done here.
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
        turned: (3, 3), directions of the old camera -> of the new one.
    """

    x: np.ndarray
    y: np.ndarray
    seen: np.ndarray
    forward: np.ndarray
    turned: np.ndarray

    @classmethod
    def between(
        cls, size: tuple[int, int], focal: tuple[float, float], mounts: tuple[Mount, Mount]
    ) -> "Reprojection":
        """From one camera to another that takes images of the same size from the same place.

        Args:
            size: (height, width) of both images.
            focal: pixels, of the old and of the new camera.
            mounts: of the old and of the new camera; heights are not looked at.
        """
        height, width = size
        old, new = focal
        turned = turn(mounts[1]) @ turn(mounts[0]).T
        v, u = np.mgrid[:height, :width] + 0.5
        directions = np.stack([(u - width / 2) / new, (v - height / 2) / new, np.ones(size)], -1)
        before = directions @ turned  # the inverse of a rotation
        ahead = before[..., 2] > 0
        before = before / np.where(ahead, before[..., 2], 1.0)[..., None]
        x = before[..., 0] * old + width / 2 - 0.5
        y = before[..., 1] * old + height / 2 - 0.5
        seen = ahead & (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
        # Labels come from whole pixels, and so does the direction that their depth is along.
        at = np.stack(
            [
                (np.rint(x) + 0.5 - width / 2) / old,
                (np.rint(y) + 0.5 - height / 2) / old,
                np.ones(size),
            ],
            -1,
        )
        forward = at @ turned[2]
        return cls(
            *(part.astype(np.float32) for part in (x, y)), seen, forward.astype(np.float32), turned
        )

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
        turned = self._nearest(vectors) @ self.turned.T
        return np.where(self.seen[..., None], turned, 0).astype(np.float32)

    def _nearest(self, values: np.ndarray) -> np.ndarray:
        rows = np.clip(np.rint(self.y), 0, values.shape[0] - 1).astype(int)
        columns = np.clip(np.rint(self.x), 0, values.shape[1] - 1).astype(int)
        return values[rows, columns]
