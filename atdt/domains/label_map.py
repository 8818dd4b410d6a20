"""From the ids in label files to the ids of a label space."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atdt.domains.labels import IGNORE, LabelSpace
from atdt.errors import DomainError

LARGEST = 2**16 - 1  # ids come from files of 8 or 16 bits
SHOWN = 4  # unknown ids that a message names


@dataclass(frozen=True)
class LabelMap:
    """Ids in files → ids of a label space (or 255), for every id that may occur.

    Attributes:
        ids: the map itself.
        otherwise: what a message says of an id that it lacks; "{id}" stands for it.
    """

    ids: Mapping[int, int]
    otherwise: str

    @classmethod
    def identity(cls, space: LabelSpace) -> "LabelMap":
        """For files that hold the ids of `space` already."""
        ids = {k: k for k in range(len(space.classes))} | {IGNORE: IGNORE}
        last = len(space.classes) - 1
        return cls(ids, f"{space.name!r} has 0 to {last} and 255: map other ids in [labels]")

    @classmethod
    def from_table(
        cls, table: Mapping[str, Any], space: LabelSpace, in_files: LabelSpace | None
    ) -> "LabelMap":
        """From the table [labels] of a description.

        Args:
            table: keys are ids in files or, where `in_files` is given, its class names; values are
                ids of `space`, its class names, or "ignore".
            space: the label space to arrive in.
            in_files: the label space of the files.

        Raises:
            DomainError: a key or value is neither, or two keys name one id.
        """
        ids: dict[int, int] = {}
        named: dict[int, str] = {}
        for key, value in table.items():
            source = _source(key, in_files)
            if source in named:
                raise DomainError(f"{key!r} and {named[source]!r} are the same id {source}")
            named[source] = key
            ids[source] = _target(key, value, space)
        return cls(ids, 'not named in [labels]: add a line, such as {id} = "ignore"')

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Map ids (H, W) of any integer type to uint8 (H, W).

        Raises:
            DomainError: ids that the map lacks; names them and their pixel counts.
        """
        table = np.full(LARGEST + 1, -1, np.int16)
        table[list(self.ids)] = list(self.ids.values())
        mapped = table[raw]
        unknown = mapped < 0
        if unknown.any():
            ids, counts = np.unique(raw[unknown], return_counts=True)
            worst = np.argsort(-counts)[:SHOWN]
            met = ", ".join(f"id {ids[k]} ({counts[k]} pixels)" for k in worst)
            more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
            advice = self.otherwise.replace("{id}", str(ids[worst[0]]))
            raise DomainError(f"holds {met}{more}; {advice}")
        return mapped.astype(np.uint8)

    def apply_to_file(self, path: Path, raw: np.ndarray) -> np.ndarray:
        """`apply` of ids that were read from a file, which an error names."""
        try:
            return self.apply(raw)
        except DomainError as error:
            raise DomainError(f"{path}: {error}") from None


@dataclass(frozen=True)
class FarClass:
    """What an id stands for where the depth is at the far plane: CARLA's old tags have no sky.

    Attributes:
        source: id in files.
        target: id of the label space that it becomes there.
        beyond: metres from which on.
    """

    source: int
    target: int
    beyond: float

    @classmethod
    def from_table(
        cls, table: Mapping[str, Any], space: LabelSpace, in_files: LabelSpace | None
    ) -> "FarClass":
        """From {id = 0, class = "sky", beyond = 990.0}.

        Raises:
            DomainError: a key is missing or unknown, or has a value that cannot be used.
        """
        if set(table) != {"id", "class", "beyond"}:
            raise DomainError(
                'write exactly id, class and beyond, such as id = 0, class = "sky", beyond = 990.0'
            )
        beyond = table["beyond"]
        if type(beyond) not in (int, float) or not 0 < beyond < math.inf:
            raise DomainError(f"beyond = {beyond!r} is no number of metres above 0")
        source = _source(str(table["id"]), in_files)
        return cls(source, _target("class", table["class"], space), float(beyond))

    def apply(self, mapped: np.ndarray, raw: np.ndarray, metres: np.ndarray) -> np.ndarray:
        """`mapped` (H, W), with the far pixels of that id in `raw` set to the target."""
        far = (raw == self.source) & (metres >= self.beyond)
        return np.where(far, np.uint8(self.target), mapped)


def _source(key: str, in_files: LabelSpace | None) -> int:
    short = len(key) <= len(str(LARGEST))  # Python refuses to count with thousands of digits
    if key.isascii() and key.isdecimal() and short and int(key) <= LARGEST:
        return int(key)
    if in_files is None:
        raise DomainError(
            f"{key!r} is no id from 0 to {LARGEST} (file_label_space lets keys be class names)"
        )
    if key == "ignore":
        return IGNORE
    if key not in in_files.classes:
        known = ", ".join(in_files.classes)
        raise DomainError(f"{key!r} is neither an id nor a class of {in_files.name!r} ({known})")
    return in_files.classes.index(key)


def _target(key: str, value: Any, space: LabelSpace) -> int:
    if value == "ignore":
        return IGNORE
    if isinstance(value, str) and value in space.classes:
        return space.classes.index(value)
    if type(value) is int and (0 <= value < len(space.classes) or value == IGNORE):
        return value
    known = ", ".join(space.classes)
    raise DomainError(
        f"{key} = {value!r}: write 'ignore', or id or class of {space.name!r} ({known})"
    )
