"""The tables of a grid: each cell, what its options changed, and how far AT/DT is ahead of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atdt.diagnose.scores.figures import SECOND
from atdt.evaluate.bootstrap import LEVEL, interval
from atdt.evaluate.compare import Compared, compare
from atdt.evaluate.records import load_measured
from atdt.evaluate.report_table import Column, Row, Table, Value
from atdt.experiments.direction import ATDT
from atdt.experiments.figures import GAP_ON, LABELS
from atdt.experiments.grids import Cell
from atdt.experiments.pairs import Pair


@dataclass(frozen=True)
class _Figure:
    """One figure of all cells on the same resamples."""

    metric: dict[str, Any]
    rows: dict[str, Compared]

    @property
    def factor(self) -> float:
        return 100.0 if self.metric["percent"] else 1.0

    def of(self, cell: Cell) -> Value:
        row, key = self.rows[_label(cell)], self.metric["key"]
        return self._value(row.scores[key], row.interval(key))

    def better(self, cell: Cell, other: Cell | None) -> Value | None:
        """By how much a cell is better than another, paired; below 0 it is worse."""
        if other in (None, cell):
            return None
        first, second = self.rows[_label(cell)], self.rows[_label(other)]
        key, sign = self.metric["key"], 1 if self.metric["better"] == "higher" else -1
        difference = sign * (first.replicates[key] - second.replicates[key])
        return self._value(sign * (first.scores[key] - second.scores[key]), interval(difference))

    def _value(self, value: float, ends: tuple[float, float] | None) -> Value:
        low, high = (None, None) if ends is None else (self.factor * end for end in ends)
        return Value(self.factor * value, low, high)


def grid_tables(
    title: str, cells: Sequence[Sequence[Cell]], pair: Pair, block: int = 1
) -> list[Table]:
    """A table for each of one or two figures of the task.

    Args:
        title: of the grid.
        cells: for each seed of the encoders the same cells in the same order, the plain ones first.
        pair: of domains.
        block: neighbouring images that the bootstrap draws together.
    """
    measured = {
        _label(same[0]): [[load_measured(path) for path in cell.folders] for cell in same]
        for same in zip(*cells, strict=True)
    }
    rows = compare(measured, block=block)
    info = next(iter(measured.values()))[0][0].info
    known = {metric["key"]: metric for metric in info["metrics"]}
    task = info["task"]
    first = next(key for key in GAP_ON.get(task, (info["headline"],)) if key in known)
    keys = [first, *(key for key in (SECOND.get(task),) if key in known)]
    seeds = len(cells)
    over = f"{seeds} seeds of the encoders" if seeds > 1 else "one seed of the encoders"
    return [
        _table(f"{title}, {pair.name}", _Figure(known[key], rows), cells[0], over) for key in keys
    ]


def _table(title: str, figure: _Figure, cells: Sequence[Cell], over: str) -> Table:
    metric = figure.metric
    name = f"{metric['title']} {metric['way']}".rstrip() + " %" * metric["percent"]
    digits = metric["digits"]
    rows = []
    for cell in cells:
        plain = next(c for c in cells if c.method == cell.method and not c.part)
        atdt = next(
            c for c in cells if c.setting == cell.setting and c.method == ATDT and not c.part
        )
        rows.append(
            Row(
                _label(cell),
                [figure.of(cell), figure.better(cell, plain), figure.better(atdt, cell)],
                emphasis=cell is atdt,
            )
        )
    caption = (
        f"{title}: {name} on B, over {over}. Gain: over the same method with {cells[0].setting}; "
        "gain and lead are above 0 where they are for the better, whichever way the figure goes; "
        f"{100 * LEVEL:.0f} % intervals are paired, over seeds and images"
    )
    columns = [
        Column(name, digits, metric["better"]),
        Column("gain", digits),
        Column("lead of AT/DT", digits),
    ]
    return Table(caption, columns, rows)


def _label(cell: Cell) -> str:
    part = f" ({cell.part})" if cell.part else ""
    return f"{cell.setting}: {LABELS[cell.method]}{part}"
