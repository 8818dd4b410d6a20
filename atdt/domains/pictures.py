"""Image files as arrays, and back: whatever is broken is a `DomainError` that names the file."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from atdt import objects
from atdt.errors import DomainError
from atdt.files import write_atomic
from atdt.npy import load_npy
from atdt.places import is_remote

# Only formats that Pillow decodes by itself: its EPS reader would start another program.
FORMATS = ("PNG", "JPEG", "PPM", "TIFF", "BMP", "WEBP")
COLOURS = (None, None, 3)  # shape of an image
HEADER = 2**16  # bytes in which nearly every image says its size
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
FEWER_BITS = {"L;2": 3, "L;4": 15}  # grey as it is stored, and the most of it
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
def opened(path: Path, most: int = objects.LARGEST) -> Iterator[Image.Image]:
    """Open an image file; its pixels are decoded when they are first used.

    Args:
        most: bytes of an object that are asked for.

    Raises:
        DomainError: absent, of no known format, damaged, truncated, or larger than Pillow's
            `Image.MAX_IMAGE_PIXELS` (89 million pixels).
    """
    try:
        source = io.BytesIO(objects.get(path, 0, most)) if is_remote(path) else path
        with Image.open(source, formats=FORMATS) as picture:
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
    A .npy file holds uint8, or numbers from 0 to 1.

    Raises:
        DomainError: see `opened`; or pixels that are floats or 32-bit integers, or .npy numbers
            that are neither.
    """
    if path.suffix == ".npy":
        return _from_npy(path)
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
    if path.suffix == ".npy":
        return load_npy(path, COLOURS).shape[:2]
    if is_remote(path):
        try:
            with opened(path, HEADER) as picture:
                return picture.height, picture.width
        except DomainError:  # a long header, if it is an image at all
            pass
    with opened(path) as picture:
        return picture.height, picture.width


def read_channels(path: Path) -> np.ndarray:
    """Read the three channels of an image as they are stored: uint8 (H, W, 3), alpha dropped.

    Raises:
        DomainError: see `opened`; or grey, palette, or other colours than RGB; or not 8 bits each.
    """
    with opened(path) as picture:
        if picture.mode not in ("RGB", "RGBA"):
            raise DomainError(f"{path}: has mode {picture.mode}, not three channels of 8 bits")
        _, stored, most = _as_stored(picture)
        if ";16" in stored or most != 255:
            raise DomainError(f"{path}: has three channels, but not of 8 bits")
        return np.array(picture)[:, :, :3].copy()


def read_colours(path: Path) -> np.ndarray:
    """As `read_channels`, and of palette images the colours that their indices stand for.

    Raises:
        DomainError: see `read_channels`.
    """
    with opened(path) as picture:
        if picture.mode in ("P", "PA"):
            return np.array(picture.convert("RGBA"))[:, :, :3].copy()
    return read_channels(path)


def read_numbers(path: Path) -> np.ndarray:
    """Read the numbers of a single-channel image: uint8 or uint16, (H, W).

    Palette images give their indices, not their colours; grey of 2 or 4 bits, or of a .pgm's own
    range, gives what is stored, which Pillow would show brighter.

    Raises:
        DomainError: see `opened`; or several channels, floats, or integers beyond 16 bits.
    """
    with opened(path) as picture:
        coder, stored, most = _as_stored(picture)  # decoding forgets it
        if stored not in ("L", *FEWER_BITS) and picture.mode == "L":
            raise DomainError(f"{path}: is grey stored as {stored}; convert it to 8 or 16 bits")
        if picture.mode == "L":
            shown = np.array(picture)
            return shown if most == 255 else np.rint(shown * (most / 255)).astype(np.uint8)
        if picture.mode == "P":
            return np.array(picture)
        if picture.mode == "I" and coder.startswith("ppm"):
            return np.rint(np.asarray(picture) * (most / 65535)).astype(np.uint16)
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


def write_picture(path: str | Path, array: np.ndarray, kind: str = "PNG") -> Path:
    """Write uint8 (H, W), uint8 (H, W, 3) or uint16 (H, W), whole or not at all.

    Args:
        path: the file.
        array: the pixels.
        kind: "PNG", or "PPM" for a .pgm.
    """
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, format=kind)
    return write_atomic(path, buffer.getvalue())


def _from_npy(path: Path) -> np.ndarray:
    array = load_npy(path, COLOURS)
    if array.dtype == np.uint8:
        return np.array(array)
    if not (array.min() >= 0 and array.max() <= 1):  # NaN too
        raise DomainError(
            f"{path}: holds {array.dtype} from {array.min():g} to {array.max():g}; an image in a "
            ".npy file is uint8, or from 0 to 1"
        )
    return np.rint(array * 255).astype(np.uint8)


def _as_stored(picture: Image.Image) -> tuple[str, str, int]:
    """How Pillow will decode an image, which may show its numbers in another range.

    To be asked before it is decoded.

    Returns:
        its decoder, the layout of the file's pixels, and the most that a channel is in the file.
    """
    tile = next(iter(getattr(picture, "tile", ())), None)
    if tile is None:
        return "", picture.mode, 255
    coder, *_, stored = tile
    if coder.startswith("ppm"):
        return coder, picture.mode, stored[-1]
    layout = stored[0] if isinstance(stored, tuple) else stored
    if not isinstance(layout, str):
        return coder, picture.mode, 255
    return coder, layout, FEWER_BITS.get(layout, 255)


def _bomb(path: Path) -> DomainError:
    return DomainError(
        f"{path}: more than {Image.MAX_IMAGE_PIXELS} pixels, which Pillow takes for an attack; "
        "make it smaller"
    )
