"""Photometric draws: other exposure and colours of the same image, without noise or blur."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atdt.domains.jitter import JitterDraw, JitterRanges
from atdt.errors import DomainError

DRAWS = 8  # uniform numbers that one draw uses up, whatever it does with them
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # luma of ITU-R BT.601

Range = tuple[float, float]


@dataclass(frozen=True)
class ColourDraw:
    """One change of colours, of values in [0, 1].

    In this order: v^gamma · brightness · gain of the channel, clipped to [0, 1]; then contrast c,
    v^c / (v^c + (1−v)^c), which bends values about 0.5 and so makes no dark image black; then mixed
    with its own grey by `saturation` (0 grey, 1 as it is), clipped.
    """

    gamma: float = 1.0
    brightness: float = 1.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    saturation: float = 1.0

    by_pixel = True  # what becomes of a pixel depends on no other one

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (h, w, 3) → float32 (3, h, w) in [0, 1]."""
        tables = self._tables()
        planes = np.empty((3, *pixels.shape[:2]), np.float32)
        for channel, plane in enumerate(planes):
            # "clip" spares a copy that NumPy makes of `out` otherwise; no index is out of bounds.
            np.take(tables[channel], pixels[:, :, channel], out=plane, mode="clip")
        if self.saturation == 1:
            return planes
        grey = np.tensordot(GREY, planes, axes=1)
        return np.clip(grey + np.float32(self.saturation) * (planes - grey), 0, 1)

    def _tables(self) -> np.ndarray:
        """What each of the 256 values becomes in each channel, float32 (3, 256)."""
        values = (np.arange(256) / 255) ** self.gamma * self.brightness
        tables = np.clip(np.outer(self.gains, values), 0, 1)
        if self.contrast != 1:
            near, far = tables**self.contrast, (1 - tables) ** self.contrast
            tables = near / (near + far)
        return tables.astype(np.float32)


PLAIN = ColourDraw()


@dataclass(frozen=True)
class ColourRanges:
    """Ranges that a `ColourDraw` is drawn from, uniformly; all of it or, else, nothing."""

    probability: float
    gamma: Range = (1.0, 1.0)
    brightness: Range = (1.0, 1.0)
    gain: Range = (1.0, 1.0)
    contrast: Range = (1.0, 1.0)
    saturation: Range = (1.0, 1.0)

    def draw(self, uniform: Sequence[float]) -> ColourDraw:
        """The draw that `DRAWS` numbers from [0, 1) stand for."""
        coin, gamma, brightness, *gains, contrast, saturation = uniform
        if coin >= self.probability:
            return PLAIN
        return ColourDraw(
            gamma=_between(self.gamma, gamma),
            brightness=_between(self.brightness, brightness),
            gains=tuple(_between(self.gain, gain) for gain in gains),
            contrast=_between(self.contrast, contrast),
            saturation=_between(self.saturation, saturation),
        )


Photometric = ColourDraw | JitterDraw

# "paper": the released code's (CVLAB-Unibo/ATDT, core/input.py). "strong": ours, for gaps in
# appearance that are wider than those of one renderer or camera. "d4": that of the follow-up's
# released code, of its N1, N2 and G alike: the whole circle of hues.
PHOTOMETRIC: dict[str, ColourRanges | JitterRanges] = {
    "none": ColourRanges(probability=0.0),
    "paper": ColourRanges(
        probability=0.5, gamma=(0.8, 1.2), brightness=(0.5, 2.0), gain=(0.8, 1.2)
    ),
    "strong": ColourRanges(
        probability=1.0,
        gamma=(0.7, 1.4),
        brightness=(0.5, 2.2),
        gain=(0.7, 1.3),
        contrast=(0.7, 1.4),
        saturation=(0.2, 1.6),
    ),
    "d4": JitterRanges(strength=0.5, hue=0.5),
}


def colour_ranges(name: str) -> ColourRanges | JitterRanges:
    """The ranges that a photometric option stands for.

    Raises:
        DomainError: there is none of that name.
    """
    if name not in PHOTOMETRIC:
        raise DomainError(f"photometric {name!r}: known are {', '.join(PHOTOMETRIC)}")
    return PHOTOMETRIC[name]


def _between(limits: Range, uniform: float) -> float:
    low, high = limits
    return float(low + (high - low) * uniform)
