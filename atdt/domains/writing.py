"""A domain's own files: its lists, cameras and description, from what is known of its samples."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w

from atdt.domains.cameras import Camera, Mount
from atdt.domains.description import FILE_NAME
from atdt.domains.labels import LabelSpace, label_space, label_space_names
from atdt.domains.lists import ALL_COLUMNS, MISSING, Sample
from atdt.files import inside, write_atomic
from atdt.texts import write_json

SPACE = "label_space.toml"
CAMERA = "camera"
KEPT = ("focal", "baseline")  # of a camera; its centre is that of the image it had


@dataclass(frozen=True)
class Written:
    """What `write_domain` writes.

    Attributes:
        name: of the domain.
        label_space: of its semantic labels, whose files hold its ids.
        splits: samples of each, paths relative to the folder; their `camera` is where the camera
            file is to go, should it take one.
        cameras: of the same samples.
        encodings: of the files, by kind of label.
        mount: how their camera stands; None: unknown.
    """

    name: str
    label_space: LabelSpace
    splits: Mapping[str, Sequence[Sample]]
    cameras: Mapping[str, Sequence[Camera]]
    encodings: Mapping[str, str]
    mount: Mount | None = None


def list_name(split: str) -> str:
    """The file of a split's list."""
    return f"{split}.txt"


def write_domain(folder: Path, domain: Written) -> Path:
    """Write lists, camera files where cameras differ, and then domain.toml, whose path it returns.

    Raises:
        UserError: the name of a split leads out of the folder.
    """
    every = {camera for cameras in domain.cameras.values() for camera in cameras}
    content: dict[str, Any] = {"name": domain.name, "root": "."}
    content["label_space"] = _write_space(folder, domain.label_space)
    alike = {
        name: getattr(next(iter(every)), name)
        for name in KEPT
        if len({getattr(camera, name) for camera in every}) == 1
    }
    content |= {key: value for key, value in alike.items() if value is not None and len(every) == 1}
    samples = [sample for split in domain.splits.values() for sample in split]
    columns = [c for c in ALL_COLUMNS if c != CAMERA and any(getattr(s, c) for s in samples)]
    if len(every) > 1:
        columns.append(CAMERA)
        if alike.get("baseline"):
            content["baseline"] = alike["baseline"]
    content["columns"] = columns
    for split, listed in domain.splits.items():
        lines = []
        for sample, camera in zip(listed, domain.cameras[split], strict=True):
            cells = {c: getattr(sample, c) or MISSING for c in columns}
            if CAMERA in cells:
                cells[CAMERA] = _write_camera(folder, cells[CAMERA], camera)
            lines.append(";".join(cells.values()) + "\n")
        write_atomic(inside(folder, list_name(split)), "".join(lines).encode())
    content["lists"] = {split: list_name(split) for split in domain.splits}
    content["encodings"] = dict(domain.encodings)
    if domain.mount is not None:
        content["mount"] = asdict(domain.mount)
    return write_atomic(folder / FILE_NAME, tomli_w.dumps(content).encode())


def _write_camera(folder: Path, name: str, camera: Camera) -> str:
    """Write a camera file; gives its name, or `_` where the focal length is unknown."""
    if camera.focal is None:
        return MISSING
    known = {key: value for key in KEPT if (value := getattr(camera, key)) is not None}
    write_json(inside(folder, name), known)
    return name


def _write_space(folder: Path, space: LabelSpace) -> str:
    """A label space as descriptions name it, which may take a file."""
    if space.name in label_space_names() and label_space(space.name) == space:
        return space.name
    write_atomic(folder / SPACE, tomli_w.dumps(space.to_dict()).encode())
    return SPACE
