"""Semantic label files: raw ids, however they are written.

ids      an image of one channel, or a palette's indices
red      the red channel of an image, the others 0: CARLA's raw tags
colours  an image in the colours of the files' label space, a palette's too; its colour for void
         becomes 255
npy      a NumPy file of (H, W) whole numbers; -1 stands for no class (mtan's NYUv2)
halves   a grey image: 1 from the middle of the grey values upwards, else 0 (ASTMT's saliency)
parts    a .mat file of PASCAL-Part: a person's parts by their names, see `person_parts`
"""

from pathlib import Path

import numpy as np

from atdt.domains.labels import IGNORE, LabelSpace
from atdt.domains.person_parts import read_person_parts
from atdt.domains.pictures import opened, read_channels, read_colours, read_numbers
from atdt.errors import DomainError
from atdt.npy import load_npy

SEMANTIC_ENCODINGS = ("ids", "red", "colours", "npy", "halves", "parts")
NAMING = ("colours", "parts")  # read by what the files' label space calls or paints classes
MIDDLE = 127.5  # of grey values
SHOWN = 4  # unknown colours that a message names


def read_ids(path: Path, encoding: str, in_files: LabelSpace | None) -> np.ndarray:
    """Raw ids (H, W), of uint8 or uint16.

    Args:
        path: the file.
        encoding: one of `SEMANTIC_ENCODINGS`.
        in_files: label space of the files, for its colours or names.

    Raises:
        DomainError: the file is absent, damaged, or not of this encoding; or holds a colour that
            `in_files` lacks, or a part: names it and how many pixels have it.
    """
    if encoding == "ids":
        return read_numbers(path)
    if encoding == "npy":
        return _from_npy(path)
    if encoding == "halves":
        return _from_grey(path)
    if encoding in NAMING and in_files is None:
        raise DomainError(f"{path}: {encoding} need `file_label_space` or `label_table`")
    if encoding == "parts":
        return read_person_parts(path, in_files)
    if encoding == "red":
        channels = read_channels(path)
        if (more := channels[..., 1:].any(axis=2)).any():
            colour = channels[more][0].tolist()
            raise DomainError(
                f"{path}: {more.sum()} pixels, such as {colour}, have green or blue: these are "
                "colours, not tags in the red channel"
            )
        return channels[..., 0]
    return _from_colours(path, read_colours(path), in_files)


def check_colours(space: LabelSpace, targets: dict[int, int]) -> None:
    """Prove that files in the colours of `space` can be read.

    Args:
        space: label space of the files.
        targets: what each id becomes.

    Raises:
        DomainError: two classes have one colour, but become different classes.
    """
    first: dict[tuple[int, ...], int] = {}
    for number, colour in enumerate(space.colours):
        other = first.setdefault(tuple(colour), number)
        if targets.get(other) != targets.get(number):
            one, two = space.classes[other], space.classes[number]
            raise DomainError(
                f"{one!r} and {two!r} of {space.name!r} have the same colour {list(colour)}, but "
                "become different classes: files of ids are needed"
            )


def _from_npy(path: Path) -> np.ndarray:
    ids = np.asarray(load_npy(path, (None, None), (None, None, 1)))
    void = ids == -1
    whole = np.where(void, IGNORE, ids)
    if (wrong := (whole != np.rint(whole)) | (whole < 0) | (whole > np.iinfo(np.uint16).max)).any():
        raise DomainError(f"{path}: {whole[wrong][0]:g} in {wrong.sum()} pixels is no id")
    return whole.astype(np.uint16)


def _from_grey(path: Path) -> np.ndarray:
    with opened(path) as picture:
        if picture.mode != "L":
            raise DomainError(f"{path}: has mode {picture.mode}, not grey values of 8 bits")
        return (np.asarray(picture) > MIDDLE).astype(np.uint8)


def _from_colours(path: Path, channels: np.ndarray, space: LabelSpace) -> np.ndarray:
    weights = np.array([2**16, 2**8, 1])
    found, where = np.unique(channels @ weights, return_inverse=True)
    known = {int(np.dot(colour, weights)): k for k, colour in reversed([*enumerate(space.colours)])}
    if space.void is not None:
        known[int(np.dot(space.void, weights))] = IGNORE
    ids = np.array([known.get(int(code), -1) for code in found])
    if (ids < 0).any():
        counts = np.bincount(where.ravel(), minlength=len(found))
        lacking = [k for k in np.argsort(-counts) if ids[k] < 0]
        met = ", ".join(f"{_parts(found[k])} ({counts[k]} pixels)" for k in lacking[:SHOWN])
        more = f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
        raise DomainError(f"{path}: holds colours {met}{more}, which {space.name!r} lacks")
    return ids.astype(np.uint8)[where].reshape(channels.shape[:2])


def _parts(code: int) -> list[int]:
    return [int(code) >> 16, int(code) >> 8 & 255, int(code) & 255]
