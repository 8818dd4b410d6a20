"""NumPy files from anywhere: mapped, never unpickled."""

import io
import tokenize
from pathlib import Path
from typing import Any

import numpy as np

from atdt.copies import local_copy
from atdt.errors import DomainError
from atdt.files import write_atomic
from atdt.places import place

# What damaged or forged headers raise, found by forging them.
BROKEN = (OSError, ValueError, EOFError, ArithmeticError, SyntaxError, RecursionError, MemoryError)


def map_npy(path: Path) -> Any:
    """What a NumPy file holds; an array is mapped, so that its header alone takes no memory.

    Raises:
        FileNotFoundError: it is absent.
        ValueError: it is no such file, holds objects, or promises more than it has.
    """
    try:
        # Sizes may be beyond 64 bits.
        with np.errstate(over="raise"), local_copy(path) as here:
            return np.load(here, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise
    except (*BROKEN, tokenize.TokenError) as error:
        said = str(error).partition("\n")[0]
        # NumPy's hint is to unpickle what may be anybody's.
        raise ValueError("it is no .npy file" if "allow_pickle" in said else said) from None


def write_npy(path: Path, array: np.ndarray) -> Path:
    """Write an array whole or not at all; the path."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return write_atomic(path, buffer.getvalue())


def load_npy(path: str | Path, *shapes: tuple[int | None, ...]) -> np.ndarray:
    """The numbers of a NumPy file of one of `shapes` (None: any length), mapped.

    An array of a longer shape that ends in 1 is given without that axis.

    Raises:
        DomainError: the file is absent, no such file, or holds another shape or no numbers.
    """
    try:
        array = map_npy(place(path))
    except FileNotFoundError:
        raise DomainError(f"{path}: no such file") from None
    except ValueError as error:
        raise DomainError(f"{path}: does not load as an array ({error})") from None
    known = isinstance(array, np.ndarray) and array.dtype.kind in "fiu"
    if not known or not any(_fits(array.shape, shape) for shape in shapes):
        held = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else _name(array)
        wanted = " or ".join(_shown(shape) for shape in shapes)
        raise DomainError(f"{path}: holds {held}, but {wanted} numbers are needed")
    return array[..., 0] if array.ndim > len(shapes[0]) else array


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        b in (None, a) for a, b in zip(shape, wanted, strict=True)
    )


def _shown(shape: tuple[int | None, ...]) -> str:
    sides = iter("HW")
    return "(" + ", ".join(next(sides) if n is None else str(n) for n in shape) + ")"


def _name(content: object) -> str:
    return type(content).__name__
