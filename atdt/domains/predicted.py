"""Predictions that stand in for a domain's labels of one kind."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atdt.domains import encodings, pictures
from atdt.domains.label_map import LabelMap
from atdt.domains.labels import LabelSpace
from atdt.domains.sharing import Origin
from atdt.errors import DomainError
from atdt.predictions import INDEX, Predictions

if TYPE_CHECKING:
    from atdt.domains.domain import Domain

RELATIVE = "disparity"  # a task whose predictions are depth up to a scale and a shift


def check_predictions(domain: "Domain", kind: str, made: Predictions) -> None:
    """Whether they may stand in for labels of this kind of this domain.

    Raises:
        DomainError: they are of another task or label space, or of another domain's images.
    """
    index = made.folder / INDEX
    if made.task != kind and (made.task, kind) != (RELATIVE, "depth"):
        raise DomainError(f"{index}: holds predictions of {made.task!r}, not of {kind!r}")
    if kind == "semantic":
        try:
            space = LabelSpace.from_dict(made.label_space)
        except DomainError as error:
            raise DomainError(f"{index}: label_space: {error}") from None
        if space.classes != domain.label_space.classes:
            raise DomainError(
                f"{index}: ids are of label space {space.name!r}, but {domain.path} has "
                f"{domain.label_space.name!r}"
            )
    if not Origin.of(domain).shares(Origin.recorded(made.domain, made.images)):
        raise DomainError(
            f"{index}: is of {made.domain.get('name')}, not of {domain.name}, though its images "
            "may have the same names"
        )


def read_predicted(path: Path, made: Predictions, kind: str, space: LabelSpace) -> np.ndarray:
    """A label as `Domain.label` gives it, of the height and width that the prediction has.

    Raises:
        DomainError: the file does not decode, or holds an id that the label space has not.
    """
    if kind == "semantic":
        return LabelMap.identity(space).apply_to_file(path, pictures.read_numbers(path))
    if kind == "depth" and made.task == RELATIVE:
        return encodings.read_relative_depth(path)
    if kind == "depth":
        return encodings.read_predicted_depth(path)
    return encodings.read_normals(path)


def only_resized(made: Predictions) -> bool:
    """Whether predictions show whole images, if at another size."""
    view = made.view
    return view.get("crop") is None and view.get("pad") is None and bool(view.get("resize"))
