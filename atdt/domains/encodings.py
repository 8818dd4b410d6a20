"""How labels are written to files and read back: depth, normals, and plain 8-bit PNGs.

Arrays have no colours of their own here; `atdt.tasks` makes pictures. Every file is written whole
or not at all.

Depth, float32 (H, W) metres, 0 where there is none:
    rgb24-1000m  PNG, metres = 1000·(R + 256·G + 65536·B) / (2²⁴ − 1): CARLA's 24 bits, which
                 AT/DT's released code reads (core/input.py); steps of 0.06 mm up to 1000 m
    uint16/N     PNG of 16 bits, metres = v / N (KITTI 256, TUM 5000, millimetres 1000)
    npy          NumPy file of (H, W) numbers, metres
Normals, float32 (H, W, 3) unit vectors in the camera's frame, 0 where there is none:
    rgb8         PNG, n = v/255·2 − 1; (128, 128, 128) where there is none
"""

import io
import math
import re
from pathlib import Path

import numpy as np
from PIL import Image

from atdt.domains.pictures import opened, read_channels, read_numbers
from atdt.errors import DomainError
from atdt.files import write_atomic
from atdt.npy import map_npy

DEFAULTS = {"semantic": "ids", "depth": "rgb24-1000m", "normals": "rgb8"}
RGB24_FARTHEST, RGB24_STEPS = 1000.0, 2**24 - 1
UINT16_LARGEST = 2**16 - 1
NO_NORMAL = 128
SHORTEST, LONGEST = 0.5, 1.5  # lengths that are a normal: rounding to 8 bits moves them by 0.01
LENGTH_ERROR = 0.01  # of a unit vector to be written: more than bfloat16's rounding


def check_encoding(kind: str, encoding: str) -> str:
    """`encoding`, if labels of `kind` can have it.

    Raises:
        DomainError: they cannot; names the ones that they can have.
    """
    if kind == "depth":
        if encoding not in ("rgb24-1000m", "npy"):
            _per_metre(encoding)
    elif encoding != DEFAULTS[kind]:
        raise DomainError(f"{kind} encoding {encoding!r}: only {DEFAULTS[kind]!r} is known")
    return encoding


def write_png(path: str | Path, array: np.ndarray) -> Path:
    """Write uint8 (H, W) or (H, W, 3) as a PNG.

    Raises:
        ValueError: another type or shape.
    """
    if array.dtype != np.uint8 or not (array.ndim == 2 or array.shape[2:] == (3,)):
        raise ValueError(f"{path}: expected uint8 (H, W) or (H, W, 3), got {_what(array)}")
    return _write_picture(path, array)


def read_png(path: str | Path) -> np.ndarray:
    """Read an 8-bit image as it is: uint8 (H, W) grey or palette indices, (H, W, 3) colours.

    Raises:
        DomainError: the file is absent, damaged, or not of 8 bits.
    """
    with opened(Path(path)) as picture:
        if picture.mode in ("L", "P"):
            return np.array(picture)
    return read_channels(Path(path))


def write_depth(path: str | Path, metres: np.ndarray, encoding: str) -> Path:
    """Write depth (H, W) in metres, 0 where there is none (sky too).

    Raises:
        DomainError: a depth that is not finite, below 0, beyond what the encoding holds, or so
            small that it would be written as 0; names it.
    """
    metres = np.asarray(metres)
    if metres.ndim != 2:
        raise ValueError(f"{path}: expected (H, W) metres, got {_what(metres)}")
    _check_depth(path, metres)
    if encoding == "npy":
        buffer = io.BytesIO()
        np.save(buffer, metres.astype(np.float32), allow_pickle=False)
        return write_atomic(path, buffer.getvalue())
    if encoding == "rgb24-1000m":
        per_metre, largest = RGB24_STEPS / RGB24_FARTHEST, RGB24_STEPS
    else:
        per_metre, largest = _per_metre(encoding), UINT16_LARGEST
    numbers = np.rint(metres.astype(np.float64) * per_metre)
    if (beyond := numbers > largest).any():
        raise DomainError(
            f"{path}: depth {metres[beyond].max():g} m is beyond {encoding}, which ends at "
            f"{largest / per_metre:g} m; write 0 for none, or use another encoding"
        )
    if (vanished := (numbers == 0) & (metres > 0)).any():
        raise DomainError(
            f"{path}: depth {metres[vanished].min():g} m would become 0 (none) in {encoding}, "
            f"which has steps of {1 / per_metre:g} m"
        )
    if encoding == "rgb24-1000m":
        whole = numbers.astype(np.uint32)
        channels = np.stack([whole & 255, whole >> 8 & 255, whole >> 16], axis=2)
        return write_png(path, channels.astype(np.uint8))
    return _write_picture(path, numbers.astype(np.uint16))


def read_depth(path: str | Path, encoding: str) -> np.ndarray:
    """Read depth as float32 (H, W) metres, 0 where there is none.

    Raises:
        DomainError: the file is absent, damaged, or not of this encoding.
    """
    path = Path(path)
    if encoding == "npy":
        return _read_npy(path)
    if encoding == "rgb24-1000m":
        numbers = read_channels(path) @ np.array([1.0, 2.0**8, 2.0**16])
        return (numbers * (RGB24_FARTHEST / RGB24_STEPS)).astype(np.float32)
    numbers = read_numbers(path)
    if numbers.dtype != np.uint16:
        raise DomainError(f"{path}: has 8 bits, but {encoding} needs 16")
    return (numbers / _per_metre(encoding)).astype(np.float32)


def write_normals(path: str | Path, normals: np.ndarray) -> Path:
    """Write unit vectors (H, W, 3), 0 where there is none.

    Raises:
        DomainError: a vector that is neither 0 nor of length 1 (within 1 %); names its length.
    """
    normals = np.asarray(normals, np.float64)
    if normals.ndim != 3 or normals.shape[2] != 3:
        raise ValueError(f"{path}: expected (H, W, 3), got {_what(normals)}")
    length = np.linalg.norm(normals, axis=2)
    unit = np.abs(length - 1) <= LENGTH_ERROR
    if (wrong := ~(unit | (length == 0))).any():
        raise DomainError(
            f"{path}: a normal has length {length[wrong][0]:g}; it must have 1, or 0 for none"
        )
    numbers = np.clip(np.rint((normals + 1) * 127.5), 0, 255)
    return write_png(path, np.where(unit[:, :, None], numbers, NO_NORMAL).astype(np.uint8))


def read_normals(path: str | Path) -> np.ndarray:
    """Read normals as float32 (H, W, 3): of length 1, or exactly 0 where there is none.

    Vectors shorter than 0.5 (grey) or longer than 1.5 (black) are none; the others are scaled to
    length 1.

    Raises:
        DomainError: the file is absent, damaged, or has not three channels.
    """
    vectors = read_channels(Path(path)).astype(np.float32) / np.float32(127.5) - 1
    length = np.sqrt(np.einsum("hwc,hwc->hw", vectors, vectors))[:, :, None]
    there = (length >= SHORTEST) & (length <= LONGEST)
    return np.where(there, vectors / np.maximum(length, SHORTEST), np.float32(0))


def _per_metre(encoding: str) -> float:
    match = re.fullmatch(r"uint16/(\d+(?:\.\d+)?)", encoding)
    if not match or not 0 < float(match[1]) < math.inf:
        raise DomainError(
            f"depth encoding {encoding!r}: known are 'rgb24-1000m', 'npy', and 'uint16/N' with N "
            "steps a metre, such as 'uint16/256'"
        )
    return float(match[1])


def read_predicted_depth(path: str | Path) -> np.ndarray:
    """Depth (H, W) float32 metres as a network predicts it: what is not above 0 is none.

    Raises:
        DomainError: the file is absent or no such array, or a value is not finite.
    """
    metres = _load_npy(Path(path))
    metres = np.where(metres < 0, 0, metres)
    _check_depth(path, metres)
    return metres.astype(np.float32)


def _read_npy(path: Path) -> np.ndarray:
    metres = _load_npy(path)
    _check_depth(path, metres)
    return np.array(metres, np.float32)


def _load_npy(path: Path) -> np.ndarray:
    try:
        metres = map_npy(path)
    except FileNotFoundError:
        raise DomainError(f"{path}: no such file") from None
    except ValueError as error:
        raise DomainError(f"{path}: does not load as an array ({error})") from None
    if not isinstance(metres, np.ndarray) or metres.ndim != 2 or metres.dtype.kind not in "fiu":
        raise DomainError(f"{path}: holds {_what(metres)}, but depth is (H, W) numbers")
    return metres


def _check_depth(path: str | Path, metres: np.ndarray) -> None:
    if (wrong := ~(np.isfinite(metres) & (metres >= 0))).any():
        raise DomainError(
            f"{path}: depth {metres[wrong][0]:g} m in {wrong.sum()} pixels; write 0 for none"
        )


def _write_picture(path: str | Path, array: np.ndarray) -> Path:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, format="PNG")
    return write_atomic(path, buffer.getvalue())


def _what(content: object) -> str:
    if isinstance(content, np.ndarray):
        return f"{content.dtype} {content.shape}"
    return type(content).__name__
