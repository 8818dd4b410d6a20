"""Small folders that are laid out like the data sets that are known."""

import io
import json
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

from atdt.domains import label_space
from atdt.domains.cameras import Camera
from atdt.domains.datasets import layout
from atdt.domains.datasets.patterns import FIELD, fields_of
from atdt.domains.encodings import write_depth, write_normals
from atdt.domains.label_table import label_table
from atdt.files import write_atomic

SIZE = (12, 16)
CAMERA = Camera(focal=20.0, baseline=0.5)
PER_SPLIT = 2


def make_dataset(
    root: Path, name: str, labels: str | None = None, size: tuple[int, int] = SIZE
) -> Path:
    """Write a data set with two samples in each split; returns `root`."""
    known = layout(name)
    way = known.way(labels)
    patterns = dict(known.files) | ({"semantic": way.files[0]} if way else {})
    random = np.random.default_rng(0)
    numbered = {field[1] for p in patterns.values() for field in FIELD.finditer(p) if field[3]}
    for rule in known.splits.values():
        rows = [_fields(known, rule, number) for number in range(PER_SPLIT)]
        for number, row in enumerate(rows):
            row |= dict.fromkeys(numbered, f"{number:06d}")
        if "names" in rule:
            names = "".join(f"{row[rule['field']]}\n" for row in rows)
            write_atomic(root / rule["names"], names.encode())
        for row in rows:
            for column, pattern in patterns.items():
                if column in rule.get("without", ()):
                    continue
                path = FIELD.sub(lambda field, row=row: _written(row, field), pattern)
                top = rule.get("beside", "elsewhere").split("/")[0]
                path = root / path.replace("*/", f"{top}/").replace("*", "1")
                _write(path, column, known, way, random, size)
    return root


def lacking(checked):
    """What is missing, but that two images of a split are not the whole data set."""
    return [line for line in checked.missing if "that the whole data set has" not in line]


def _written(row, field):
    value = row.get(field[1], "1")
    return value.zfill(int(field[3])) if field[3] else value


def _fields(known, rule, number):
    fields = {name: f"{name}{number}" for name in fields_of(known.files["image"])}
    if "time" in fields:
        fields["time"] = f"{1305031452 + number}.7917"
    if "names" in rule:
        return fields | {rule["field"]: f"{Path(rule['names']).stem}_{number}"}
    if "beside" in rule:
        top = rule["beside"].split("/")[0]
        return {name: f"{top}-{value}" for name, value in fields.items()}
    for name, wanted in rule.items():
        if name == "without":
            continue
        value = wanted if isinstance(wanted, str) else wanted[0]
        fields[name] = f"{name}_{value.split('-')[0]}" if value[0].isdigit() else value
    return fields


def _write(path, column, known, way, random, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    if column in ("image", "right"):
        _write_image(path, random, size)
    elif column == "camera":
        write_atomic(path, _camera(path).encode())
    elif column == "semantic":
        _write_semantic(path, way, random, size)
    elif column == "normals":
        normals = np.zeros((*size, 3))
        normals[1:, :, 2] = -1
        if path.suffix == ".npy":
            np.save(path, normals)
        else:
            write_normals(path, normals)
    else:
        metres = random.uniform(2.0, 9.0, size)
        metres[0] = 0
        write_depth(path, metres, known.encodings["depth"], CAMERA)


def _write_image(path, random, size):
    pixels = random.integers(0, 256, (*size, 3), np.uint8)
    if path.suffix == ".npy":
        np.save(path, pixels / 255)
        return
    buffer = io.BytesIO()
    kind = {".jpg": "JPEG", ".ppm": "PPM"}.get(path.suffix, "PNG")
    Image.fromarray(pixels).save(buffer, kind)
    write_atomic(path, buffer.getvalue())


def _write_semantic(path, way, random, size):
    space = label_space(way.space) if way.space else label_table(way.table).files
    ids = random.integers(0, len(space.classes), size).astype(np.uint8)
    if way.encoding == "npy":
        np.save(path, np.where(ids == 1, -1.0, ids))
        return
    if way.encoding == "parts":
        parts = [(name, ids == k) for k, name in enumerate(space.classes) if k]
        write_person_parts(path, [("person", ids > 0, parts)])
        return
    if way.encoding == "halves":
        pixels = np.where(ids == 1, 128, 127).astype(np.uint8)
    elif way.encoding == "red":
        pixels = np.stack([ids, 0 * ids, 0 * ids], axis=2)
    elif way.encoding == "colours":
        pixels = np.array(space.colours, np.uint8)[ids]
    else:
        pixels = ids
    Image.fromarray(pixels).save(path)


def write_person_parts(path, objects):
    """A file as PASCAL-Part has it: objects are (class, mask, [(name of a part, its mask), …])."""
    made = [
        {
            "class": name,
            "class_ind": 15.0 if name == "person" else 1.0,
            "mask": mask.astype(np.uint8),
            "parts": struct_array(
                [{"part_name": part, "mask": where.astype(np.uint8)} for part, where in parts]
            ),
        }
        for name, mask, parts in objects
    ]
    anno = {"imname": path.stem, "objects": struct_array(made)}
    scipy.io.savemat(path, {"anno": anno}, do_compression=True)


def struct_array(items):
    """MATLAB's struct array 1 × N of dicts that are alike; [] of none."""
    if not items:
        return np.zeros((0, 0))
    array = np.empty((1, len(items)), [(field, object) for field in items[0]])
    for k, item in enumerate(items):
        array[0, k] = tuple(item[field] for field in array.dtype.names)
    return array


def _camera(path):
    if path.suffix == ".json":
        return json.dumps(
            {
                "extrinsic": {"baseline": CAMERA.baseline},
                "intrinsic": {"fx": CAMERA.focal, "u0": 8.5},
            }
        )
    if path.name == "intrinsics.txt":
        return f"{CAMERA.focal} 0 8\n0 {CAMERA.focal} 6\n0 0 1\n"
    left = f"{CAMERA.focal} 0 8 0.0 0 {CAMERA.focal} 6 0 0 0 1 0"
    right = f"{CAMERA.focal} 0 8 {-CAMERA.focal * CAMERA.baseline} 0 {CAMERA.focal} 6 0 0 0 1 0"
    names = ("P2", "P3") if "calib/" in path.as_posix() else ("P_rect_02", "P_rect_03")
    return f"calib_time: 09-Jan-2012 13:57:47\n{names[0]}: {left}\n{names[1]}: {right}\n"
