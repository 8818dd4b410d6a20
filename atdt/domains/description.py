"""A domain's description file, `domain.toml`: where its files are and what they mean.

name = "streets-a"
label_space = "shared11"        # or the path of a .toml in this file's folder
root = "."                      # of the images; relative to this file, or absolute
focal = 96.0                    # optional: pixels at the images' native size
fov = 90.0                      # or degrees that the image's width sees
camera = "camera"               # or a folder of one JSON file {"focal": …} an image
baseline = 0.54                 # optional: metres between the cameras of a stereo pair
columns = ["image", "semantic"] # optional: what a list's columns hold; "camera" may be one
file_label_space = "shared11"   # optional: [labels] may then name classes of this space
label_table = "camvid-to-shared11"  # or, in place of both and [labels]: `atdt.domains.label_table`

[lists]                         # splits; paths relative to this file or, if not there, to the root
train = "train.txt"

[encodings]                     # optional, see `atdt.domains.encodings`
depth = "uint16/256"

[labels]                        # optional: id in files -> id or class of label_space, or "ignore"
0 = "sky"

[mount]                         # optional: how the camera stands above the road
height = 1.45                   # metres
pitch = 0.0                     # degrees, positive looks down; 0 if left out
roll = 0.0                      # degrees, positive leans to the right

[far]                           # optional: what an id is where depth is at the far plane
id = 0
class = "sky"
beyond = 990.0                  # metres

The camera file of image `train/image/7.png` is `ROOT/camera/train/image/7.json` or, if that is not
there, `train/camera/7.json`, beside the image's folder. Two descriptions may share one root: that
is how the same images are read through another label space.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from atdt.domains.cameras import (
    LONGEST_BASELINE,
    LONGEST_FOCAL,
    Camera,
    Mount,
    focal_of,
    positive,
    read_camera,
)
from atdt.domains.encodings import DEFAULTS, check_encoding
from atdt.domains.label_map import FarClass, LabelMap
from atdt.domains.label_table import label_table
from atdt.domains.labels import LabelSpace, label_space
from atdt.domains.lists import ALL_COLUMNS, COLUMNS, Sample
from atdt.domains.semantic_files import NAMING, check_colours
from atdt.errors import DomainError, UserError
from atdt.files import inside
from atdt.places import is_remote, is_url, place
from atdt.texts import read_toml

WIDEST = 180.0  # degrees
FILE_NAME = "domain.toml"
KINDS = {str: "a text", int | float: "a number", list: "a list", dict: "a table"}
KEYS = {
    "name": str,
    "label_space": str,
    "root": str,
    "focal": int | float,
    "fov": int | float,
    "camera": str,
    "baseline": int | float,
    "columns": list,
    "file_label_space": str,
    "label_table": str,
    "lists": dict,
    "encodings": dict,
    "labels": dict,
    "far": dict,
    "mount": dict,
}
NEEDED = ("name", "lists")
FOCAL_KEYS = ("focal", "fov", "camera")  # of which one at most says it


@dataclass(frozen=True)
class Description:
    """What a description file says, checked; see this module.

    Attributes:
        in_files: label space of the files, where it is named.
        others as the keys of the file.
    """

    path: Path
    name: str
    root: Path
    label_space: LabelSpace
    in_files: LabelSpace | None
    label_map: LabelMap
    far: FarClass | None
    columns: tuple[str, ...]
    lists: Mapping[str, Path]
    encodings: Mapping[str, str]
    focal: float | None
    fov: float | None
    camera: str | None
    baseline: float | None
    mount: Mount | None

    def camera_of(self, sample: Sample, width: Callable[[], int]) -> Camera:
        """The camera that took a sample's image.

        Args:
            sample: a line of a list.
            width: gives the image's width in pixels; called where the focal length depends on it.

        Raises:
            DomainError: the camera file is absent or holds no focal length.
        """
        if sample.camera is not None:
            seen = read_camera(inside(self.root, sample.camera))
        elif self.camera is not None:
            seen = read_camera(self._camera_file(sample.image))
        else:
            seen = Camera(self.focal if self.fov is None else focal_of(self.fov, width()))
        return seen if seen.baseline else replace(seen, baseline=self.baseline)

    def _camera_file(self, image: str) -> Path:
        stem = PurePosixPath(image).with_suffix(".json")
        places = (
            PurePosixPath(self.camera or "") / stem,
            stem.parent.parent / (self.camera or "") / stem.name,
        )
        paths = [inside(self.root, str(place)) for place in places]
        for path in paths:
            if path.is_file():
                return path
        raise DomainError(f"{image}: no camera file {paths[0]} or {paths[1]}")


def read_description(path: Path) -> Description:
    """Read a description file.

    Raises:
        DomainError: it cannot be read, or a key is missing, unknown, or has a value that cannot be
            used; names the file and the key.
    """
    try:
        return description_of(path, read_toml(path))
    except (OSError, ValueError) as error:
        raise DomainError(f"{path}: cannot be read as a description ({error})") from None
    except UserError as error:
        raise DomainError(f"{path}: {error}") from None


def description_of(path: Path, content: dict[str, Any]) -> Description:
    """What a description file at `path` with this content says.

    Raises:
        DomainError: a key is missing, unknown, or has a value that cannot be used; names it.
    """
    for key, value in content.items():
        if key not in KEYS:
            raise DomainError(f"unknown key {key!r}; known are {', '.join(KEYS)}")
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):
            raise DomainError(f"{key} = {value!r} is not {KINDS[KEYS[key]]}")
    for key in NEEDED:
        if not content.get(key):
            raise DomainError(f"{key!r} is missing")
    root = _root(path, content.get("root", "."))
    if not root.is_dir():
        raise DomainError(f"root: {root} is no folder")
    space, in_files, label_map = _labels(path, content)
    encodings = _encodings(content.get("encodings", {}))
    if (how := encodings["semantic"]) in NAMING and in_files is None:
        raise DomainError(f'semantic = "{how}" needs file_label_space or label_table')
    if how == "colours":
        check_colours(in_files, label_map.ids)
    return Description(
        path=path,
        name=content["name"],
        root=root,
        label_space=space,
        in_files=in_files,
        label_map=label_map,
        far=_far(content, space, in_files),
        columns=_columns(content.get("columns", list(COLUMNS))),
        lists=_lists(path, root, content["lists"]),
        encodings=encodings,
        camera=content.get("camera"),
        mount=_mount(content),
        **_camera_keys(content),
    )


def _root(path: Path, root: str) -> Path:
    """Beside a URL a root is relative to it, or a URL of the same kind."""
    if not is_remote(path):
        return path.parent / root
    if is_url(root):
        scheme = str(path).partition("://")[0]
        if not root.startswith(f"{scheme}://"):  # a stranger's must not lead to files of ours
            raise DomainError(f"root: {root}: must be {scheme}://, as this file is")
        return place(root)
    if PurePosixPath(root).is_absolute() or ".." in PurePosixPath(root).parts:
        raise DomainError(f"root: {root}: write a path below this file's folder, or a URL")
    return path.parent.joinpath(*PurePosixPath(root).parts)


def _labels(path: Path, content: dict[str, Any]) -> tuple[LabelSpace, LabelSpace | None, LabelMap]:
    """The label space to arrive in, that of the files if named, and the map between them."""
    table, in_files = content.get("label_table"), content.get("file_label_space")
    if table is not None:
        if in_files is not None or "labels" in content:
            raise DomainError("label_table excludes file_label_space and [labels]: it holds both")
        known = label_table(inside(path.parent, table) if table.endswith(".toml") else table)
        if "label_space" in content and _space(path, content["label_space"]) != known.to:
            raise DomainError(
                f"label_table {table!r} leads to label space {known.to.name!r}, not "
                f"{content['label_space']!r}; leave label_space out"
            )
        return known.to, known.files, known.label_map
    if not content.get("label_space"):
        raise DomainError("'label_space' is missing")
    space = _space(path, content["label_space"])
    if "labels" not in content:
        if in_files is not None:
            raise DomainError("file_label_space needs [labels], which maps its classes")
        return space, space, LabelMap.identity(space)
    try:
        files = None if in_files is None else _space(path, in_files)
        return space, files, LabelMap.from_table(content["labels"], space, files)
    except DomainError as error:
        raise DomainError(f"[labels]: {error}") from None


def _far(
    content: dict[str, Any], space: LabelSpace, in_files: LabelSpace | None
) -> FarClass | None:
    if "far" not in content:
        return None
    try:
        return FarClass.from_table(content["far"], space, in_files)
    except DomainError as error:
        raise DomainError(f"[far]: {error}") from None


def _mount(content: dict[str, Any]) -> Mount | None:
    if "mount" not in content:
        return None
    try:
        return Mount.from_table(content["mount"])
    except DomainError as error:
        raise DomainError(f"[mount]: {error}") from None


def _space(path: Path, name: str) -> LabelSpace:
    return label_space(inside(path.parent, name) if name.endswith(".toml") else name)


def _columns(names: list[Any]) -> tuple[str, ...]:
    known = all(name in ALL_COLUMNS for name in names) and len(set(names)) == len(names)
    if not known or "image" not in names:
        raise DomainError(
            f"columns = {names}: write 'image' and others of {', '.join(ALL_COLUMNS)}, each once"
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


def _camera_keys(content: dict[str, Any]) -> dict[str, float | None]:
    given = [key for key in FOCAL_KEYS if key in content]
    if len(given) > 1:
        raise DomainError(f"{given[0]} and {given[1]} exclude each other")
    limits = {
        "focal": (LONGEST_FOCAL, "pixels"),
        "fov": (WIDEST, f"degrees below {WIDEST:g} and"),
        "baseline": (LONGEST_BASELINE, "metres"),
    }
    return {
        key: positive(content[key], key, *limit) if key in content else None
        for key, limit in limits.items()
    }
