"""Label tables: what every class of a data set's files is in another label space. They are data.

source = "where the mapping comes from, in one line"
files = "cityscapes34"          # label space of the files, or the path of a .toml beside the table
to = "shared11"                 # label space to arrive in, likewise
[labels]                        # every class of `files` -> a class of `to`, or "ignore"
road = "road"
255 = "ignore"                  # and every other id that such files hold: none is known unnamed
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from atdt.domains.label_map import LabelMap
from atdt.domains.labels import LabelSpace, label_space
from atdt.errors import DomainError, UserError
from atdt.files import inside
from atdt.places import place
from atdt.texts import read_toml

BUILT_IN = Path(__file__).parent / "label_tables"
KEYS = ("source", "files", "to", "labels")


@dataclass(frozen=True)
class LabelTable:
    """A mapping of label spaces that says where it comes from.

    Attributes:
        source: one line.
        files: label space of the files.
        to: label space to arrive in.
        label_map: from ids to ids; it names every class of `files`.
    """

    source: str
    files: LabelSpace
    to: LabelSpace
    label_map: LabelMap


def label_table(name_or_path: str | Path) -> LabelTable:
    """A label table by name ("cityscapes34-to-shared11", …) or from a TOML file.

    Raises:
        DomainError: no such name or file, or it is no label table; names the file, and what it
            lacks or has too much.
    """
    text = str(name_or_path)
    if text.endswith(".toml"):
        return _read(place(name_or_path))
    if text not in label_table_names():
        known = ", ".join(label_table_names())
        raise DomainError(f"label table {text!r}: known are {known}, or a path to a .toml file")
    return _read(BUILT_IN / f"{text}.toml")


@cache
def label_table_names() -> tuple[str, ...]:
    """Names that `label_table` knows."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def _read(path: Path) -> LabelTable:
    try:
        return _table(path, read_toml(path))
    except (OSError, ValueError) as error:
        raise DomainError(f"{path}: cannot be read as a label table ({error})") from None
    except UserError as error:
        raise DomainError(f"{path}: {error}") from None


def _table(path: Path, content: Mapping[str, Any]) -> LabelTable:
    if set(content) != set(KEYS):
        raise DomainError(f"a label table has exactly the keys {', '.join(KEYS)}")
    source, labels = content["source"], content["labels"]
    if not isinstance(source, str) or not source.strip() or "\n" in source:
        raise DomainError("source is one line that says where the mapping comes from")
    if not isinstance(labels, dict):
        raise DomainError("[labels] is a table")
    files, to = (_space(path, content[key], key) for key in ("files", "to"))
    try:
        label_map = LabelMap.from_table(labels, to, files)
    except DomainError as error:
        raise DomainError(f"[labels]: {error}") from None
    missing = [name for k, name in enumerate(files.classes) if k not in label_map.ids]
    if missing:
        raise DomainError(f'[labels] lacks {", ".join(missing)}: write "ignore" for none')
    otherwise = f"not named in label table {path.name}: are these files of another kind?"
    return LabelTable(source.strip(), files, to, replace(label_map, otherwise=otherwise))


def _space(path: Path, name: Any, key: str) -> LabelSpace:
    if not isinstance(name, str):
        raise DomainError(f"{key} = {name!r} is no label space")
    return label_space(inside(path.parent, name) if name.endswith(".toml") else name)
