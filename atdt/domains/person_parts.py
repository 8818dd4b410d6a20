"""Person parts out of PASCAL-Part's .mat files (Chen et al., CVPR 2014), as ASTMT reads them.

    anno      a struct of imname and objects
    objects   structs of class, class_ind, mask (H, W) and parts, one for each object of the image
    parts     structs of part_name and mask (H, W); [] where an object has none

By facebookresearch/astmt (fblib/dataloaders/pascal_context.py): parts of all persons lie in one
map, later ones over earlier ones, and an image without them has no labels at all.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from atdt.domains.labels import IGNORE, LabelSpace
from atdt.domains.matlab5 import read_matrices
from atdt.errors import DomainError

PERSON = "person"
LARGEST = 2**28  # bytes when unpacked: a mask for each part of a crowd


def read_person_parts(path: Path, space: LabelSpace) -> np.ndarray:
    """Ids (H, W) uint8: a part's place in `space`, 0 elsewhere; 255 where no person has parts.

    Args:
        path: the file.
        space: label space of the files; its classes are called as the parts are, the first is none.

    Raises:
        DomainError: the file is absent, damaged or another one; or holds a part that `space`
            lacks: names it and how many pixels have it.
    """
    (anno,) = read_matrices(path, "anno", largest=LARGEST)
    (image,) = _structs(path, anno, "anno", ("objects",)) or [{"objects": ""}]
    objects = _structs(path, image["objects"], "anno.objects", ("class", "mask", "parts"))
    if not objects:
        raise DomainError(f"{path}: anno.objects is empty: the image's size is not known")
    size = _mask(path, objects[0]).shape
    parts = [
        part
        for one in objects
        if one["class"] == PERSON and len(one["parts"])
        for part in _structs(path, one["parts"], "anno.objects.parts", ("part_name", "mask"))
    ]
    if not parts:
        return np.full(size, IGNORE, np.uint8)
    ids, unknown = np.zeros(size, np.uint8), Counter[str]()
    for part in parts:
        mask, name = _mask(path, part), part["part_name"]
        if mask.shape != size:
            raise DomainError(f"{path}: masks of {size} and {mask.shape}, where one size is meant")
        if name in space.classes:
            ids[mask] = space.classes.index(name)
        else:
            unknown[name] += int(mask.sum())
    if unknown:
        met = ", ".join(f"{name!r} ({count} pixels)" for name, count in unknown.most_common())
        raise DomainError(f"{path}: holds parts {met}, which {space.name!r} lacks")
    return ids


def _structs(path: Path, value: Any, where: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """`value`, if it is a struct with these fields, or empty."""
    if not isinstance(value, list):
        if len(value):
            raise DomainError(f"{path}: {where} is no struct: not a file of PASCAL-Part")
        return []
    if value and (lacking := [field for field in fields if field not in value[0]]):
        raise DomainError(f"{path}: {where} has no {lacking[0]}: not a file of PASCAL-Part")
    return value


def _mask(path: Path, item: dict[str, Any]) -> np.ndarray:
    mask = item["mask"]
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or not mask.size:
        raise DomainError(f"{path}: a mask is not (H, W): not a file of PASCAL-Part")
    return mask != 0
