"""What every sample of a store is: which image, which view, which box of it."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from atdt.errors import StoreError
from atdt.files import PLAIN

STRING = np.dtypes.StringDType()  # as long as each is: fixed widths take thrice the memory
TOGETHER = 2**14  # strings that are Python's at a time


@dataclass(frozen=True, eq=False)
class SampleTable:
    """The sample vectors, one entry a sample, view-major (sample = view · images + i).

    Attributes:
        sample_id: (S,) str (numpy's StringDType), unique.
        image: (S,) likewise, path of the image relative to the domain's root.
        view: (S,) int16, 0 is the plain image.
        flip: (S,) bool, mirrored left to right.
        box: (S, 4) int32, y, x, height, width in pixels of the image.
        size: (S, 2) int32, height and width of the image in pixels.

    The arrays are read-only; what has its type already is not copied.

    Raises:
        StoreError: shapes differ, there are no samples, an id comes twice, or an image's path
            is absolute or climbs with `..`.
    """

    sample_id: np.ndarray
    image: np.ndarray
    view: np.ndarray
    flip: np.ndarray
    box: np.ndarray
    size: np.ndarray

    def __post_init__(self) -> None:
        samples = len(self.sample_id)
        if not samples:
            raise StoreError("a store needs at least one sample; the domain's list is empty")
        for name, (dtype, tail) in COLUMNS.items():
            value = np.asarray(getattr(self, name), dtype=dtype).view()
            if value.shape != (samples, *tail):
                raise StoreError(
                    f"sample vector {name!r} has shape {value.shape}, not {(samples, *tail)}"
                )
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        twice = first_twice(self.sample_id)
        if twice is not None:
            raise StoreError(f"sample id {twice!r} comes twice; ids must be unique")
        for path in self.image:
            _check_relative(path)

    def __len__(self) -> int:
        return len(self.sample_id)

    def digest(self) -> str:
        """Hexadecimal sha256 of all values, whatever file they are kept in."""
        state = hashlib.sha256(f"{len(self)}".encode())
        for name, (dtype, _) in COLUMNS.items():
            value = getattr(self, name)
            if dtype is STRING:
                digest = _digest_of_strings(value)
            else:
                data = value.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
                digest = hashlib.sha256(data).digest()
            state.update(name.encode() + digest)
        return state.hexdigest()


def first_twice(names: np.ndarray) -> str | None:
    """The first that was there before, in memory for a number each; None where all differ."""
    hashes = np.fromiter(map(hash, names), np.int64, len(names))
    hashes.sort()
    if (hashes[1:] != hashes[:-1]).all():
        return None
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)


def _digest_of_strings(values: np.ndarray) -> bytes:
    """Sha256 of the strings, a zero byte between each two."""
    state = hashlib.sha256()
    for start in range(0, len(values), TOGETHER):
        piece = "\0".join(values[start : start + TOGETHER].tolist())
        state.update(("\0" if start else "").encode() + piece.encode())
    return state.digest()


# dtype and trailing shape of each vector.
COLUMNS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "sample_id": (STRING, ()),
    "image": (STRING, ()),
    "view": (np.int16, ()),
    "flip": (np.bool_, ()),
    "box": (np.int32, (4,)),
    "size": (np.int32, (2,)),
}


def _check_relative(path: str) -> None:
    """Predictions are written under image names, so a stranger's store must not choose where."""
    if PLAIN.fullmatch(path):  # as nearly all are
        return
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    climbs = ".." in posix.parts or ".." in windows.parts
    if not path or climbs or posix.is_absolute() or windows.drive or windows.root:
        raise StoreError(f"image {path!r}: must be a path below the domain's root, without '..'")
