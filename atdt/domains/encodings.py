"""How labels are written to files and read back: depth, normals, semantic ids.

Arrays have no colours of their own here; `atdt.tasks` makes pictures. Every file is written whole
or not at all.

Depth, float32 (H, W) metres, 0 where there is none:
    npy          NumPy file of (H, W) or (H, W, 1) numbers, metres
    rgb24-1000m  PNG, metres = 1000·(R + 256·G + 65536·B) / (2²⁴ − 1): CARLA's 24 bits, which
                 AT/DT's released code reads (core/input.py); SYNTHIA-AL's is rgb24-5000m
    uint16/N     PNG of 16 bits, metres = v / N (KITTI 256, TUM 5000, millimetres 1000)
    uint16*S+O   the same, metres = S·v + O where v is not 0
    disparity/N  PNG of 16 bits, v / N pixels of disparity (KITTI 256), by the camera to metres
    disparity-cityscapes  the same, (v − 1) / 256 pixels
    sunrgbd      PNG of 16 bits, rotated by three: millimetres
    nyu-raw      PGM of 16 bits, bytes swapped: a Kinect's numbers, 351.3 / (1092.5 − v) metres
Normals, float32 (H, W, 3) unit vectors in the camera's frame, 0 where there is none:
    rgb8         PNG, n = v/255·2 − 1; (128, 128, 128) where there is none
    npy          NumPy file of (H, W, 3) numbers
Semantic ids, see `atdt.domains.semantic_files`:
    ids          image of one channel, or a palette's indices
    red          the red channel (CARLA's raw tags)
    colours      colours of the files' label space
    npy          NumPy file of (H, W) whole numbers, -1 where there is none
    halves       grey image: class 1 from the middle of the grey values upwards
    parts        .mat file of PASCAL-Part: a person's parts
"""

from pathlib import Path

import numpy as np

from atdt.domains.depth_encodings import depth_encoding
from atdt.domains.depth_files import (
    read_depth,
    read_predicted_depth,
    read_relative_depth,
    write_depth,
)
from atdt.domains.pictures import opened, read_channels, read_numbers, write_picture
from atdt.domains.semantic_files import SEMANTIC_ENCODINGS
from atdt.errors import DomainError
from atdt.npy import load_npy
from atdt.places import place

__all__ = [
    "DEFAULTS",
    "check_encoding",
    "needs_camera",
    "read_depth",
    "read_normals",
    "read_png",
    "read_predicted_depth",
    "read_relative_depth",
    "write_depth",
    "write_normals",
    "write_png",
]

DEFAULTS = {"semantic": "ids", "depth": "rgb24-1000m", "normals": "rgb8"}
OTHERS = {"semantic": SEMANTIC_ENCODINGS, "normals": ("rgb8", "npy")}
NO_NORMAL = 128
SHORTEST, LONGEST = 0.5, 1.5  # lengths that are a normal: rounding to 8 bits moves them by 0.01
LENGTH_ERROR = 0.01  # of a unit vector to be written: more than bfloat16's rounding


def check_encoding(kind: str, encoding: str) -> str:
    """`encoding`, if labels of `kind` can have it.

    Raises:
        DomainError: they cannot; names the ones that they can have.
    """
    if kind == "depth":
        if encoding != "npy":
            depth_encoding(encoding)
    elif encoding not in OTHERS[kind]:
        known = ", ".join(map(repr, OTHERS[kind]))
        raise DomainError(f"{kind} encoding {encoding!r}: known are {known}")
    return encoding


def needs_camera(encoding: str) -> bool:
    """Whether depth is read through the camera: it is a disparity."""
    return encoding != "npy" and depth_encoding(encoding).needs_camera


def write_png(path: str | Path, array: np.ndarray) -> Path:
    """Write uint8 (H, W) or (H, W, 3) as a PNG.

    Raises:
        ValueError: another type or shape.
    """
    if array.dtype != np.uint8 or not (array.ndim == 2 or array.shape[2:] == (3,)):
        raise ValueError(
            f"{path}: expected uint8 (H, W) or (H, W, 3), got {array.dtype} {array.shape}"
        )
    return write_picture(path, array)


def read_png(path: str | Path) -> np.ndarray:
    """Read an 8-bit image as it is: uint8 (H, W) grey or palette indices, (H, W, 3) colours.

    Raises:
        DomainError: the file is absent, damaged, or not of 8 bits.
    """
    with opened(place(path)) as picture:
        if picture.mode in ("L", "P"):
            return read_numbers(place(path))
    return read_channels(place(path))


def write_normals(path: str | Path, normals: np.ndarray) -> Path:
    """Write unit vectors (H, W, 3), 0 where there is none.

    Raises:
        DomainError: a vector that is neither 0 nor of length 1 (within 1 %); names its length.
    """
    normals = np.asarray(normals, np.float64)
    if normals.ndim != 3 or normals.shape[2] != 3:
        raise ValueError(f"{path}: expected (H, W, 3), got {normals.shape}")
    length = np.linalg.norm(normals, axis=2)
    unit = np.abs(length - 1) <= LENGTH_ERROR
    if (wrong := ~(unit | (length == 0))).any():
        raise DomainError(
            f"{path}: a normal has length {length[wrong][0]:g}; it must have 1, or 0 for none"
        )
    numbers = np.clip(np.rint((normals + 1) * 127.5), 0, 255)
    return write_png(path, np.where(unit[:, :, None], numbers, NO_NORMAL).astype(np.uint8))


def read_normals(path: str | Path, encoding: str = "rgb8") -> np.ndarray:
    """Read normals as float32 (H, W, 3): of length 1, or exactly 0 where there is none.

    Vectors shorter than 0.5 (grey) or longer than 1.5 (black) are none; the others are scaled to
    length 1.

    Raises:
        DomainError: the file is absent, damaged, or has not three channels.
    """
    if encoding == "npy":
        vectors = load_npy(path, (None, None, 3)).astype(np.float32)
    else:
        vectors = read_channels(place(path)).astype(np.float32) / np.float32(127.5) - 1
    length = np.sqrt(np.einsum("hwc,hwc->hw", vectors, vectors))[:, :, None]
    there = (length >= SHORTEST) & (length <= LONGEST)
    return np.where(there, vectors / np.maximum(length, SHORTEST), np.float32(0))
