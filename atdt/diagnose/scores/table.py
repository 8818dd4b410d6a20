"""Scores as a table, and what is known of how well they predict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from atdt.diagnose.scores.registry import SCORES, Score
from atdt.domains.labels import LabelSpace
from atdt.evaluate.report_table import Column, Row, Table
from atdt.tasks.base import Task
from atdt.texts import read_toml

ORDER = Path(__file__).with_name("order.toml")
LEADING = 3  # of the measured order, which are shown whatever they are


@dataclass(frozen=True)
class Order:
    """What `atdt rank-scores` found for a T2.

    Attributes:
        keys: of scores, the best predictor first.
        source: the command that measured it.
        result: in words, with the figures.
    """

    keys: tuple[str, ...]
    source: str
    result: str


def measured_order(task: str) -> Order | None:
    """Of a T2; None: nobody has measured it yet."""
    found = read_toml(ORDER).get(task)
    return None if found is None else Order(tuple(found["order"]), found["source"], found["result"])


def in_order(task: Task | None, scores: Sequence[Score] = SCORES) -> list[Score]:
    """Scores, what predicts best first; as they are registered where that was not measured."""
    order = None if task is None else measured_order(task.name)
    keys = () if order is None else order.keys
    return sorted(scores, key=lambda s: keys.index(s.key) if s.key in keys else len(keys))


@dataclass(frozen=True)
class Network:
    """A row of the table.

    Attributes:
        name: of it.
        scores: by key.
        judged: further numbers, see `scores_table`.
    """

    name: str
    scores: Mapping[str, float | None]
    judged: Sequence[float | None] = ()


def note_on_order(task: Task | None, networks: Sequence[Network]) -> str:
    """What is known of how well the scores of networks predict, in a sentence or two."""
    if task is None:
        return "Nothing decodes, so that little can be said; --target-run gives N2."
    order = measured_order(task.name)
    if order is None:
        return (
            f"Which of these predicts best for {task.name} has not been measured: they stand in no "
            "order (`atdt rank-scores` measures it)."
        )
    there = any(one.scores.get(order.keys[0]) is not None for one in networks)
    where = "comes first" if there else "is not among these"
    return f"What predicts best for {task.name} {where}: {order.result} (`{order.source}`)."


def scores_table(
    caption: str,
    networks: Sequence[Network],
    task: Task | None,
    space: LabelSpace | None,
    judged: Sequence[Column] = (),
    scores: Sequence[Score] = SCORES,
) -> Table:
    """A row a network, a column for each score that any of them has, what predicts best first.

    Args:
        judged: columns behind them, such as what B's labels say, for whoever evaluates.
    """
    shown = columns_of(networks, task, space, scores)
    rows = [
        Row(
            one.name,
            [*(in_unit(one.scores.get(s.key), s.unit(task, space)) for s in shown), *one.judged],
        )
        for one in networks
    ]
    return Table(caption, [*(s.column(task, space) for s in shown), *judged], rows)


def columns_of(
    networks: Sequence[Network],
    task: Task | None,
    space: LabelSpace | None,
    scores: Sequence[Score] = SCORES,
) -> list[Score]:
    """Scores that tables show: those that any network has, without details that predict little."""
    order = None if task is None else measured_order(task.name)
    leading = () if order is None else order.keys[:LEADING]
    return [
        known
        for known in in_order(task, scores)
        if known.applies(task, space)
        and (not known.detail or known.key in leading)
        and any(one.scores.get(known.key) is not None for one in networks)
    ]


def in_unit(value: float | None, unit: float) -> float | None:
    """A value as tables show it."""
    return None if value is None else value / unit
