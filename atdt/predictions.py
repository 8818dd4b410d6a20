"""A predictions folder: one file an image, and `predictions.json`, which is written last.

OUT/predictions.json        what was predicted, of which images, by which networks
OUT/predictions/a/b.png     the prediction of image a/b.jpg, in the images' folder structure
OUT/logits/a/b.npy          decoder outputs, on request
OUT/features/a/b.npy        features that the decoder was given, on request
OUT/confidence/a/b.png      how far each pixel is to be trusted: 8 bits, 255 wholly (`atdt distill`)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np

from atdt.errors import MismatchError, UserError
from atdt.file_sizes import Sizes
from atdt.files import inside
from atdt.npy import load_npy
from atdt.places import place
from atdt.texts import parse_json, read_bounded, read_json

SCHEMA = 1
INDEX = "predictions.json"
LEDGER = "progress.jsonl"  # what an unfinished run has done; absent from a finished folder
PREDICTIONS, LOGITS, FEATURES = "predictions", "logits", "features"
CONFIDENCE = "confidence"
KEY = {  # of each part in predictions.json
    PREDICTIONS: "files",
    LOGITS: "logits",
    FEATURES: "features",
    CONFIDENCE: "confidence",
}
SUFFIXES = (".png", ".npy")


class PredictionReader(Protocol):
    """What `Predictions.read` needs of a task (any `atdt.tasks.Task`)."""

    name: str

    def read(self, path: Path) -> np.ndarray: ...


@dataclass(frozen=True)
class Predictions:
    """A complete predictions folder; `info` is the content of its predictions.json."""

    folder: Path
    info: dict[str, Any]

    @property
    def task(self) -> str:
        """Name of the task that was predicted."""
        return self.info["task"]

    @property
    def label_space(self) -> dict[str, Any]:
        """Name, classes and colours that semantic ids stand for."""
        return self.info["label_space"]

    @property
    def domain(self) -> dict[str, Any]:
        """Name, split, digest and path of the images."""
        return self.info["domain"]

    @property
    def view(self) -> dict[str, Any]:
        """The plan of views whose view 0 was predicted; truth is cut by the same."""
        return self.info["view"]

    @property
    def method(self) -> dict[str, Any]:
        """Kind ("network", "atdt" or "head"), runs and digests."""
        return self.info["method"]

    @property
    def mismatch(self) -> tuple[str, ...]:
        """Differences that --allow-mismatch let through; to be shown beside every figure."""
        return tuple(self.info["mismatch"])

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the images, relative to the domain's root, in the list's order."""
        return tuple(self.info["files"])

    @cached_property
    def _sizes(self) -> Sizes:
        """Of the files of this folder."""
        return Sizes()

    def has(self, part: str) -> bool:
        """Whether a part ("logits", "confidence" …) was kept beside the predictions."""
        return isinstance(self.info.get(KEY[part]), dict)

    def path(self, image: str, part: str = PREDICTIONS) -> Path:
        """Where the prediction of `image` lies, or another part that was kept of it.

        Raises:
            UserError: there is none, its file is gone, or its name leads out of the folder.
        """
        index, key = self.folder / INDEX, KEY[part]
        names = self.info[key] if self.has(part) else {}
        if not isinstance(names.get(image), str):
            what = "prediction" if part == PREDICTIONS else part
            raise UserError(f"{index}: has no {what} of {image!r}; predict that image first")
        try:
            path = inside(self.folder, names[image])
        except UserError as error:
            raise UserError(f"{index}: {key}[{image!r}]: {error}") from None
        if not self._sizes.has(path):
            raise UserError(f"{path}: named by {index}, but not there; predict again")
        return path

    def read(self, image: str, task: PredictionReader) -> np.ndarray:
        """The prediction of one image as `task.read` gives it.

        Raises:
            MismatchError: the folder holds predictions of another task.
            UserError: as `path`.
        """
        if task.name != self.task:
            raise MismatchError(
                f"{self.folder / INDEX}: holds predictions of {self.task!r}, not of {task.name!r}"
            )
        return task.read(self.path(image))

    def output(self, image: str) -> np.ndarray:
        """The decoder's output of one image, (C, h, w) float32.

        Raises:
            UserError: outputs were not kept; or as `path`; or the file is no such array.
        """
        if not self.has(LOGITS):
            raise UserError(
                f"{self.folder / INDEX}: has no logits of {image!r}; predict again with "
                "--save-logits"
            )
        return load_npy(self.path(image, LOGITS), (None, None, None)).astype(np.float32)


def open_predictions(folder: str | Path) -> Predictions:
    """Open a finished predictions folder.

    Raises:
        UserError: nothing was predicted there, the prediction is unfinished, or predictions.json
            has another schema.
    """
    folder = place(folder)
    index = folder / INDEX
    if not index.is_file():
        if (folder / LEDGER).is_file():
            raise UserError(f"{folder}: unfinished predictions; repeat their command with --resume")
        raise UserError(f"{folder}: not a predictions folder ({INDEX} is missing)")
    info = read_json(index)
    if not isinstance(info, dict) or info.get("schema") != SCHEMA:
        raise UserError(f"{index}: not of schema {SCHEMA}; predict again with this version")
    if info.get("complete") is not True:
        raise UserError(f"{index}: unfinished predictions; repeat their command with --resume")
    kinds = {
        "task": str,
        "label_space": dict,
        "domain": dict,
        "view": dict,
        "method": dict,
        "mismatch": list,
        "files": dict,
    }
    for key, kind in kinds.items():
        if not isinstance(info.get(key), kind):
            raise UserError(f"{index}: {key!r} is missing or no {kind.__name__}; predict again")
    for image, name in info["files"].items():
        if not isinstance(name, str):
            raise UserError(f"{index}: files[{image!r}] is not a path")
    return Predictions(folder, info)


def is_predictions(folder: str | Path) -> bool:
    """Whether `folder` holds predictions, finished or not."""
    return any((place(folder) / name).is_file() for name in (INDEX, LEDGER))


def describe(folder: str | Path) -> dict[str, Any]:
    """What a predictions folder holds, finished or not, as plain data: for `atdt inspect`.

    Returns:
        JSON: task, method, domain, view, mismatch, skipped …, as predictions.json has or will have
        them; `complete`; `predicted`, how many images have their files; `images`, how many there
        are in all, None where that was not recorded; `problem`, why others would refuse the folder.

    Raises:
        UserError: neither predictions.json nor the ledger can be read.
    """
    folder, problem = place(folder), None
    try:
        open_predictions(folder)
    except UserError as error:
        problem = str(error)
    is_indexed = (folder / INDEX).is_file()
    if is_indexed:
        content = read_json(folder / INDEX)
        files = content.pop("files", {}) if isinstance(content, dict) else {}
        predicted = len(files) if isinstance(files, dict) else 0
    else:
        content, predicted = _begun(folder / LEDGER)
    if not isinstance(content, dict):
        raise UserError(f"{folder}: its header is no table; predict again with --overwrite")
    for part in (LOGITS, FEATURES, CONFIDENCE):
        if part in content:  # a file an image, like the predictions
            content[part] = len(content[part])
    domain = content.get("domain")
    images = domain.get("images") if isinstance(domain, dict) else None
    counts = {"complete": problem is None, "predicted": predicted, "images": images}
    return {"path": str(folder), "problem": problem, **content, **counts}


def _begun(ledger: Path) -> tuple[Any, int]:
    """The header of unfinished predictions, and how many images are done."""
    try:
        data = read_bounded(ledger)
        entries = [parse_json(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]
        return entries[0]["header"], len({entry["image"] for entry in entries[1:]})
    except (ValueError, KeyError, IndexError, TypeError):
        raise UserError(f"{ledger}: damaged; start anew with --overwrite") from None


def stems(images: Sequence[str]) -> dict[str, str]:
    """A path for each image to which a suffix is to be appended; no path is used twice.

    `a/b.png` becomes `a/b`: the images' folder structure is kept. Where two images would share a
    path (`a/b.png` and `a/b.jpg`), all images keep their suffixes, so that no path depends on
    which image came first. Letter case is disregarded, since file systems may.

    Raises:
        UserError: a folder of images bears the name that an image's prediction needs.
    """
    images = list(dict.fromkeys(images))
    paths = {image: str(PurePosixPath(image).with_suffix("")) for image in images}
    if len({path.casefold() for path in paths.values()}) < len(images):
        paths = {image: image for image in images}
    folders = {
        str(folder).casefold() for image in images for folder in PurePosixPath(image).parents
    }
    for image, path in paths.items():
        for suffix in SUFFIXES:
            if (path + suffix).casefold() in folders:
                raise UserError(
                    f"{image!r}: its prediction {path + suffix!r} would have the name of a folder "
                    "of other images; rename that folder"
                )
    return paths
