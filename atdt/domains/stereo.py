"""Depth from a stereo pair by semi-global matching.

Hirschmüller, "Stereo Processing by Semiglobal Matching and Mutual Information", TPAMI 2008, in the
form that OpenCV has (StereoSGBM: costs of Birchfield and Tomasi, summed over blocks). What left and
right do not agree on is left out, as AT/DT did with its disparities of Cityscapes, after Tonioni,
Poggi, Mattoccia, Di Stefano, "Unsupervised Adaptation for Deep Stereo", ICCV 2017.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from atdt.errors import UserError

LIBRARY = {"opencv": cv2.__version__}
STEP = 16  # StereoSGBM counts disparities in groups of 16, and writes them in sixteenths of a pixel
WIDEST = 2**15 // STEP - STEP  # of 16-bit numbers
SHARE_OF_WIDTH = 8
LARGEST_BLOCK = 11  # sums over larger ones overflow StereoSGBM's 16 bits
DIRECTIONS = {
    3: cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    5: cv2.STEREO_SGBM_MODE_SGBM,
    8: cv2.STEREO_SGBM_MODE_HH,
}
SMALL_STEP, LARGE_STEP = 8, 32  # penalties a channel and pixel of a block: those of OpenCV's manual
STEEPEST = 63  # at which gradients are cut off, as in OpenCV's sample
NO_CHECK = 10**6  # StereoSGBM has a check without a match of the right image; ours has one
ISLAND_STEP = 2  # pixels of disparity between neighbours of one island


@dataclass(frozen=True)
class Matching:
    """How two images are matched.

    Attributes:
        max_disparity: pixels, rounded up to a multiple of 16: what is nearer than focal × baseline
            / max_disparity is not found. None takes an eighth of the image's width.
        block: side in pixels of the blocks whose colours are compared, odd, up to 11.
        directions: along how many the costs are summed, 3, 5 or 8. Eight is Hirschmüller's number;
            it keeps all costs of an image in memory, 4 bytes a pixel and disparity. Three (from
            left, right and above) is the fastest, and was the best on rendered streets, whose
            plain roads and walls the diagonals bend (docs/your-own-data.md).
        tolerance: pixels by which the disparities of left and right may differ.
        uniqueness: per cent by which the best cost must be below every other one (but its
            neighbours').
        speckle: islands of fewer pixels are left out; 0 keeps them.

    Raises:
        UserError: a value that cannot be used.
    """

    max_disparity: int | None = None
    block: int = 5
    directions: int = 3
    tolerance: float = 1.0
    uniqueness: int = 10
    speckle: int = 100

    def __post_init__(self) -> None:
        for option, value, good, wanted in (
            (
                "--max-disparity",
                self.max_disparity,
                self.max_disparity is None or 0 < self.max_disparity <= WIDEST,
                f"1 to {WIDEST}",
            ),
            (
                "--block",
                self.block,
                self.block % 2 == 1 and 0 < self.block <= LARGEST_BLOCK,
                f"an odd number up to {LARGEST_BLOCK}",
            ),
            ("--directions", self.directions, self.directions in DIRECTIONS, "3, 5 or 8"),
            ("--tolerance", self.tolerance, 0 <= self.tolerance < WIDEST, "0 or more"),
            ("--uniqueness", self.uniqueness, 0 <= self.uniqueness < 100, "0 to 99"),
            ("--speckle", self.speckle, self.speckle >= 0, "0 or more"),
        ):
            if not good:
                raise UserError(f"{option} {value}: write {wanted}")

    def disparities(self, width: int) -> int:
        """How many whole disparities, from 0, are tried for images of this width."""
        wanted = self.max_disparity or width // SHARE_OF_WIDTH
        return max(-(-wanted // STEP), 1) * STEP


def disparity(left: np.ndarray, right: np.ndarray, matching: Matching) -> np.ndarray:
    """Disparity of the left image of a rectified pair.

    Pixel (y, x) of the left image shows what (y, x − disparity) of the right one shows. The right
    image is matched too, by flipping and swapping both, and what differs is left out: occluded
    parts, and most of what has no texture. What would lie outside the right image is left out too.

    Args:
        left, right: uint8 (H, W, 3).

    Returns:
        float32 (H, W) pixels, in steps of 1/16; 0 where there is none.

    Raises:
        ValueError: images of different sizes or types.
    """
    if left.shape != right.shape or left.dtype != np.uint8 or right.dtype != np.uint8:
        raise ValueError(f"left {left.dtype} {left.shape}, right {right.dtype} {right.shape}")
    of_left = _sixteenths(left, right, matching)
    of_right = _sixteenths(right[:, ::-1], left[:, ::-1], matching)[:, ::-1]
    found = np.where(_agreed(of_left, of_right, matching.tolerance), of_left, 0).astype(np.int16)
    if matching.speckle:
        found, _ = cv2.filterSpeckles(found, 0, matching.speckle - 1, ISLAND_STEP * STEP)
    return found.astype(np.float32) / STEP


def depth(disparity: np.ndarray, focal_baseline: float, farthest: float) -> np.ndarray:
    """Depth of a disparity (H, W) in pixels, float32 (H, W) metres.

    Args:
        focal_baseline: focal length in pixels × baseline in metres.
        farthest: metres; what is farther is none.

    Returns:
        focal_baseline / disparity; 0 where there is none.
    """
    seen = disparity > 0
    metres = focal_baseline / np.where(seen, disparity, 1.0)
    return np.where(seen & (metres <= farthest), metres, 0.0).astype(np.float32)


def _sixteenths(left: np.ndarray, right: np.ndarray, matching: Matching) -> np.ndarray:
    """Disparity of `left`, int16 (H, W) in sixteenths of a pixel, below 0 where there is none."""
    count = matching.disparities(left.shape[1])
    area = matching.block**2 * left.shape[2]
    matcher = cv2.StereoSGBM.create(
        minDisparity=0,
        numDisparities=count,
        blockSize=matching.block,
        P1=SMALL_STEP * area,
        P2=LARGE_STEP * area,
        disp12MaxDiff=NO_CHECK,
        preFilterCap=STEEPEST,
        uniquenessRatio=matching.uniqueness,
        speckleWindowSize=0,
        mode=DIRECTIONS[matching.directions],
    )
    # It matches no pixel whose largest disparity would lie outside, so both get a margin there.
    wide = [
        cv2.copyMakeBorder(np.ascontiguousarray(image), 0, 0, count, 0, cv2.BORDER_REPLICATE)
        for image in (left, right)
    ]
    return matcher.compute(*wide)[:, count:]


def _agreed(of_left: np.ndarray, of_right: np.ndarray, tolerance: float) -> np.ndarray:
    """Where the right image's disparity leads back to the left pixel it was reached from, bool."""
    rounded = np.rint(of_left / STEP).astype(np.int64)
    there = np.arange(of_left.shape[1]) - rounded
    inside = (of_left > 0) & (there >= 0)
    back = np.take_along_axis(of_right, np.where(inside, there, 0), axis=1)
    apart = np.abs(of_left.astype(np.int64) - back)
    return inside & (back >= 0) & (apart <= tolerance * STEP)
