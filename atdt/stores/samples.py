"""What every sample of a store is: which image, which view, which box of it."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np

from atdt.errors import StoreError


@dataclass(frozen=True, eq=False)
class SampleTable:
    """The sample vectors, one entry a sample, view-major (sample = view · images + i).

    Attributes:
        sample_id: (S,) str, unique.
        image: (S,) str, path of the image relative to the domain's root.
        view: (S,) int16, 0 is the plain image.
        flip: (S,) bool, mirrored left to right.
        box: (S, 4) int32, y, x, height, width in pixels of the image.
        size: (S, 2) int32, height and width of the image in pixels.

    The arrays are copied and read-only.

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
            value = np.array(getattr(self, name), dtype=dtype)
            if value.shape != (samples, *tail):
                raise StoreError(
                    f"sample vector {name!r} has shape {value.shape}, not {(samples, *tail)}"
                )
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        names, counts = np.unique(self.sample_id, return_counts=True)
        if len(names) < samples:
            twice = str(names[counts > 1][0])
            raise StoreError(f"sample id {twice!r} comes twice; ids must be unique")
        for path in np.unique(self.image):
            _check_relative(str(path))

    def __len__(self) -> int:
        return len(self.sample_id)

    def digest(self) -> str:
        """Hexadecimal sha256 of all values, whatever file they are kept in."""
        state = hashlib.sha256(f"{len(self)}".encode())
        for name, (dtype, _) in COLUMNS.items():
            value = getattr(self, name)
            if dtype is np.str_:
                data = "\0".join(value.tolist()).encode()
            else:
                data = value.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
            state.update(name.encode() + hashlib.sha256(data).digest())
        return state.hexdigest()


# dtype and trailing shape of each vector.
COLUMNS: dict[str, tuple[type, tuple[int, ...]]] = {
    "sample_id": (np.str_, ()),
    "image": (np.str_, ()),
    "view": (np.int16, ()),
    "flip": (np.bool_, ()),
    "box": (np.int32, (4,)),
    "size": (np.int32, (2,)),
}


def _check_relative(path: str) -> None:
    """Predictions are written under image names, so a stranger's store must not choose where."""
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    climbs = ".." in posix.parts or ".." in windows.parts
    if not path or climbs or posix.is_absolute() or windows.drive or windows.root:
        raise StoreError(f"image {path!r}: must be a path below the domain's root, without '..'")
