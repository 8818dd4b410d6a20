"""The tables of a grid: each cell, what its options changed, and how far AT/DT is ahead of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atdt.diagnose.scores.figures import SECOND
from atdt.evaluate.bootstrap import LEVEL, interval
from atdt.evaluate.compare import Compared, compare
from atdt.evaluate.records import load_measured
from atdt.evaluate.report_table import Column, Row, Table, Value, metric_title, value_cell
from atdt.experiments.direction import ATDT, BASELINE, ORACLE
from atdt.experiments.figures import GAP_ON, LABELS, own_key, shown_factor
from atdt.experiments.grids import Cell
from atdt.experiments.pairs import Pair


@dataclass(frozen=True)
class _Figure:
    """One figure of all cells on the same resamples."""

    metric: dict[str, Any]
    rows: dict[str, Compared]

    @property
    def factor(self) -> float:
        return shown_factor(self.metric)

    @property
    def sign(self) -> int:
        return 1 if self.metric["better"] == "higher" else -1

    def key(self, cell: Cell) -> str:
        return own_key(cell.method, self.metric)

    def score(self, cell: Cell) -> float:
        return self.rows[_label(cell)].scores[self.key(cell)]

    def of(self, cell: Cell) -> Value | None:
        ends = self.rows[_label(cell)].interval(self.key(cell))
        return value_cell(self.score(cell), ends, self.factor)

    def better(self, cell: Cell, other: Cell | None) -> Value | None:
        """By how much a cell is better than another, paired; below 0 it is worse."""
        if other in (None, cell):
            return None
        one, two = (self.rows[_label(c)].replicates[self.key(c)] for c in (cell, other))
        difference = self.score(cell) - self.score(other)
        ends = interval(self.sign * (one - two))
        return value_cell(self.sign * difference, ends, self.factor)


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
    name = metric_title(metric)
    digits = metric["digits"]
    none = cells[0].setting
    without = [
        c for c in cells if c.setting == none and c.method in (BASELINE, ATDT) and not c.part
    ]
    best = max(without, key=lambda cell: figure.sign * figure.score(cell))
    rows = []
    for cell in cells:
        plain = next(c for c in cells if c.method == cell.method and not c.part)
        atdt = next(
            c for c in cells if c.setting == cell.setting and c.method == ATDT and not c.part
        )
        rows.append(
            Row(
                _label(cell),
                [
                    figure.of(cell),
                    figure.better(cell, plain),
                    figure.better(atdt, cell),
                    figure.better(cell, best),
                ],
                competes=cell.method != ORACLE,
                emphasis=cell is atdt,
            )
        )
    caption = (
        f"{title}: {name} on B, over {over}. Gain: over the same method with {none}; "
        f"over the best: over {LABELS[best.method]}, of baseline and AT/DT with {none} the better "
        "one by this very figure, which favours it; all differences are above 0 where they are "
        "for the better, whichever way the figure goes; "
        f"{100 * LEVEL:.0f} % intervals are paired, over seeds and images"
    )
    columns = [
        Column(name, digits, metric["better"]),
        Column("gain", digits),
        Column("lead of AT/DT", digits),
        Column("over the best", digits),
    ]
    return Table(caption, columns, rows)


def _label(cell: Cell) -> str:
    part = f" ({cell.part})" if cell.part else ""
    return f"{cell.setting}: {LABELS[cell.method]}{part}"
