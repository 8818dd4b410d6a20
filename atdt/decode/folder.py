"""Writing a predictions folder, so that a killed run loses a batch at most."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from atdt.checks import check_goes_on_or_anew
from atdt.decode.ledger import Ledger
from atdt.decode.sources import Batch
from atdt.errors import MismatchError, UserError
from atdt.file_sizes import Sizes
from atdt.files import (
    inside,
    make_folder,
    move,
    names_in,
    remove,
    remove_cut_off,
    remove_tree,
)
from atdt.hold import exclusive, is_of_writers
from atdt.places import is_remote
from atdt.predictions import INDEX, KEY, LEDGER, SCHEMA, open_predictions, stems
from atdt.progress import progress
from atdt.provenance import provenance
from atdt.runs import differences
from atdt.tasks.files import with_suffix
from atdt.texts import write_json

MEASUREMENTS = ("metrics.json", "records.npz")  # of the predictions that they lie beside
PLACES = ("path", "root", "list", "store")  # keys of a header that say where something was
STAGING = ".workers"  # in the folder: where workers write, each unit in a folder of its own


class PredictionsWriter:
    """A predictions folder in the making, which `with` keeps others away from.

    The ledger, `progress.jsonl`, opens with the header that predictions.json will have; then it
    names each image whose files are on disk. predictions.json is written last.

    Args:
        folder: made where it is missing.
        header: all that predictions.json says but the files and when they were made.
        images: names of all images that will be predicted, in order, none twice.
        parts: which of "predictions", "logits", "features", "confidence" are written.
        resume: go on with what is there, if its header is the same; where nothing is, begin.
        overwrite: replace what is there.

    Raises:
        UserError: both options are given; or the folder holds something else, or predictions and
            neither option is given.
        RunError: another process is writing there.
        MismatchError: --resume, but what is there was made from other things; the message names
            what differs.
    """

    def __init__(
        self,
        folder: Path,
        header: dict[str, Any],
        images: Sequence[str],
        parts: Sequence[str],
        *,
        resume: bool = False,
        overwrite: bool = False,
    ):
        self._how = {"resume": resume, "overwrite": overwrite}
        refuse_held(folder, **self._how)  # before a folder is made
        self.folder, self.images, self.parts = folder, tuple(images), tuple(parts)
        self.header = json.loads(json.dumps(header, allow_nan=False))
        self.complete = False
        self._ledger = Ledger(folder / LEDGER)
        self._stems = stems(images)
        self._done: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(exclusive(self.folder))
            if refuse_held(self.folder, **self._how) and self._how["resume"]:
                self._take_up()
            else:
                self._begin()
            self._hold = stack.pop_all()
        return self

    def __exit__(self, *why: object) -> None:
        self._hold.close()

    def is_done(self, image: str) -> bool:
        """Whether all files of `image` are on disk and recorded."""
        return image in self._done

    def to_do(self, batches: Sequence[Batch]) -> list[Batch]:
        """Those that lack an image; they are done again as a whole."""
        return [b for b in batches if not all(self.is_done(image) for image in b.images)]

    def path(self, part: str, image: str) -> Path:
        """Where a file of `image` goes, still without suffix; its folder exists."""
        path = inside(self.folder, f"{part}/{self._stems[image]}")
        make_folder(path.parent)
        return path

    def record(self, written: dict[str, dict[str, Path]]) -> None:
        """Note that files are on disk: image -> part -> file."""
        entries = []
        for image, files in written.items():
            names = {part: self._name(file) for part, file in files.items()}
            self._done[image] = names
            entries.append({"image": image, **names})
        self._ledger.append(entries)

    def _name(self, file: Path) -> str:
        """Of a file in this folder."""
        if is_remote(file):
            return file.path.removeprefix(self.folder.path.rstrip("/") + "/")
        return file.relative_to(self.folder).as_posix()

    def write_each(self, what: str, make: Callable[[int, str], dict[str, Path]]) -> None:
        """Make the files of each image that lacks some, one by one, then finish the folder.

        Args:
            what: is done; progress says it.
            make: number and name of an image -> part -> file, which is on disk then.
        """
        if self.complete:
            return
        todo = [entry for entry in enumerate(self.images) if not self.is_done(entry[1])]
        with progress(what, len(todo), "images") as advance:
            for index, image in todo:
                self.record({image: make(index, image)})
                advance(1)
        self.finish()

    def take_in(self, written: Mapping[str, Mapping[str, Path]]) -> None:
        """Give files that a worker wrote into the staging folder their places, and record them.

        Raises:
            UserError: a file is not there.
        """
        placed: dict[str, dict[str, Path]] = {}
        moves: list[tuple[Path, Path]] = []
        for image, files in written.items():
            placed[image] = {
                part: with_suffix(self.path(part, image), file.suffix)
                for part, file in files.items()
            }
            moves += zip(files.values(), placed[image].values(), strict=True)
        try:
            move(moves)
        except FileNotFoundError as error:
            raise UserError(
                f"{error.filename}: was written by a worker, and is not here; do all machines see "
                "the same disk?"
            ) from None
        self.record(placed)
        if not is_remote(self.folder):
            for folder in {file.parent for file, _ in moves}:
                folder.rmdir()

    def finish(self) -> None:
        """Write predictions.json, with which the folder is complete, and drop the ledger."""
        index = {"schema": SCHEMA, **self.header, "provenance": provenance(), "complete": True}
        for part in self.parts:
            index[KEY[part]] = {image: self._done[image][part] for image in self.images}
        write_json(self.folder / INDEX, index)
        remove(self._ledger.path)
        drop_staged(self.folder / STAGING)
        self.complete = True

    def _begin(self) -> None:
        self._drop_cut_off()
        # The new ledger comes first: a kill in between leaves a folder that is known as ours.
        self._ledger.begin(self.header)
        for name in (INDEX, *MEASUREMENTS):
            remove(self.folder / name)
        for part in KEY:
            remove_tree(self.folder / part)

    def _take_up(self) -> None:
        index = self.folder / INDEX
        if index.is_file():
            info = open_predictions(self.folder).info
            self._check_header({key: info.get(key) for key in self.header}, index)
            remove(self._ledger.path)
            drop_staged(self.folder / STAGING)
            self.complete = True
            return
        header, entries = self._ledger.take_up()
        self._check_header(header, self._ledger.path)
        self._drop_cut_off()
        sizes = Sizes()
        for entry in entries:
            files = {part: entry[part] for part in self.parts if isinstance(entry.get(part), str)}
            there = all(sizes.has(inside(self.folder, name)) for name in files.values())
            if there and len(files) == len(self.parts) and entry.get("image") in self._stems:
                self._done[entry["image"]] = files

    def _drop_cut_off(self) -> None:
        """Remove what killed processes were in the midst of writing; no object ever is."""
        drop_staged(self.folder / STAGING)
        for part in ("", *KEY):
            remove_cut_off(self.folder / part, "**/*.partial" if part else "*.partial")

    def _check_header(self, recorded: Any, file: Path) -> None:
        recorded = recorded if isinstance(recorded, dict) else {}
        changes = differences(identity(recorded), identity(self.header))
        if changes:
            raise MismatchError(
                f"{file}: --resume needs what it was started with; {'; '.join(changes)}"
            )


def identity(content: Any, without: Sequence[str] = PLACES) -> Any:
    """A header without the places where things were: they may move between a run and its resume."""
    if not isinstance(content, dict):
        return content
    return {key: identity(value, without) for key, value in content.items() if key not in without}


def drop_staged(folder: Path) -> None:
    """Remove what workers wrote and nobody took in; one that is late may still be writing there."""
    if is_remote(folder):
        remove_tree(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def refuse_held(folder: Path, *, resume: bool, overwrite: bool) -> bool:
    """Whether `folder` holds predictions, which one of the two options then says what to do with.

    Raises:
        UserError: neither does, or both are given, or the folder holds something else.
    """
    check_goes_on_or_anew(resume=resume, overwrite=overwrite)
    held = _held(folder)
    if held and not (resume or overwrite):
        raise UserError(
            f"{folder}: holds predictions; --resume goes on with them, --overwrite replaces"
        )
    return held


def _held(folder: Path) -> bool:
    """Whether `folder` holds predictions, finished or not; false when absent or empty."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise UserError(f"{folder}: is a file; predictions need a folder")
    if (folder / INDEX).is_file() or (folder / LEDGER).is_file():
        return True
    if not all(map(is_of_writers, names_in(folder))):
        raise UserError(f"{folder}: holds other files and no {INDEX}; choose another --out")
    return False
