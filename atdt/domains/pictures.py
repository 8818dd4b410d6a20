"""Image files as arrays: every way that a file can be broken is a `DomainError` that names it."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from atdt.errors import DomainError

# Only formats that Pillow decodes by itself: its EPS reader would start another program.
FORMATS = ("PNG", "JPEG", "PPM", "TIFF", "BMP", "WEBP")
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# What Pillow's decoders raise on damaged files, found by damaging files.
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image file; its pixels are decoded when they are first used.

    Raises:
        DomainError: absent, of no known format, damaged, truncated, or larger than Pillow's
            `Image.MAX_IMAGE_PIXELS` (89 million pixels).
    """
    try:
        with Image.open(path, formats=FORMATS) as picture:
            limit = Image.MAX_IMAGE_PIXELS
            if limit and picture.width * picture.height > limit:
                raise _bomb(path)
            yield picture
    except FileNotFoundError:
        raise DomainError(f"{path}: no such file") from None
    except BOMB:
        raise _bomb(path) from None
    except BROKEN as error:
        raise DomainError(f"{path}: does not decode as an image ({error})") from None


def read_image(path: Path) -> np.ndarray:
    """Read a colour image as uint8 (H, W, 3), RGB.

    Grey and palette images are converted, alpha is dropped, of 16 bits the upper 8 are kept (as
    Pillow does for 16-bit RGB). EXIF orientation is not applied: labels lie on the stored pixels.

    Raises:
        DomainError: see `opened`; or pixels that are floats or 32-bit integers.
    """
    with opened(path) as picture:
        if picture.mode in SIXTEEN_BITS:
            grey = (np.asarray(picture) >> 8).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        if picture.mode in ("I", "F"):
            raise DomainError(f"{path}: has no 8-bit colours (mode {picture.mode}); convert it")
        # By way of RGBA, since Pillow warns of a palette's alpha otherwise.
        with_alpha = picture.convert("RGBA") if picture.mode in ("P", "PA") else picture
        return np.array(with_alpha.convert("RGB"))


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) from the file's header alone.

    Raises:
        DomainError: see `opened`.
    """
    with opened(path) as picture:
        return picture.height, picture.width


def read_channels(path: Path) -> np.ndarray:
    """Read the three channels of an image as they are stored: uint8 (H, W, 3), alpha dropped.

    Raises:
        DomainError: see `opened`; or grey, palette, or other colours than RGB.
    """
    with opened(path) as picture:
        if picture.mode not in ("RGB", "RGBA"):
            raise DomainError(f"{path}: has mode {picture.mode}, not three channels of 8 bits")
        return np.array(picture)[:, :, :3].copy()


def read_numbers(path: Path) -> np.ndarray:
    """Read the numbers of a single-channel image: uint8 or uint16, (H, W).

    Palette images give their indices, not their colours.

    Raises:
        DomainError: see `opened`; or several channels, floats, or integers beyond 16 bits.
    """
    with opened(path) as picture:
        if picture.mode in ("L", "P"):
            return np.array(picture)
        if picture.mode in SIXTEEN_BITS:
            return np.asarray(picture).astype(np.uint16)
        if picture.mode == "I":
            numbers = np.asarray(picture)
            if numbers.min() >= 0 and numbers.max() <= np.iinfo(np.uint16).max:
                return numbers.astype(np.uint16)
            raise DomainError(
                f"{path}: holds {numbers.min()} to {numbers.max()}, not 16-bit numbers"
            )
        raise DomainError(f"{path}: has mode {picture.mode}, not one channel of 8 or 16 bits")


def _bomb(path: Path) -> DomainError:
    return DomainError(
        f"{path}: more than {Image.MAX_IMAGE_PIXELS} pixels, which Pillow takes for an attack; "
        "make it smaller"
    )
