"""The page of an experiment: the table of all rows, the chain of losses, pictures."""

import re
from collections.abc import Sequence
from pathlib import Path

from atdt.domains import open_domain
from atdt.evaluate.compare import Compared
from atdt.evaluate.pictures import comparison_grid, spread
from atdt.evaluate.records import load_measured
from atdt.evaluate.report import (
    Chain,
    Column,
    Heading,
    Link,
    Pages,
    Paragraph,
    PictureGrid,
    Row,
    Section,
    Table,
    Value,
)
from atdt.evaluate.report_table import gap_cell, metric_title, value_cell
from atdt.evaluate.table import markdown
from atdt.experiments.direction import (
    ATDT,
    BASELINE,
    FOUNDATION,
    HEAD,
    ORACLE,
    PLAIN,
    SELF,
)
from atdt.experiments.figures import (
    CHOICES,
    LABELS,
    ORACLES,
    Figures,
    Result,
    own_key,
    shown_factor,
)
from atdt.experiments.label_students import TAUGHT
from atdt.experiments.sides import Direction, Outcome
from atdt.experiments.students import MERGED, STUDENT, STUDENT_BASELINE
from atdt.experiments.verdict import verdict
from atdt.files import write_atomic
from atdt.tasks import get_task

PICTURES = 4
# The figures of the main table, in the order of its columns.
COLUMNS = {
    "depth": ("abs_rel", "focal/abs_rel", "focal/delta1", "scale_free/silog", "scalar/abs_rel"),
    "semantic": ("miou", "miou_paper", "accuracy"),
    "normals": ("mean", "median", "within_11.25"),
}


def sections(result: Result, measured: Figures, classes: Sequence[Table]) -> list[Section]:
    """The chapter of one direction.

    Args:
        classes: see `class_tables`.
    """
    direction, outcome = result.directions[0], result.outcomes[0]
    title = f"{direction.source.name.capitalize()} → {direction.target.name}"
    return [
        Heading(title),
        Paragraph(verdict(measured), tone="note"),
        main_table(result, measured),
        *map(Paragraph, _unmeasured(result)),
        _seeds(result, measured),
        *_curve(result, measured),
        *classes,
        _chain(outcome),
        pictures(direction, outcome),
    ]


def in_markdown(result: Result, measured: Figures, classes: Sequence[Table]) -> str:
    """The chapter's words and tables, for a README, an issue or a terminal."""
    tables = [main_table(result, measured), _seeds(result, measured), *_curve(result, measured)]
    tables += classes
    title = f"## {result.directions[0].source.name} → {result.directions[0].target.name}"
    parts = [verdict(measured), *map(markdown, tables), *_unmeasured(result)]
    return "\n\n".join([title, *parts])


def _unmeasured(result: Result) -> list[str]:
    """A sentence on the rival whose weights are not everywhere, where it has no row."""
    if FOUNDATION in result.methods:
        return []
    return [f"{LABELS[FOUNDATION]}: unmeasured; `--foundation WEIGHTS` adds its row."]


def pages_beside(result: Result, folder: Path) -> list[Section]:
    """Links to the pages that belong to the chapter, which are copied below its own."""
    links = {}
    for outcome in result.outcomes:
        for title, files in outcome.pages.items():
            name = f"{result.directions[0].name}-{re.sub(r'[^a-z0-9]+', '-', title.lower())}"
            for file in files:
                write_atomic(folder / name / file.name, file.read_bytes())
            links[title] = f"{name}/{files[0].name}"
    return [Pages("Pages beside this one", links)] if links else []


def main_table(result: Result, measured: Figures) -> Table:
    """A row for each method; the task's figures and gap closed, with 95 % intervals."""
    task = result.directions[0].target.task
    keys = [key for key in COLUMNS.get(task, (measured.gap_on,)) if key in measured.metrics]
    columns = [_column(measured.metrics[key]) for key in keys]
    columns.append(Column("gap closed %", 0))
    if measured.gap_also is not None:
        also = metric_title(measured.metrics[measured.gap_also], unit=False)
        columns.append(Column(f"gap closed %, {also}", 0))
    rows = []
    for name in result.methods:
        own = [own_key(name, measured.metrics[key]) for key in keys]
        cells = [_value(measured.rows[name], measured.metrics[key]) for key in own]
        closed = [measured.gaps.get(name)]
        if measured.gap_also is not None:
            closed.append(measured.gaps_also.get(name))
        cells += [None if gap is None else gap_cell(gap.value, gap.interval) for gap in closed]
        mismatch = load_measured(result.outcomes[0].rows[name][0]).info["mismatch"]
        diagnostics = [
            f"{_column(measured.metrics[key]).name}: {measured.metrics[key]['diagnostic']}"
            for key in keys
            if measured.metrics[key].get("diagnostic")
        ]
        notes = list(diagnostics)
        if name in CHOICES:
            notes.append(
                f"seed by seed: {', '.join(_chosen(outcome, name) for outcome in result.outcomes)}"
            )
        if name == MERGED:
            notes.append(f"of {' and '.join(LABELS[part] for part in result.merged)}")
        if name == SELF and STUDENT in result.methods and STUDENT_BASELINE not in result.methods:
            notes.append("the student of the baseline, told what the other students are told")
        rows.append(
            Row(
                LABELS[name],
                cells,
                mismatch=mismatch,
                notes=notes,
                competes=name not in ORACLES,
                emphasis=name == ATDT,
            )
        )
    seeds = len(result.outcomes)
    images = load_measured(result.outcomes[0].rows[BASELINE][0]).info["images"]["count"]
    draws = len(result.outcomes[0].rows[ATDT])
    return Table(
        f"{images} test images of B; encoders from {seeds} seed{'s' * (seeds > 1)}, "
        f"{draws} seed{'s' * (draws > 1)} of G each. Gap closed is read off "
        f"{columns[keys.index(measured.gap_on)].name}; 95 % intervals over seeds and images",
        columns,
        rows,
    )


def _chosen(outcome: Outcome, row: str) -> str:
    """What a sweep chose: its name, and what it is if no transfer."""
    method = load_measured(outcome.rows[row][0]).info["method"]
    name = method["transfer"]["name"]
    return f"{name} (a head on E1)" if method["kind"] == "head" else name


def _seeds(result: Result, measured: Figures) -> Table:
    """The figure that gap closed is read off, seed by seed: what spreads, and what holds."""
    metric = measured.metrics[measured.gap_on]
    digits, factor = _scale(metric)
    columns = [Column(f"seed {d.seed}", digits, metric["better"]) for d in result.directions]
    rows = []
    for name in result.methods:
        competes = name not in ORACLES
        values = [factor * value for value in measured.by_seed[name]]
        rows.append(Row(LABELS[name], values, competes=competes, emphasis=name == ATDT))
    return Table(f"{_column(metric).name} by seed of the encoders", columns, rows)


def _curve(result: Result, measured: Figures) -> list[Table]:
    """How many labelled images of B each method is worth, where the oracle's curve is known."""
    if not measured.curve:
        return []
    metric = measured.metrics[measured.gap_on]
    digits, factor = _scale(metric)
    points = [factor * point.score for point in measured.curve.values()]
    rows = [Row("oracle", [*points, None], competes=False)]
    blank: list[None] = [None] * len(points)
    for name in result.methods:
        if name not in (BASELINE, *ORACLES):
            rows.append(Row(LABELS[name], [*blank, _worth(measured, name)]))
    columns = [Column(f"{count} labels", digits) for count in measured.curve]
    return [
        Table(
            f"{_column(metric).name} of the oracle with so many labelled images of B, and what "
            "each method is worth on that curve; 95 % intervals over seeds and images, of method "
            "and curve at once",
            [*columns, Column("worth (images)")],
            rows,
        )
    ]


def _worth(measured: Figures, name: str) -> str:
    value, ends = measured.worth(name)
    return str(value) if ends is None else f"{value} [{ends[0]}, {ends[1]}]"


def _chain(outcome: Outcome) -> Chain:
    links = []
    for title, path in outcome.links.items():
        measured = load_measured(path)
        metric = next(m for m in measured.info["metrics"] if m["key"] == measured.info["headline"])
        digits, factor = _scale(metric)
        score = measured.info["scores"][metric["key"]]
        value = float("nan") if score is None else factor * score
        links.append(Link(title, metric["title"], value, digits, metric["better"]))
    return Chain("The chain of losses (first seed): where does it break?", links)


def pictures(direction: Direction, outcome: Outcome) -> PictureGrid:
    """Images of B spread over the test split, with what each method makes of them."""
    target = direction.target
    label = get_task(target.task).label
    domain = open_domain(target.domain("b", "test"), labels=() if label is None else (label,))
    shown = {
        BASELINE: "baseline",
        HEAD: "head on E1",
        PLAIN: "AT/DT, the paper's loss",
        ATDT: "AT/DT",
        TAUGHT: "transferred labels",
        ORACLE: "oracle",
    }
    methods = {
        title: outcome.rows[name][0] for name, title in shown.items() if name in outcome.rows
    }
    caption = "On B, where only the oracle saw labels of T2"
    return comparison_grid(domain, methods, spread(len(domain), PICTURES), caption)


def _scale(metric: dict) -> tuple[int, float]:
    return metric["digits"], shown_factor(metric)


def _column(metric: dict) -> Column:
    return Column(metric_title(metric), metric["digits"], metric["better"])


def _value(row: Compared, metric: dict) -> Value | None:
    _, factor = _scale(metric)
    return value_cell(row.scores[metric["key"]], row.interval(metric["key"]), factor)
