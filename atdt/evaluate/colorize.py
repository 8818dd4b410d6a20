"""`atdt colorize`: labels or predictions as pictures for people, in their task's colours."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atdt.ahead import ahead
from atdt.domains import LabelSpace, open_domain
from atdt.domains.encodings import write_png
from atdt.errors import DomainError, UserError
from atdt.files import inside, names_in
from atdt.objects import reach
from atdt.places import place
from atdt.predictions import INDEX, is_predictions, open_predictions, stems
from atdt.progress import progress
from atdt.tasks import get_task
from atdt.tasks.base import Task

THREADS = 4  # reading and writing PNGs lets go of Python's lock


@dataclass(frozen=True, kw_only=True)
class Colouring:
    """What to show.

    Attributes:
        source: a predictions folder, or PATH[:SPLIT][@N] of a domain.
        out: folder of the pictures.
        labels: kind of label to show of a domain; None for predictions.
        overwrite: write into a folder that holds files, over those of the same names.
    """

    source: str
    out: Path
    labels: str | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Shown:
    """What is shown: `read` gives the values of one of the images."""

    task: Task
    space: LabelSpace
    images: tuple[str, ...]
    read: Callable[[int], np.ndarray]


def colorize(config: Colouring) -> Path:
    """Write a PNG an image, OUT/a/b.png of image a/b.jpg, as `Task.colour` makes it.

    Returns:
        the folder of the pictures.

    Raises:
        UserError: predictions that cannot be read, a domain without `labels`, predictions with it,
            or an `out` that holds files already.
    """
    reach(place(config.source))
    if not config.overwrite:
        if config.out.is_file():
            raise UserError(f"{config.out}: is a file; pictures need a folder")
        if names_in(config.out):
            raise UserError(
                f"{config.out}: holds files; --overwrite writes over those of the same names"
            )
    shown = _predictions(config) if is_predictions(config.source) else _labels(config)
    names = stems(shown.images)

    def write(index: int) -> None:
        values = shown.read(index)
        picture = shown.task.colour(values, shown.space)
        if picture.ndim != 3:
            raise UserError(
                f"{shown.images[index]}: {shown.task.name} of shape {values.shape} is no map"
            )
        write_png(inside(config.out, names[shown.images[index]] + ".png"), picture)

    with (
        progress(f"colour {shown.task.name}", len(shown.images), "images") as advance,
        closing(ahead(write, range(len(shown.images)), threads=THREADS)) as written,
    ):
        for _ in written:
            advance(1)
    return config.out


def meaning(config: Colouring) -> str:
    """What the colours say: the task's own words and, of classes, each one's colour."""
    shown = _predictions(config) if is_predictions(config.source) else _labels(config)
    said = f"{shown.task.name}: {' '.join((shown.task.colour.__doc__ or '').split())}"
    if shown.task.label != "semantic":
        return said
    named = zip(shown.space.classes, shown.space.colours, strict=True)
    legend = ", ".join(f"{name} #{r:02x}{g:02x}{b:02x}" for name, (r, g, b) in named)
    return f"{said}\n{legend}"


def _predictions(config: Colouring) -> Shown:
    made = open_predictions(config.source)
    if config.labels is not None:
        raise UserError(f"{config.source}: holds predictions of {made.task}; leave out --labels")
    try:
        space = LabelSpace.from_dict(made.label_space)
    except DomainError as error:
        raise UserError(f"{made.folder / INDEX}: label_space: {error}") from None
    task = get_task(made.task)
    return Shown(task, space, made.images, lambda index: made.read(made.images[index], task))


def _labels(config: Colouring) -> Shown:
    if config.labels is None:
        raise UserError(f"{config.source}: say which labels to show: --labels semantic, depth …")
    kind = config.labels
    domain = open_domain(config.source, labels=[kind])
    images = tuple(sample.image for sample in domain.samples)
    return Shown(
        get_task(kind), domain.label_space, images, lambda index: domain.label(index, kind)
    )
