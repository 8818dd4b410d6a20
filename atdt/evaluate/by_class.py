"""Figures of one class of pixels at a time: on what is a prediction wrong?

A pixel belongs to the class that the domain's semantic labels give it, so the domain must have them
beside the labels that are measured. The figures are those of the task, over fewer pixels.
"""

import numpy as np

from atdt.errors import UserError
from atdt.evaluate.focal import AUTO, focal_ratios
from atdt.evaluate.pairs import Pairs
from atdt.evaluate.records import Measured
from atdt.tasks.base import Record, Task, stack_records

SEMANTIC = "semantic"


def check_has_classes(task: Task) -> None:
    """Refuse a task that semantic labels do not divide.

    Raises:
        UserError: it is semantics, whose figures are by class already, or has no labels.
    """
    if task.label in (None, SEMANTIC):
        raise UserError(f"--by-class: is for depth and the like, not for {task.name}")


def by_class(
    measured: Measured, pairs: Pairs, focal_ratio: str | float | None = AUTO
) -> dict[str, Measured]:
    """What was measured, once more for each class that has a pixel with truth.

    Args:
        measured: the whole of it.
        pairs: the same predictions and truth, of a domain that has semantic labels.
        focal_ratio: see `focal_ratios`.

    Returns:
        by the name of the class, in the order of the label space, all with the same images; of
        those without such a pixel nothing is measured.
    """
    task, space = pairs.task, pairs.domain.label_space
    ratios = focal_ratios(focal_ratio, pairs)[0] if "focal_ratio" in task.ways else None
    records: dict[str, list[Record]] = {name: [] for name in space.classes}
    for index in range(len(pairs)):
        prediction, truth = pairs[index]
        ids = pairs.label(index, SEMANTIC)
        ways = {} if ratios is None else {"focal_ratio": ratios[index]}
        for number, of_class in enumerate(records.values()):
            there = (ids == number).reshape(ids.shape + (1,) * (truth.ndim - ids.ndim))
            only = np.where(there, truth, truth.dtype.type(0))  # 0 is no truth, of all but ids
            of_class.append(task.measure(prediction, only, space, **ways))
    return {
        name: Measured(measured.path, measured.info, pairs.images, stack_records(of_class))
        for name, of_class in records.items()
        if any(record["pixels"] for record in of_class)
    }
