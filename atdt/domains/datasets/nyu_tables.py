"""NYUv2's small tables: which frames are of which split, and which of the 40 classes a label is.

Each is a MATLAB 5 file, as it is handed out, or a text.
"""

from pathlib import Path

import numpy as np

from atdt.domains.labels import label_space
from atdt.domains.matlab5 import read_vectors
from atdt.errors import DomainError
from atdt.texts import read_bounded

SPLITS = {"train": "trainNdxs", "test": "testNdxs"}  # names in splits.mat
MAPPING = "mapClass"  # name in classMapping40.mat, (1, 894)
LARGEST = 2**22  # bytes of a table; they have some kilobytes
BIGGEST = 2**31  # of numbers; far above any that is right


def read_classes(path: Path, labels: int) -> np.ndarray:
    """For each label of the data set, from 1 on, its class among the 40: int64 (labels,), 1 … 40.

    Args:
        path: classMapping40.mat, or a text of as many numbers.
        labels: how many there are; 894.

    Raises:
        DomainError: it cannot be read, or holds other numbers.
    """
    if path.suffix.lower() == ".mat":
        numbers = _whole(path, read_vectors(path, MAPPING)[0])
    else:
        numbers = _whole(path, _text(path).replace(",", " ").split())
    if len(numbers) != labels:
        raise DomainError(f"{path}: {len(numbers)} numbers, one for each of {labels} labels needed")
    most = len(label_space("nyu40").classes)
    if (wrong := (numbers < 1) | (numbers > most)).any():
        raise DomainError(f"{path}: {numbers[wrong][0]} is none of the classes 1 to {most}")
    return numbers


def read_splits(path: Path, frames: int) -> dict[str, list[int]]:
    """Numbers of the frames, from 1 on, of the splits train and test, in order.

    Args:
        path: splits.mat, or a text: a line for each split, its name and then the numbers.
        frames: how many there are; 1449.

    Raises:
        DomainError: it cannot be read, or names a frame that is not there or is there twice.
    """
    if path.suffix.lower() == ".mat":
        vectors = read_vectors(path, *SPLITS.values())
        splits = {
            split: _whole(path, numbers) for split, numbers in zip(SPLITS, vectors, strict=True)
        }
    else:
        splits = _lines(path)
    every = np.concatenate(list(splits.values()))
    if (wrong := (every < 1) | (every > frames)).any():
        raise DomainError(f"{path}: {every[wrong][0]} is none of the frames 1 to {frames}")
    found, times = np.unique(every, return_counts=True)
    if (times > 1).any():
        raise DomainError(f"{path}: frame {found[times > 1][0]} is there twice")
    return {split: np.sort(numbers).tolist() for split, numbers in splits.items()}


def _lines(path: Path) -> dict[str, np.ndarray]:
    splits: dict[str, np.ndarray] = {}
    for line in filter(str.strip, _text(path).split("\n")):
        split, *numbers = line.replace(",", " ").split()
        if split not in SPLITS or split in splits:
            raise DomainError(f"{path}: a line begins with {split[:20]!r}; {_form()}")
        splits[split] = _whole(path, numbers)
    if set(splits) != set(SPLITS):
        raise DomainError(f"{path}: a split is missing; {_form()}")
    return splits


def _form() -> str:
    return f"{' and '.join(SPLITS)} have a line each: the name, then numbers of frames"


def _text(path: Path) -> str:
    try:
        return read_bounded(path, LARGEST).decode("utf-8-sig")
    except FileNotFoundError:
        raise DomainError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise DomainError(f"{path}: is no text; a MATLAB file must end in .mat") from None


def _whole(path: Path, values: np.ndarray | list[str]) -> np.ndarray:
    """`values` as int64 (N)."""
    try:
        exact = np.asarray(values).astype(np.float64)
    except ValueError as error:
        raise DomainError(f"{path}: whole numbers are needed ({error})") from None
    if (wrong := ~((np.abs(exact) < BIGGEST) & (exact == np.rint(exact)))).any():
        raise DomainError(f"{path}: {exact[wrong][0]:g} is no whole number")
    return exact.astype(np.int64)
