"""Which of T2's figures a score is measured in."""

from collections.abc import Container
from typing import Literal

from atdt.domains.labels import LabelSpace
from atdt.tasks.base import Metric, Task

Which = Literal["headline", "second"]

# What the headline is blind to, or too strict in: shape without scale, pixels without rare classes.
SECOND = {"depth": "scale_free/silog", "semantic": "accuracy"}


def figure_of(task: Task, space: LabelSpace, which: Which) -> Metric | None:
    """T2's headline or its second figure; None where it has no second one."""
    key = task.headline if which == "headline" else SECOND.get(task.name)
    return next((metric for metric in task.metrics(space) if metric.key == key), None)


def across_cameras(task: Task, space: LabelSpace, which: Which) -> Metric | None:
    """The same as it is measured on another camera's images: × the focal ratio, if T2 has it so."""
    plain = figure_of(task, space, which)
    if plain is None:
        return None
    ways = (m for m in task.metrics(space) if m.factor == "focal_ratio" and m.plain == plain.key)
    return next(ways, plain)


def true_figures(task: Task | None, space: LabelSpace | None, keys: Container[str]) -> list[Metric]:
    """By what B's labels tell which network is right: T2's headline, across cameras where that was
    measured, and its second figure; for whoever evaluates, never to choose by.

    Args:
        keys: of the figures that were measured.
    """
    if task is None:
        return []
    found = []
    for which in ("headline", "second"):
        ways = (way(task, space, which) for way in (across_cameras, figure_of))
        found += [metric for metric in ways if metric is not None and metric.key in keys][:1]
    return found
