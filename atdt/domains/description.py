"""A domain's description file, `domain.toml`: where its files are and what they mean.

name = "streets-a"
label_space = "shared11"        # or the path of a .toml in this file's folder
root = "."                      # of the images; relative to this file, or absolute
focal = 96.0                    # optional: pixels at the images' native size
camera = "camera"               # or a folder of one JSON file {"focal": …} an image
columns = ["image", "semantic"] # optional: what a list's columns hold
file_label_space = "shared11"   # optional: [labels] may then name classes of this space

[lists]                         # splits; paths relative to this file or, if not there, to the root
train = "train.txt"

[encodings]                     # optional, see `atdt.domains.encodings`
depth = "uint16/256"

[labels]                        # optional: id in files -> id or class of label_space, or "ignore"
0 = "sky"

The camera file of image `train/image/7.png` is `ROOT/camera/train/image/7.json` or, if that is not
there, `train/camera/7.json`, beside the image's folder. Two descriptions may share one root: that
is how the same images are read through another label space.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from atdt.domains.encodings import DEFAULTS, check_encoding
from atdt.domains.label_map import LabelMap
from atdt.domains.labels import LabelSpace, label_space
from atdt.domains.lists import COLUMNS
from atdt.errors import DomainError, UserError
from atdt.files import inside, read_json, read_toml

LONGEST_FOCAL = 1e9  # pixels: beyond it are mistakes
FILE_NAME = "domain.toml"
KINDS = {str: "a text", int | float: "a number", list: "a list", dict: "a table"}
KEYS = {
    "name": str,
    "label_space": str,
    "root": str,
    "focal": int | float,
    "camera": str,
    "columns": list,
    "file_label_space": str,
    "lists": dict,
    "encodings": dict,
    "labels": dict,
}
NEEDED = ("name", "label_space", "lists")


@dataclass(frozen=True)
class Description:
    """What a description file says, checked; see this module."""

    path: Path
    name: str
    root: Path
    label_space: LabelSpace
    label_map: LabelMap
    columns: tuple[str, ...]
    lists: Mapping[str, Path]
    encodings: Mapping[str, str]
    focal_length: float | None
    camera: str | None

    def focal(self, image: str) -> float | None:
        """Focal length of the camera that took `image`, in pixels of that image; None: unknown.

        Raises:
            DomainError: the image's camera file is absent or holds no focal length.
        """
        if self.camera is None:
            return self.focal_length
        stem = PurePosixPath(image).with_suffix(".json")
        places = (
            PurePosixPath(self.camera) / stem,
            stem.parent.parent / self.camera / stem.name,
        )
        paths = [inside(self.root, str(place)) for place in places]
        for path in paths:
            if path.is_file():
                return _focal(path)
        raise DomainError(f"{image}: no camera file {paths[0]} or {paths[1]}")


def read_description(path: Path) -> Description:
    """Read a description file.

    Raises:
        DomainError: it cannot be read, or a key is missing, unknown, or has a value that cannot be
            used; names the file and the key.
    """
    try:
        return _description(path, read_toml(path))
    except (OSError, ValueError) as error:
        raise DomainError(f"{path}: cannot be read as a description ({error})") from None
    except UserError as error:
        raise DomainError(f"{path}: {error}") from None


def _description(path: Path, content: dict[str, Any]) -> Description:
    for key, value in content.items():
        if key not in KEYS:
            raise DomainError(f"unknown key {key!r}; known are {', '.join(KEYS)}")
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):
            raise DomainError(f"{key} = {value!r} is not {KINDS[KEYS[key]]}")
    for key in NEEDED:
        if not content.get(key):
            raise DomainError(f"{key!r} is missing")
    root = path.parent / content.get("root", ".")
    if not root.is_dir():
        raise DomainError(f"root: {root} is no folder")
    space = _space(path, content["label_space"])
    return Description(
        path=path,
        name=content["name"],
        root=root,
        label_space=space,
        label_map=_label_map(path, content, space),
        columns=_columns(content.get("columns", list(COLUMNS))),
        lists=_lists(path, root, content["lists"]),
        encodings=_encodings(content.get("encodings", {})),
        focal_length=_focal_length(content),
        camera=content.get("camera"),
    )


def _space(path: Path, name: str) -> LabelSpace:
    return label_space(inside(path.parent, name) if name.endswith(".toml") else name)


def _label_map(path: Path, content: dict[str, Any], space: LabelSpace) -> LabelMap:
    in_files = content.get("file_label_space")
    if "labels" not in content:
        if in_files is not None:
            raise DomainError("file_label_space needs [labels], which maps its classes")
        return LabelMap.identity(space)
    try:
        known = None if in_files is None else _space(path, in_files)
        return LabelMap.from_table(content["labels"], space, known)
    except DomainError as error:
        raise DomainError(f"[labels]: {error}") from None


def _columns(names: list[Any]) -> tuple[str, ...]:
    known = all(name in COLUMNS for name in names) and len(set(names)) == len(names)
    if not known or "image" not in names:
        raise DomainError(
            f"columns = {names}: write 'image' and others of {', '.join(COLUMNS)}, each once"
        )
    return tuple(names)


def _lists(path: Path, root: Path, table: dict[str, Any]) -> dict[str, Path]:
    lists = {}
    for split, name in table.items():
        if not isinstance(name, str):
            raise DomainError(f"[lists] {split} = {name!r} is not the path of a list")
        beside, below = inside(path.parent, name), inside(root, name)
        lists[split] = beside if beside.exists() or not below.exists() else below
    return lists


def _encodings(table: dict[str, Any]) -> dict[str, str]:
    for kind, encoding in table.items():
        if kind not in DEFAULTS or not isinstance(encoding, str):
            raise DomainError(
                f"[encodings] {kind} = {encoding!r}: keys are {', '.join(DEFAULTS)}, values texts"
            )
    return {kind: check_encoding(kind, table.get(kind, DEFAULTS[kind])) for kind in DEFAULTS}


def _focal_length(content: dict[str, Any]) -> float | None:
    if "focal" not in content:
        return None
    if "camera" in content:
        raise DomainError("focal and camera exclude each other")
    return _positive(content["focal"], "focal")


def _focal(path: Path) -> float:
    content = read_json(path)
    if not isinstance(content, dict) or "focal" not in content:
        raise DomainError(f'{path}: holds no {{"focal": pixels}}')
    return _positive(content["focal"], f"{path}: focal")


def _positive(value: Any, what: str) -> float:
    if type(value) not in (int, float) or not 0 < value < LONGEST_FOCAL:
        raise DomainError(f"{what} = {value!r} is no number of pixels above 0")
    return float(value)
