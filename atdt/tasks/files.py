"""Prediction files that hold a NumPy array."""

from pathlib import Path

import numpy as np

from atdt.errors import UserError
from atdt.npy import map_npy, write_npy


def with_suffix(path: Path, suffix: str) -> Path:
    """`path` + `suffix`: an image's name may hold dots, so nothing is replaced."""
    return path.with_name(path.name + suffix)


def write_map(path: Path, values: np.ndarray) -> Path:
    """Write `values` (h, w) as a float32 `.npy` file, atomically.

    Raises:
        ValueError: another number of dimensions.
    """
    if values.ndim != 2:
        raise ValueError(f"{path}: expected (h, w), got {values.shape}")
    return write_npy(path, values.astype(np.float32))


def read_map(path: Path) -> np.ndarray:
    """Read a float32 (h, w) array of finite values; pickles are refused.

    Raises:
        UserError: the file is absent, no such array, or holds NaN or infinities.
    """
    try:
        values = map_npy(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; predict again") from None
    except ValueError:  # numpy's own words advise to unpickle the file
        raise UserError(f"{path}: no array of numbers; predict again") from None
    if not isinstance(values, np.ndarray) or values.dtype != np.float32 or values.ndim != 2:
        raise UserError(f"{path}: not a float32 array of (height, width); predict again")
    if not np.isfinite(values).all():
        raise UserError(f"{path}: holds NaN or infinity; the network that made it is broken")
    return np.array(values)
