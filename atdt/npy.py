"""NumPy files from anywhere: mapped, never unpickled."""

import tokenize
from pathlib import Path
from typing import Any

import numpy as np

# What damaged or forged headers raise, found by forging them.
BROKEN = (OSError, ValueError, EOFError, ArithmeticError, SyntaxError, RecursionError, MemoryError)


def map_npy(path: Path) -> Any:
    """What a NumPy file holds; an array is mapped, so that its header alone takes no memory.

    Raises:
        FileNotFoundError: it is absent.
        ValueError: it is no such file, holds objects, or promises more than it has.
    """
    try:
        with np.errstate(over="raise"):  # of sizes beyond 64 bits
            return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise
    except (*BROKEN, tokenize.TokenError) as error:
        raise ValueError(str(error).partition("\n")[0]) from None
