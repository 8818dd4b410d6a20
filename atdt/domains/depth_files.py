"""Depth files: metres written and read by any of the encodings."""

from pathlib import Path

import numpy as np

from atdt.domains.cameras import Camera
from atdt.domains.depth_encodings import depth_encoding
from atdt.domains.pictures import write_picture
from atdt.errors import DomainError
from atdt.npy import load_npy, write_npy
from atdt.places import place

UNKNOWN = Camera()
PREDICTED = "uint16/256"  # of predictions that are kept as PNG
ROUNDING = 1e-6  # of float32
RELATIVE_RANGE = 50.0  # farthest ÷ nearest, where only the order of magnitude is free to choose


def write_depth(
    path: str | Path, metres: np.ndarray, encoding: str, camera: Camera = UNKNOWN
) -> Path:
    """Write depth (H, W) in metres, 0 where there is none (sky too).

    Raises:
        DomainError: a depth that is not finite, below 0, or outside of what the encoding holds
            (so small, say, that it would be written as none); names it. Or a disparity without a
            camera.
    """
    metres = np.asarray(metres)
    if metres.ndim != 2:
        raise ValueError(f"{path}: expected (H, W) metres, got {metres.dtype} {metres.shape}")
    _check(path, metres)
    if encoding == "npy":
        return write_npy(place(path), metres.astype(np.float32))
    code, there = depth_encoding(encoding), metres > 0
    exact = code.numbers(np.where(there, metres, 1.0).astype(np.float64), camera)
    numbers = np.clip(np.rint(exact), 0, code.largest)
    least, most = code.range(camera)
    held = (np.abs(numbers - exact) <= 0.5) & (code.metres(numbers, camera) > 0)
    if (lost := there & ~(held & (metres <= most * (1 + ROUNDING)))).any():
        raise DomainError(
            f"{path}: depth {metres[lost].max():g} m cannot be written as {encoding}, which holds "
            f"{least:g} to {most:g} m; write 0 for none, or use another encoding"
        )
    return write_picture(path, code.pixels(np.where(there, numbers, code.none)), format_of(path))


def read_depth(path: str | Path, encoding: str, camera: Camera = UNKNOWN) -> np.ndarray:
    """Read depth as float32 (H, W) metres, 0 where there is none.

    Args:
        path: the file.
        encoding: its encoding.
        camera: what saw it; only disparities need it.

    Raises:
        DomainError: the file is absent, damaged, or not of this encoding; or a disparity without a
            camera.
    """
    path = place(path)
    if encoding == "npy":
        metres = _load(path)
        _check(path, metres)
        return metres.astype(np.float32)
    code = depth_encoding(encoding)
    numbers = code.read(path)
    try:
        return code.metres(numbers, camera).astype(np.float32)
    except DomainError as error:
        raise DomainError(f"{path}: {error}") from None


def read_predicted_depth(path: str | Path) -> np.ndarray:
    """Depth (H, W) float32 metres as a network predicts it: what is not above 0 is none.

    Predictions are .npy, or .png of `PREDICTED`.

    Raises:
        DomainError: the file is absent or no such array or image, or a value is not finite.
    """
    if place(path).suffix == ".png":
        return read_depth(path, PREDICTED)
    metres = _load(path)
    metres = np.where(metres < 0, 0, metres)
    _check(path, metres)
    return metres.astype(np.float32)


def read_relative_depth(path: str | Path) -> np.ndarray:
    """Depth (H, W) float32 of no known scale, from a disparity of any scale and shift.

    The disparity is moved and scaled to lie between 1 / `RELATIVE_RANGE` and 1, and inverted: what
    compares inverse depth up to a scale and a shift (the task `disparity`) finds it again.

    Raises:
        DomainError: the file is absent or no such array, or a value is not finite.
    """
    disparity = np.asarray(_load(path), np.float64)
    if not np.isfinite(disparity).all():
        raise DomainError(f"{path}: holds NaN or infinity")
    low, high = disparity.min(), disparity.max()
    spread = (disparity - low) / (high - low) if high > low else np.ones_like(disparity)
    least = 1 / RELATIVE_RANGE
    return (1 / (least + (1 - least) * spread)).astype(np.float32)


def format_of(path: str | Path) -> str:
    """Pillow's name of the format that a file's ending stands for: PNG, or PPM for .pgm."""
    return "PPM" if place(path).suffix == ".pgm" else "PNG"


def _load(path: str | Path) -> np.ndarray:
    return load_npy(path, (None, None), (None, None, 1))


def _check(path: str | Path, metres: np.ndarray) -> None:
    if (wrong := ~(np.isfinite(metres) & (metres >= 0))).any():
        raise DomainError(
            f"{path}: depth {metres[wrong][0]:g} m in {wrong.sum()} pixels; write 0 for none"
        )
