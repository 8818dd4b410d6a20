"""The leaderboard of a sweep: what each G costs and scores, as a table, Markdown, CSV and JSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from atdt.evaluate.report_table import Column, Row, Table
from atdt.evaluate.table import markdown
from atdt.files import write_atomic, write_json
from atdt.tasks.base import Metric

ONLY_JUDGES = "B's labels judge here and choose nothing"


@dataclass(frozen=True)
class Line:
    """A G of the leaderboard.

    Attributes:
        name: of the trial.
        state: "finished", "stopped after N steps" or "diverged".
        parameters, macs: of it, a sample.
        seconds: that its steps took.
        held_out_loss, explained_variance: on A's held-out images, by its own losses.
        on_a, on_b: T2's headline figure through D2; None: not measured.
    """

    name: str
    state: str
    parameters: int | None = None
    macs: int | None = None
    seconds: float | None = None
    held_out_loss: float | None = None
    explained_variance: float | None = None
    on_a: float | None = None
    on_b: float | None = None


@dataclass(frozen=True)
class Board:
    """All Gs of a race, the best first by what the sweep may choose by.

    Attributes:
        title: what they map.
        lines: of it.
        metric: of `on_a` and `on_b`; None: neither is measured.
    """

    title: str
    lines: tuple[Line, ...]
    metric: Metric | None

    @property
    def chosen(self) -> str | None:
        """The best finished G by A alone."""
        done = [line for line in self.lines if line.state == "finished"]
        return done[0].name if done else None

    def table(self) -> Table:
        """For the terminal, Markdown and the report."""
        columns = [
            Column("M parameters", 2),
            Column("G MACs", 3),
            Column("explained % on A", 1, "higher"),
        ]
        shown = [lambda o: _in(o.parameters, 1e6), lambda o: _in(o.macs, 1e9)]
        shown += [lambda o: _in(o.explained_variance, 0.01)]
        if self.metric is not None:
            metric, unit = self.metric, 0.01 if self.metric.percent else 1.0
            columns.append(Column(f"{metric.title} on A", metric.digits, metric.better))
            shown.append(lambda o: _in(o.on_a, unit))
            if any(line.on_b is not None for line in self.lines):
                columns.append(Column(f"{metric.title} on B", metric.digits, metric.better))
                shown.append(lambda o: _in(o.on_b, unit))
        columns.append(Column("seconds", 1))
        shown.append(lambda o: o.seconds)
        judged = any(line.on_b is not None for line in self.lines)
        rows = [
            Row(
                line.name,
                [cell(line) for cell in shown],
                tag="" if line.state == "finished" else line.state,
                emphasis=line.name == self.chosen,
            )
            for line in self.lines
        ]
        return Table(self.title + (f"; {ONLY_JUDGES}" if judged else ""), columns, rows)


def ranked(lines: Sequence[Line], metric: Metric | None) -> tuple[Line, ...]:
    """The finished before the stopped before the diverged, each the best first, by A alone."""

    def key(line: Line) -> tuple[int, bool, float]:
        figure, sign = line.explained_variance, -1.0
        if metric is not None:
            figure, sign = line.on_a, -1.0 if metric.higher_is_better else 1.0
        state = ("finished", "stopped", "diverged").index(line.state.split()[0])
        return state, figure is None, 0.0 if figure is None else sign * figure

    return tuple(sorted(lines, key=key))


def write_boards(folder: Path, boards: Sequence[Board]) -> Path:
    """Write leaderboard.md, .csv and .json; the first's path."""
    content = [
        {"title": b.title, "chosen": b.chosen, "lines": [asdict(line) for line in b.lines]}
        for b in boards
    ]
    write_json(folder / "leaderboard.json", content)
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, ["title", *Line.__dataclass_fields__], lineterminator="\n")
    rows.writeheader()
    for board in boards:
        rows.writerows({"title": board.title} | asdict(line) for line in board.lines)
    write_atomic(folder / "leaderboard.csv", text.getvalue().encode())
    tables = "\n\n".join(markdown(board.table()) for board in boards)
    return write_atomic(folder / "leaderboard.md", f"{tables}\n".encode())


def _in(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
