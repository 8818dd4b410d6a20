"""`atdt data unpack nyuv2`: NYUv2's labelled frames, out of their .mat file into files.

nyu_depth_v2_labeled.mat (Silberman, Hoiem, Kohli, Fergus: ECCV 2012) is HDF5, as MATLAB 7.3 writes
it. MATLAB's first axis is the last of HDF5's, so that arrays are met with their axes turned round:

    images     (frame, 3, x, y) uint8
    depths     (frame, x, y) float32, metres, holes in-painted
    rawDepths  the same as it was measured, 0 where there is none
    labels     (frame, x, y) uint16, 1 … 894, 0 for none
    names      (1, 894), names of these classes; only their number is used

They become the layout nyuv2-png:

    OUT/unpack.json        what the folder is made from; written first
    OUT/image/0001.png     8-bit colours; the first frame is 1, as in MATLAB
    OUT/depth/0001.png     16 bits, millimetres: up to 65 m, of which the data set needs 10
    OUT/label894/0001.png  16 bits, ids of the .mat file
    OUT/label40/0001.png   8 bits, ids 0 … 39, 255 for none; with `classes`
    OUT/splits/train.txt, test.txt   names of frames; with `splits`
    OUT/splits/all.txt     written last: while it is absent, files may be missing
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from atdt.ahead import ahead
from atdt.digests import sha256_json
from atdt.domains.datasets.nyu_tables import read_classes, read_splits
from atdt.domains.encodings import write_depth, write_png
from atdt.domains.labels import IGNORE
from atdt.domains.pictures import write_picture
from atdt.errors import DomainError, UserError
from atdt.files import write_atomic
from atdt.progress import progress
from atdt.texts import read_json, write_json

ABOUT = "unpack.json"
DEPTH_ENCODING = "uint16/1000"
EXPECTED = "expected nyu_depth_v2_labeled.mat, NYUv2's labelled data set (MATLAB 7.3, HDF5)"
LARGEST_FRAME = 2**24  # pixels: a stranger's file must not fill the memory
CACHE = 2**25  # bytes of chunks that stay decoded: MATLAB may lay several frames in one
THREADS = 4  # encoding lets go of Python's lock
BROKEN = (OSError, RuntimeError, KeyError, ValueError, TypeError)  # h5py's, by damaging files

Job = tuple[int, dict[str, Path]]  # a frame, and the files that it lacks, by folder


@dataclass(frozen=True)
class Unpacking:
    """What to unpack.

    Attributes:
        mat: nyu_depth_v2_labeled.mat.
        out: the folder: absent, empty, or one that the same file was unpacked into.
        splits: splits.mat or a text, see `read_splits`; None: all frames are one split.
        classes: classMapping40.mat or a text, see `read_classes`; None: no label40.
        raw_depth: depth as it was measured, not in-painted.
    """

    mat: Path
    out: Path
    splits: Path | None = None
    classes: Path | None = None
    raw_depth: bool = False


def unpack_nyu(config: Unpacking) -> Path:
    """Write the frames as files; gives back their folder.

    Files that are there are kept, since each is written whole: a stopped unpacking goes on, and 40
    classes or splits can be added later. No more than a few frames are in memory at a time.

    Raises:
        DomainError: a file is not what it should be, or cannot be read; names it.
        UserError: `out` holds other things, or h5py is not installed.
    """
    out, ids, splits = config.out, None, {}
    with _opened(config) as frames:
        if config.classes is not None:
            ids = np.full(frames.labels + 1, IGNORE, np.uint8)
            ids[1:] = read_classes(config.classes, frames.labels) - 1
        if config.splits is not None:
            splits = read_splits(config.splits, frames.count)
        _begin(out, frames, ids)
        last = out / "splits/all.txt"
        last.unlink(missing_ok=True)
        folders = ["image", "depth", "label894"] + ["label40"] * (ids is not None)
        jobs = [job for index in range(frames.count) if (job := _job(out, index, folders))[1]]
        with (
            progress("unpack nyuv2", len(jobs), "frames") as advance,
            closing(ahead(partial(_write, frames, ids), jobs, THREADS, THREADS)) as done,
        ):
            for _ in done:
                advance(1)
    for split, numbers in (splits | {last.stem: range(1, frames.count + 1)}).items():
        names = "".join(f"{_name(number)}\n" for number in numbers)
        write_atomic(last.with_stem(split), names.encode())
    return out


class _Frames:
    """The frames of an open .mat file.

    Args:
        path: of the file.
        file: the same, as h5py opened it.
        depth: "depths" or "rawDepths".

    Raises:
        DomainError: it holds other things.
    """

    def __init__(self, path: Path, file: Any, depth: str):
        self._path, self._file = path, file
        self._arrays = {
            "images": self._array("images", "u1", 4),
            "depth": self._array(depth, "f4", 3),
            "labels": self._array("labels", "u2", 3),
        }
        self.labels = int(self._array("names", "O", 2).size)
        shape = self._arrays["images"].shape
        self.count, channels, self._width, self._height = shape
        if channels != 3 or self._width * self._height > LARGEST_FRAME:
            raise self._other(f"images is {shape}")
        for array in (self._arrays["depth"], self._arrays["labels"]):
            if array.shape != (self.count, self._width, self._height):
                raise self._other(f"images is {shape} and {array.name[1:]} {array.shape}")
        self._depth = depth

    def image(self, index: int) -> np.ndarray:
        """uint8 (H, W, 3)."""
        return self._read("images", index).transpose(2, 1, 0)

    def depth(self, index: int) -> np.ndarray:
        """float32 (H, W) metres, 0 where there is none."""
        return self._read("depth", index).T

    def label(self, index: int) -> np.ndarray:
        """uint16 (H, W), 1 … `labels`, 0 where there is none.

        Raises:
            DomainError: a larger one.
        """
        label = self._read("labels", index).T
        if (most := label.max()) > self.labels:
            raise DomainError(
                f"{self._path}: frame {index + 1} has label {most}, but names only {self.labels}"
            )
        return label

    def to_dict(self) -> dict[str, Any]:
        """What tells this file's frames from others, as JSON can hold it."""
        return {
            "bytes": self._path.stat().st_size,
            "frames": self.count,
            "size": [self._height, self._width],
            "depth": self._depth,
        }

    def _array(self, name: str, dtype: str, axes: int) -> Any:
        h5py = _h5py()
        try:
            link = self._file.get(name, getlink=True)
            # What lies elsewhere is left alone: a file may name any other of this machine.
            array = self._file.get(name) if isinstance(link, h5py.HardLink) else None
            if not isinstance(array, h5py.Dataset) or array.is_virtual or array.external:
                raise self._other(f"it holds no {name}")
            if array.dtype != np.dtype(dtype) or array.ndim != axes or not array.size:
                raise self._other(f"{name} is {array.dtype} {array.shape}")
        except BROKEN as error:
            raise self._other(f"{name} cannot be read ({error})") from None
        return array

    def _read(self, name: str, index: int) -> np.ndarray:
        try:
            return self._arrays[name][index]
        except BROKEN as error:
            raise DomainError(
                f"{self._path}: {name} of frame {index + 1} cannot be read ({error}); is the file "
                "whole?"
            ) from None

    def _other(self, why: str) -> DomainError:
        return DomainError(f"{self._path}: {EXPECTED}, but {why}")


@contextmanager
def _opened(config: Unpacking) -> Iterator[_Frames]:
    h5py, path = _h5py(), config.mat
    if not path.is_file():
        raise DomainError(f"{path}: no such file")
    try:  # unlocked: nobody writes to it, and disks of a network may have no locks
        file = h5py.File(path, "r", locking=False, rdcc_nbytes=CACHE)
    except BROKEN as error:
        raise DomainError(f"{path}: {EXPECTED}, but it does not open ({error})") from None
    with file:
        yield _Frames(path, file, "rawDepths" if config.raw_depth else "depths")


def _begin(out: Path, frames: _Frames, ids: np.ndarray | None) -> None:
    """Note what the folder is made from, after holding it against what was noted there."""
    about = out / ABOUT
    by = None if ids is None else sha256_json(ids.tolist())
    content = {"from": frames.to_dict(), "ids_of_40": by}
    if about.exists():
        there = read_json(about)
        same = isinstance(there, dict) and there.get("from") == content["from"]
        noted = there.get("ids_of_40") if same else None
        if not same or (noted and by and noted != by):
            raise UserError(
                f"{about}: unpacked from another file, or with other --classes or --raw-depth; "
                "choose another --out or delete the folder"
            )
        content["ids_of_40"] = noted or by
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: holds other things; choose another --out")
    write_json(about, content)


def _job(out: Path, index: int, folders: list[str]) -> Job:
    paths = {folder: out / folder / f"{_name(index + 1)}.png" for folder in folders}
    return index, {folder: path for folder, path in paths.items() if not path.exists()}


def _write(frames: _Frames, ids: np.ndarray | None, job: Job) -> None:
    """Write a frame's files.

    Args:
        frames: all of them.
        ids: by label, of the 40 classes.
        job: which.
    """
    index, lacking = job
    if "image" in lacking:
        write_png(lacking["image"], frames.image(index))
    if "depth" in lacking:
        write_depth(lacking["depth"], frames.depth(index), DEPTH_ENCODING)
    if "label894" in lacking or "label40" in lacking:
        label = frames.label(index)
        if "label894" in lacking:
            write_picture(lacking["label894"], label)
        if "label40" in lacking and ids is not None:
            write_png(lacking["label40"], ids[label])


def _name(number: int) -> str:
    return f"{number:04d}"


def _h5py() -> ModuleType:
    """It is not among the packages that atdt needs.

    Raises:
        UserError: it is not installed.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        if error.name != "h5py":
            raise
        raise UserError('h5py is not installed: pip install "atdt[mat]"') from None
    return h5py
