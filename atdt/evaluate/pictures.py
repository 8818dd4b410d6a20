"""Pictures of what several methods predict: input, each method, truth."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from atdt.domains import Domain, ViewPlan
from atdt.errors import MismatchError
from atdt.evaluate.figures import PictureGrid, PictureRow
from atdt.evaluate.pairs import Pairs
from atdt.files import write_atomic
from atdt.predictions import INDEX, Predictions, open_predictions
from atdt.tasks import get_task

CUTS = ("resize", "crop", "pad")


def comparison_grid(
    domain: Domain, methods: Mapping[str, Path], indices: Sequence[int], caption: str
) -> PictureGrid:
    """A grid with a row for each image and the columns input, every method, truth.

    Args:
        domain: opened with the labels of the task.
        methods: column -> predictions folder; all of one task and one view.
        indices: which samples of the domain to show.

    Raises:
        MismatchError: predictions of other images, tasks or views.
        UserError: a folder holds no finished predictions.
    """
    opened = {name: open_predictions(folder) for name, folder in methods.items()}
    first = next(iter(opened.values()))
    task = get_task(first.task)
    pairs = {name: Pairs(predictions, domain, task) for name, predictions in opened.items()}
    for predictions in opened.values():
        if _cut(predictions) != _cut(first):
            raise MismatchError(
                f"{predictions.folder / INDEX}: its images are cut as {_cut(predictions)}, those "
                f"of {first.folder} as {_cut(first)}; predict with the same sizes"
            )
    space = domain.label_space
    plan = ViewPlan.from_dict(first.view)
    rows = []
    for index in indices:
        name = domain.samples[index].image
        view = plan.draw(name, 0, domain.image_size(index))
        picture = np.rint(view.image(domain.image(index)) * 255).astype(np.uint8)
        found = [pair.predictions.read(name, task) for pair in pairs.values()]
        truth = next(iter(pairs.values())).truth(index)
        maps = [task.colour(values, space) for values in (*found, truth)]
        rows.append(PictureRow(name, [picture.transpose(1, 2, 0), *maps]))
    legend = None
    if task.label == "semantic":
        legend = dict(zip(space.classes, space.colours, strict=True))
    return PictureGrid(caption, ["input", *methods, "truth"], rows, legend)


def spread(total: int, count: int) -> list[int]:
    """Indices of `count` examples out of `total`: the middle of each of `count` equal parts of the
    list; all of them where there are fewer."""
    count = min(total, count)
    return [(2 * part + 1) * total // (2 * count) for part in range(count)]


def save_grid(grid: PictureGrid, path: Path) -> Path:
    """Write a grid as one PNG, its columns' names above; for a README or a slide."""
    from matplotlib.figure import Figure

    height, width = grid.rows[0].pictures[0].shape[:2]
    inches = 2.4
    size = (inches * len(grid.columns), inches * height / width * len(grid.rows) + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(grid.rows), len(grid.columns), squeeze=False)
    for row, line in zip(grid.rows, axes, strict=True):
        for picture, place in zip(row.pictures, line, strict=True):
            place.imshow(picture, interpolation="nearest")
            place.set_axis_off()
    for column, place in zip(grid.columns, axes[0], strict=True):
        place.set_title(column, fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return write_atomic(path, buffer.getvalue())


def _cut(predictions: Predictions) -> dict[str, object]:
    return {key: predictions.view.get(key) for key in CUTS}
