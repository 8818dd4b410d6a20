"""Colour jitter as torchvision has it, which D4 (AT/DT's authors, WACV 2022) trains under."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from PIL import Image, ImageEnhance

CHANGES = ("brightness", "contrast", "saturation", "hue")
ORDERS = tuple(permutations(CHANGES))


@dataclass(frozen=True)
class JitterDraw:
    """Four changes one after another, each rounded to 8 bits, as torchvision's of Pillow images.

    Attributes:
        brightness, contrast, saturation: factors; 1 leaves all as it is, 0 makes it black, its mean
            grey, or each pixel's own grey.
        hue: share of the circle that hues are turned by, −0.5 to 0.5.
        order: of the changes.
    """

    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: tuple[str, ...] = CHANGES

    by_pixel = False  # contrast looks at the whole image

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (h, w, 3) → float32 (3, h, w) in [0, 1]."""
        image = Image.fromarray(pixels)
        for change in self.order:
            image = getattr(self, f"_{change}")(image)
        return (np.asarray(image).transpose(2, 0, 1) / 255).astype(np.float32)

    def _brightness(self, image: Image.Image) -> Image.Image:
        return ImageEnhance.Brightness(image).enhance(self.brightness)

    def _contrast(self, image: Image.Image) -> Image.Image:
        return ImageEnhance.Contrast(image).enhance(self.contrast)

    def _saturation(self, image: Image.Image) -> Image.Image:
        return ImageEnhance.Color(image).enhance(self.saturation)

    def _hue(self, image: Image.Image) -> Image.Image:
        hue, saturation, value = image.convert("HSV").split()
        turn = int(self.hue * 255)
        turned = hue.point([(each + turn) % 256 for each in range(256)])
        return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


@dataclass(frozen=True)
class JitterRanges:
    """`ColorJitter(strength, strength, strength, hue)`: factors from 1 − strength to 1 + strength,
    hues turned by up to ± hue, in any order, always; all uniformly."""

    strength: float
    hue: float

    def draw(self, uniform: Sequence[float]) -> JitterDraw:
        """The draw that numbers from [0, 1) stand for, five of which it needs."""
        order, brightness, contrast, saturation, hue, *_ = uniform
        return JitterDraw(
            *(1 + self.strength * (2 * each - 1) for each in (brightness, contrast, saturation)),
            hue=self.hue * (2 * hue - 1),
            order=ORDERS[int(order * len(ORDERS))],
        )
