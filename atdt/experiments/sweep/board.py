"""The leaderboard of a sweep: what each G costs and scores, in order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from atdt.diagnose.scores.figures import true_figures
from atdt.diagnose.scores.registry import SCORES
from atdt.diagnose.scores.table import Network, in_unit, note_on_order, scores_table
from atdt.domains.labels import LabelSpace
from atdt.evaluate.report_table import Column, Row, Table, digits_for, number_text
from atdt.tasks.base import Metric, Task

HEADLINE, EXPLAINED = "on_a", "explained_variance"  # scores that a sweep chooses by
LOSS = "held_out_loss"
ON_A = (LOSS, EXPLAINED, HEADLINE)
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
        architecture: of it.
        losses: that it was trained with, and is measured by on A's held-out images.
        scores: see `atdt.diagnose.scores.registry`, by key; no T2 label of B.
        judged: T2's figures on B by its labels, by key; empty: not measured.
    """

    name: str
    state: str
    parameters: int | None = None
    macs: int | None = None
    seconds: float | None = None
    configuration: str = ""
    architecture: str = ""
    losses: str = ""
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
        return self.finished[0].name if self.finished else None

    @property
    def finished(self) -> list[Line]:
        """Those that were trained to the end, the best by A first."""
        return [line for line in self.lines if line.state == "finished"]

    def figure_text(self, line: Line) -> str:
        """By what the sweep chooses, with its value."""
        figure, _ = _deciding(line, self.metric)
        if self.metric is None:
            return f"{number_text(100 * figure, 1)} % explained"
        shown = number_text(figure / unit_of(self.metric), self.metric.digits)
        return f"{self.metric.title} {shown}"

    def table(self) -> Table:
        """For the terminal, Markdown and the report."""
        columns = [
            Column("M parameters", 2),
            Column("G MACs", 3),
            Column("explained % on A", 1, "higher"),
            self._loss_column(),
        ]
        shown = [lambda o: in_unit(o.parameters, 1e6), lambda o: in_unit(o.macs, 1e9)]
        shown += [lambda o: in_unit(o.scores.get(EXPLAINED), 0.01)]
        shown += [lambda o: o.scores.get(LOSS)]
        if self.metric is not None:
            metric, unit = self.metric, unit_of(self.metric)
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

    def _loss_column(self) -> Column:
        """Held-out losses, which compare where all are the same."""
        digits = digits_for((line.scores.get(LOSS) for line in self.lines), 4)
        if len({line.losses for line in self.lines}) > 1:
            return Column("held-out loss on A, each its own", digits)
        return Column("held-out loss on A", digits, "lower")

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
        units = {metric.key: unit_of(metric) for metric in self.truths}
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
        good = goodness(line, metric)
        state = ("finished", "stopped", "diverged").index(line.state.split()[0])
        return state, good is None, 0.0 if good is None else -good

    return tuple(sorted(lines, key=key))


def goodness(line: Line, metric: Metric | None) -> float | None:
    """By what a sweep chooses, the more the better; None where it was not measured."""
    figure, sign = _deciding(line, metric)
    return None if finite(figure) is None else sign * figure


def _deciding(line: Line, metric: Metric | None) -> tuple[float | None, int]:
    """The figure that a sweep chooses by, and 1 where much of it is good, else −1."""
    if metric is None:
        return line.scores.get(EXPLAINED), 1
    return line.scores.get(HEADLINE), 1 if metric.higher_is_better else -1


def unit_of(metric: Metric) -> float:
    """What a figure is divided by in tables."""
    return 0.01 if metric.percent else 1.0


def _true_column(metric: Metric) -> Column:
    way = f" {metric.way}" if metric.factor else ""
    return Column(f"{metric.title}{way} on B", metric.digits, metric.better)


def _named(column: Column) -> dict[str, Any]:
    """For whoever reads the file without T2 at hand."""
    return {"title": column.name, "better": column.better, "digits": column.digits}


def finite(value: float | None) -> float | None:
    """A number for JSON, which has no NaN."""
    return value if value is not None and math.isfinite(value) else None
