"""How depth is written as whole numbers: which numbers, and the metres they stand for.

Each is a pair of functions that undo each other, up to a step: numbers → metres (0 where there is
no depth) and metres → numbers. A disparity needs the camera that saw it.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atdt.domains.cameras import Camera
from atdt.domains.pictures import read_channels, read_numbers
from atdt.errors import DomainError

RGB24_STEPS = 2**24 - 1
UINT16_LARGEST = 2**16 - 1
NYU_NONE, NYU_SCALE, NYU_OFFSET = 2047, 351.3, 1092.5  # of NYUv2's toolbox, see `_nyu_raw`
NUMBER = r"\d+(?:\.\d+)?"


@dataclass(frozen=True)
class DepthEncoding:
    """One way to write depth.

    Attributes:
        name: as descriptions write it.
        files: "rgb24" (PNG of three channels), "uint16" (PNG of 16 bits), "swapped" (PGM of 16
            bits whose bytes are swapped) or "rotated" (PNG of 16 bits, rotated by three).
        metres: (numbers, camera) → float64 metres, 0 where there is no depth.
        numbers: (metres above 0, camera) → float64, not yet rounded.
        none: the number that is written where there is no depth.
    """

    name: str
    files: str
    metres: Callable[[np.ndarray, Camera], np.ndarray]
    numbers: Callable[[np.ndarray, Camera], np.ndarray]
    none: int = 0

    @property
    def largest(self) -> int:
        """The largest number that the files hold."""
        return RGB24_STEPS if self.files == "rgb24" else UINT16_LARGEST

    @property
    def needs_camera(self) -> bool:
        """Whether metres depend on the camera."""
        return "disparity" in self.name

    def range(self, camera: Camera) -> tuple[float, float]:
        """The smallest and the largest depth that the files hold, in metres."""
        every = np.arange(UINT16_LARGEST + 1) if self.files != "rgb24" else [1, RGB24_STEPS]
        metres = self.metres(np.asarray(every), camera)
        return float(metres[metres > 0].min()), float(metres.max())

    def read(self, path: Path) -> np.ndarray:
        """The numbers of a file, (H, W).

        Raises:
            DomainError: the file is absent, damaged, or of another kind.
        """
        if self.files == "rgb24":
            return read_channels(path) @ np.array([1, 2**8, 2**16])
        numbers = read_numbers(path)
        if numbers.dtype != np.uint16:
            raise DomainError(f"{path}: has 8 bits, but {self.name} needs 16")
        if self.files == "swapped":
            return numbers.byteswap()
        if self.files == "rotated":
            return (numbers >> 3) | (numbers << 13)
        return numbers

    def pixels(self, numbers: np.ndarray) -> np.ndarray:
        """The pixels (H, W) or (H, W, 3) that `read` makes `numbers` of."""
        if self.files == "rgb24":
            whole = numbers.astype(np.uint32)
            channels = np.stack([whole & 255, whole >> 8 & 255, whole >> 16], axis=2)
            return channels.astype(np.uint8)
        numbers = numbers.astype(np.uint16)
        if self.files == "swapped":
            return numbers.byteswap()
        if self.files == "rotated":
            return (numbers << 3) | (numbers >> 13)
        return numbers


def depth_encoding(name: str) -> DepthEncoding:
    """The encoding that a description names.

    Raises:
        DomainError: there is none of that name; says which there are.
    """
    for pattern, make in KNOWN.items():
        match = re.fullmatch(pattern, name)
        if match:
            numbers = [float(number) for number in match.groups(default="0")]
            if all(map(math.isfinite, numbers)) and (not numbers or numbers[0] > 0):
                return make(name, *numbers)
    raise DomainError(f"depth encoding {name!r}: known are {SHOWN}")


def _rgb24(name: str, farthest: float) -> DepthEncoding:
    step, per_metre = farthest / RGB24_STEPS, RGB24_STEPS / farthest
    return DepthEncoding(name, "rgb24", lambda v, _: v * step, lambda m, _: m * per_metre)


def _per_metre(name: str, steps: float) -> DepthEncoding:
    return DepthEncoding(name, "uint16", lambda v, _: v / steps, lambda m, _: m * steps)


def _scaled(name: str, scale: float, plus: float, minus: float) -> DepthEncoding:
    offset = plus - minus

    def metres(numbers: np.ndarray, _: Camera) -> np.ndarray:
        return np.where(numbers == 0, 0.0, np.maximum(numbers * scale + offset, 0.0))

    return DepthEncoding(name, "uint16", metres, lambda m, _: (m - offset) / scale)


def _disparity(name: str, steps: float, shift: int = 0) -> DepthEncoding:
    def metres(numbers: np.ndarray, camera: Camera) -> np.ndarray:
        disparity = (numbers.astype(np.float64) - shift) / steps
        seen = disparity > 0
        return np.where(seen, camera.stereo() / np.where(seen, disparity, 1.0), 0.0)

    def numbers(metres: np.ndarray, camera: Camera) -> np.ndarray:
        return camera.stereo() / metres * steps + shift

    return DepthEncoding(name, "uint16", metres, numbers)


def _sunrgbd(name: str) -> DepthEncoding:
    return DepthEncoding(name, "rotated", lambda v, _: v / 1000, lambda m, _: m * 1000)


def _nyu_raw(name: str) -> DepthEncoding:
    """Kinect's own numbers; metres by the toolbox of NYUv2 (Silberman et al., 2012)."""

    def metres(numbers: np.ndarray, _: Camera) -> np.ndarray:
        nearer = NYU_OFFSET - numbers.astype(np.float64)
        seen = (nearer > 0) & (numbers != NYU_NONE)
        return np.where(seen, NYU_SCALE / np.where(seen, nearer, 1.0), 0.0)

    def numbers(metres: np.ndarray, _: Camera) -> np.ndarray:
        return NYU_OFFSET - NYU_SCALE / metres

    return DepthEncoding(name, "swapped", metres, numbers, none=NYU_NONE)


KNOWN: dict[str, Callable[..., DepthEncoding]] = {
    rf"rgb24-({NUMBER})m": _rgb24,
    rf"uint16/({NUMBER})": _per_metre,
    rf"uint16\*({NUMBER})(?:\+({NUMBER}))?(?:-({NUMBER}))?": _scaled,
    rf"disparity/({NUMBER})": _disparity,
    "disparity-cityscapes": lambda name: _disparity(name, 256, 1),
    "sunrgbd": _sunrgbd,
    "nyu-raw": _nyu_raw,
}
SHOWN = (
    "'npy', 'rgb24-1000m' (any number of metres), 'uint16/N' with N steps a metre (KITTI 256, TUM "
    "5000, millimetres 1000), 'uint16*S+O' (metres = S·v + O), 'disparity/N' with N steps a pixel "
    "(KITTI 256), 'disparity-cityscapes', 'sunrgbd' and 'nyu-raw'"
)
