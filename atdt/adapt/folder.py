"""A domain whose images were adapted, in the making: nothing looks whole before it is.

OUT/adaptation.json   first: from which images, by which run
OUT/files/            the root: adapted images, and labels and cameras as they were
OUT/lists/            a list for each split
OUT/*label_space.toml label spaces that are not built in
OUT/domain.toml       last: without it, no domain
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from atdt.adapt.carrying import LISTS, ROOT, Item, described, items, list_name
from atdt.checks import check_goes_on_or_anew, check_out_apart
from atdt.copies import link_or_copy
from atdt.domains import Domain
from atdt.domains.description import FILE_NAME
from atdt.domains.encodings import write_png
from atdt.errors import MismatchError, UserError
from atdt.file_sizes import Sizes
from atdt.files import (
    inside,
    names_in,
    remove,
    remove_cut_off,
    remove_tree,
    sync_folder,
    write_atomic,
)
from atdt.hold import is_of_writers
from atdt.provenance import provenance
from atdt.runs import differences
from atdt.texts import read_json, write_json

INFO = "adaptation.json"
SCHEMA = 1
SPACES = ("label_space.toml", "file_label_space.toml")


class AdaptedFolder:
    """Writes an adapted domain, image by image.

    An image's labels are linked to (copied, where there are no hard links for them) before the
    image is written, so an image that is there is done.

    Args:
        folder: made where it is missing.
        domains: splits of the original.
        name: of the new domain.
        made_from: all that the images depend on, as JSON can hold it.
        notes: what else adaptation.json is to say.
        resume: go on with what is there, if it is made from the same; where nothing is, begin.
        overwrite: replace what is there.

    Raises:
        UserError: both options are given; or the folder holds something else, or an adapted domain
            and neither option is given.
        MismatchError: --resume, but what is there is made from other things; names them.
        DomainError: see `atdt.adapt.carrying.items`.
    """

    def __init__(
        self,
        folder: Path,
        domains: Sequence[Domain],
        name: str,
        made_from: dict[str, Any],
        notes: dict[str, Any],
        *,
        resume: bool = False,
        overwrite: bool = False,
    ):
        check_goes_on_or_anew(resume=resume, overwrite=overwrite)
        check_out_apart(folder, (where for d in domains for where in (d.path, d.root)))
        self.folder = folder
        self._sizes = Sizes()
        self._lists = items(domains)
        for split in self._lists:
            inside(folder, list_name(split))  # a split that climbs is an error now
        self._description, self._spaces = described(domains, name)
        made_from = json.loads(json.dumps(made_from, allow_nan=False))
        held = _held(folder)
        if held and resume:
            self._take_up(made_from)
        elif held and not overwrite:
            state = "an adapted domain" if self.complete else "an unfinished adapted domain"
            raise UserError(
                f"{folder}: holds {state}; --resume goes on with it, --overwrite replaces it"
            )
        else:
            self._begin({"schema": SCHEMA, "made_from": made_from, **notes})

    @property
    def complete(self) -> bool:
        """Whether the domain can be opened."""
        return (self.folder / FILE_NAME).is_file()

    def todo(self) -> list[Item]:
        """The samples whose image is not on disk yet; one for an image of several splits."""
        by_image = {item.image: item for listed in self._lists.values() for item in listed}
        return [item for item in by_image.values() if not self._is_there(item.image)]

    def add(self, item: Item, pixels: np.ndarray) -> None:
        """Write the adapted image of a sample, uint8 (H, W, 3), behind what goes with it.

        Threads may call this at the same time.
        """
        self._keep(item)
        write_png(self._path(item.image), pixels)

    def finish(self) -> None:
        """Write the lists and, last, the description, when all images are there."""
        self._sizes = Sizes()  # of objects it remembers what was there before
        for split, listed in self._lists.items():
            lines = "".join(f"{item.line}\n" for item in listed)
            write_atomic(inside(self.folder, list_name(split)), lines.encode())
            for item in listed:  # two splits may have other labels of one image
                self._keep(item)
        for name, space in self._spaces.items():
            write_atomic(self.folder / name, tomli_w.dumps(space.to_file()).encode())
        # Links reach the disk with their folders.
        every = [item for listed in self._lists.values() for item in listed]
        for folder in {self._path(name).parent for item in every for name in item.kept}:
            sync_folder(folder)
        write_atomic(self.folder / FILE_NAME, tomli_w.dumps(self._description).encode())

    def _begin(self, info: dict[str, Any]) -> None:
        # A domain in ruins must not open; what says whose ruins they are comes off last.
        for name in (FILE_NAME, *SPACES):
            remove(self.folder / name)
        for name in (LISTS, ROOT):
            remove_tree(self.folder / name)
        write_json(self.folder / INFO, info | {"provenance": provenance()})

    def _take_up(self, made_from: dict[str, Any]) -> None:
        file = inside(self.folder, INFO)
        info = read_json(file)
        if not isinstance(info, dict) or info.get("schema") != SCHEMA:
            raise UserError(f"{file}: not of schema {SCHEMA}; start anew with --overwrite")
        changes = differences(info.get("made_from"), made_from)
        if changes:
            raise MismatchError(
                f"{file}: --resume needs what it was started with; {'; '.join(changes)}"
            )
        remove_cut_off(self.folder / ROOT, "**/.*.partial")

    def _path(self, name: str) -> Path:
        return inside(self.folder, f"{ROOT}/{name}")

    def _is_there(self, name: str) -> bool:
        return self._sizes.has(self._path(name))

    def _keep(self, item: Item) -> None:
        """Have the files that go with an image here too, without copies where the disk can."""
        for name, source in item.kept.items():
            if not self._is_there(name):
                link_or_copy(source, self._path(name))


def _held(folder: Path) -> bool:
    """Whether `folder` holds an adapted domain, finished or not; false when absent or empty."""
    if not folder.exists():
        return False
    remove_cut_off(folder)
    if (folder / INFO).is_file():
        return True
    if not all(map(is_of_writers, names_in(folder))):
        raise UserError(f"{folder}: holds other files and no {INFO}; choose another --out")
    return False
