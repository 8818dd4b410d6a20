"""The leaderboard of a sweep: what each G costs and scores, as a table, Markdown, CSV and JSON."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from atdt.diagnose.scores.figures import true_figures
from atdt.diagnose.scores.registry import SCORES
from atdt.diagnose.scores.table import Network, in_unit, note_on_order, scores_table
from atdt.domains.labels import LabelSpace
from atdt.evaluate.report_table import Column, Row, Table
from atdt.evaluate.table import markdown
from atdt.files import write_atomic, write_json
from atdt.tasks.base import Metric, Task

HEADLINE, EXPLAINED = "on_a", "explained_variance"  # scores that a sweep chooses by
ON_A = ("held_out_loss", EXPLAINED, HEADLINE)
OF_B = ("on_rehearsal", *(known.key for known in SCORES if known.of_images is not None))
ONLY_JUDGES = "B's labels judge here and choose nothing"
NO_LABEL = "by no label of T2 there"


@dataclass(frozen=True)
class Line:
    """A G of the leaderboard.

    Attributes:
        name: of the trial.
        state: "finished", "stopped after N steps" or "diverged".
        parameters, macs: of it, a sample.
        seconds: that its steps took.
        configuration: the same for trials that differ by their seed alone.
        scores: see `atdt.diagnose.scores.registry`, by key; no T2 label of B.
        judged: T2's figures on B by its labels, by key; empty: not measured.
    """

    name: str
    state: str
    parameters: int | None = None
    macs: int | None = None
    seconds: float | None = None
    configuration: str = ""
    scores: Mapping[str, float | None] = field(default_factory=dict)
    judged: Mapping[str, float] = field(default_factory=dict)

    def described(self, headline: str | None) -> dict[str, Any]:
        """For JSON. `headline` is T2's figure that stands for all of `judged`."""
        plain = {key: self.scores.get(key) for key in ON_A}
        named = asdict(self)
        own = {key: named.pop(key) for key in ("scores", "judged")}
        return (
            named
            | plain
            | {"on_b": self.judged.get(headline)}
            | {
                key: {name: finite(value) for name, value in values.items()}
                for key, values in own.items()
            }
        )


@dataclass(frozen=True)
class Board:
    """All Gs of a race, the best first by what the sweep may choose by.

    Attributes:
        title: what they map.
        lines: of it.
        metric: T2's headline; None: nothing is decoded.
        task, space: T2; None likewise.
        encoders: digests of E1 and E2, and where they are cut.
    """

    title: str
    lines: tuple[Line, ...]
    metric: Metric | None
    task: Task | None = None
    space: LabelSpace | None = None
    encoders: Mapping[str, str | None] = field(default_factory=dict)

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
        shown = [lambda o: in_unit(o.parameters, 1e6), lambda o: in_unit(o.macs, 1e9)]
        shown += [lambda o: in_unit(o.scores.get(EXPLAINED), 0.01)]
        if self.metric is not None:
            metric, unit = self.metric, 0.01 if self.metric.percent else 1.0
            columns.append(Column(f"{metric.title} on A", metric.digits, metric.better))
            shown.append(lambda o: in_unit(o.scores.get(HEADLINE), unit))
            if self.judged:
                columns.append(Column(f"{metric.title} on B", metric.digits, metric.better))
                shown.append(lambda o: in_unit(o.judged.get(metric.key), unit))
        columns.append(Column("seconds", 1))
        shown.append(lambda o: o.seconds)
        rows = [
            Row(
                line.name,
                [cell(line) for cell in shown],
                tag="" if line.state == "finished" else line.state,
                emphasis=line.name == self.chosen,
            )
            for line in self.lines
        ]
        return Table(self.title + (f"; {ONLY_JUDGES}" if self.judged else ""), columns, rows)

    @property
    def judged(self) -> bool:
        """Whether B's labels judged anything."""
        return any(line.judged for line in self.lines)

    @property
    def truths(self) -> list[Metric]:
        """T2's figures by which B's labels judge."""
        measured = {key for line in self.lines for key in line.judged}
        return true_figures(self.task, self.space, measured)

    @property
    def networks(self) -> list[Network]:
        """The Gs with their scores and what B's labels say."""
        units = {m.key: 0.01 if m.percent else 1.0 for m in self.truths}
        return [
            Network(
                line.name,
                line.scores,
                [in_unit(line.judged.get(key), unit) for key, unit in units.items()],
            )
            for line in self.lines
        ]

    def scores_table(self) -> Table | None:
        """What is known of B without its labels; None where B was not looked at."""
        if not any(line.scores.get(key) is not None for line in self.lines for key in OF_B):
            return None
        columns = [_true_column(metric) for metric in self.truths]
        caption = f"{self.title}: will it hold on B? Said {NO_LABEL}"
        caption += f"; the last {len(columns)} columns are by them, and only judge" * bool(columns)
        beyond_a = [known for known in SCORES if known.key not in ON_A]  # which the other table has
        return scores_table(caption, self.networks, self.task, self.space, columns, beyond_a)

    def note(self) -> str:
        """What is known of how well the scores predict."""
        return note_on_order(self.task, self.networks)

    def described(self) -> dict[str, Any]:
        """For JSON."""
        headline = None if self.task is None else self.task.headline
        return {
            "title": self.title,
            "chosen": self.chosen,
            "task": None if self.task is None else self.task.name,
            "encoders": dict(self.encoders),
            "scores": {
                known.key: _named(known.column(self.task, self.space))
                for known in SCORES
                if known.applies(self.task, self.space)
            },
            "truths": {m.key: _named(_true_column(m)) for m in self.truths},
            "lines": [line.described(headline) for line in self.lines],
        }


def ranked(lines: Sequence[Line], metric: Metric | None) -> tuple[Line, ...]:
    """The finished before the stopped before the diverged, each the best first, by A alone."""

    def key(line: Line) -> tuple[int, bool, float]:
        figure, sign = line.scores.get(EXPLAINED), -1.0
        if metric is not None:
            figure, sign = line.scores.get(HEADLINE), -1.0 if metric.higher_is_better else 1.0
        state = ("finished", "stopped", "diverged").index(line.state.split()[0])
        return state, figure is None, 0.0 if figure is None else sign * figure

    return tuple(sorted(lines, key=key))


def write_boards(folder: Path, boards: Sequence[Board]) -> Path:
    """Write leaderboard.md, .csv and .json; the first's path."""
    content = [board.described() for board in boards]
    write_json(folder / "leaderboard.json", content)
    flat = [{"title": b["title"]} | _flat(line) for b in content for line in b["lines"]]
    text = io.StringIO(newline="")
    names = list(dict.fromkeys(name for line in flat for name in line))
    rows = csv.DictWriter(text, names, lineterminator="\n")
    rows.writeheader()
    rows.writerows(flat)
    write_atomic(folder / "leaderboard.csv", text.getvalue().encode())
    parts = [part for board in boards for part in _markdown(board)]
    return write_atomic(folder / "leaderboard.md", ("\n\n".join(parts) + "\n").encode())


def _markdown(board: Board) -> list[str]:
    scores = board.scores_table()
    of_b = [] if scores is None else [markdown(scores), board.note()]
    return [markdown(board.table()), *of_b]


def _true_column(metric: Metric) -> Column:
    way = f" {metric.way}" if metric.factor else ""
    return Column(f"{metric.title}{way} on B", metric.digits, metric.better)


def _named(column: Column) -> dict[str, Any]:
    """For whoever reads the file without T2 at hand."""
    return {"title": column.name, "better": column.better, "digits": column.digits}


def _flat(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with its scores beside the rest, and what B's labels say as b/KEY."""
    plain = {key: value for key, value in line.items() if key not in ("scores", "judged")}
    return plain | line["scores"] | {f"b/{key}": value for key, value in line["judged"].items()}


def finite(value: float | None) -> float | None:
    """A number for JSON, which has no NaN."""
    return value if value is not None and math.isfinite(value) else None
