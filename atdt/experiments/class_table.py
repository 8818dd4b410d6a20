"""On what of B each method is wrong: the figure of gap closed, class by class."""

from pathlib import Path

from atdt.domains import Domain, open_domain
from atdt.evaluate.by_class import SEMANTIC, by_class
from atdt.evaluate.compare import compare, gaps
from atdt.evaluate.pairs import Pairs
from atdt.evaluate.records import Measured, load_measured
from atdt.evaluate.report_table import Column, Row, Table, metric_title, steady_gap_cell
from atdt.experiments.direction import ATDT, BASELINE, ORACLE
from atdt.experiments.figures import LABELS, ORACLES, Figures, Result, own_key, shown_factor
from atdt.experiments.papers_table import SHORT
from atdt.predictions import open_predictions
from atdt.progress import progress
from atdt.tasks import get_task


def class_tables(result: Result, measured: Figures) -> list[Table]:
    """The figure of each class, and the gap closed on it, means over seeds; none where B's test
    images have no semantic labels, or where these are what is predicted."""
    domain = _with_classes(result)
    if domain is None:
        return []
    metric = measured.metrics[measured.gap_on]
    factor, better = shown_factor(metric), {measured.gap_on: metric["better"] == "higher"}
    rows = _rows(result, domain)
    names = list(rows[BASELINE][0][0])
    if not names:  # no pixel with truth has a class
        return []
    compared = {
        name: compare(
            {
                method: [[m[name] for m in group] for group in groups]
                for method, groups in rows.items()
            },
            block=result.block,
        )
        for name in names
    }
    pixels = [int(rows[BASELINE][0][0][name].stack["pixels"].sum()) for name in names]
    shares = [f"{100 * count / sum(pixels):.0f} %" for count in pixels]
    figures, closed = [Row("share of pixels", shares, competes=False)], []
    for method in rows:
        key = own_key(method, metric)
        competes, emphasis = method not in ORACLES, method == ATDT
        cells = [factor * compared[name][method].scores[key] for name in names]
        figures.append(Row(LABELS[method], cells, competes=competes, emphasis=emphasis))
        if method not in (BASELINE, *ORACLES):
            found = [
                gaps(of[method], of[BASELINE], of[ORACLE], better)[measured.gap_on]
                for of in compared.values()
            ]
            cells = [steady_gap_cell(gap.value, gap.interval) for gap in found]
            closed.append(Row(LABELS[method], cells, emphasis=emphasis))
    titles = [SHORT.get(name, name) for name in names]
    return [
        Table(
            f"{metric_title(metric, unit=False)} on B by the class of the pixels",
            [Column(title, metric["digits"], metric["better"]) for title in titles],
            figures,
        ),
        Table(
            "Gap closed by the class of the pixels, %; undefined where the oracle is not ahead of "
            "the baseline beyond noise",
            [Column(title, 0) for title in titles],
            closed,
        ),
    ]


def _with_classes(result: Result) -> Domain | None:
    target = result.directions[0].target
    label = get_task(target.task).label
    if label in (None, SEMANTIC):
        return None
    spec = target.domain("b", "test")
    if not open_domain(spec).has(SEMANTIC):
        return None
    return open_domain(spec, labels=(label, SEMANTIC))


def _rows(result: Result, domain: Domain) -> dict[str, list[list[dict[str, Measured]]]]:
    """For each method its seeds of encoders, for each of these its trainings, by class."""
    total = sum(len(o.rows[name]) for o in result.outcomes for name in result.methods)
    with progress("by class", total, "rows") as advance:

        def classes(folder: Path) -> dict[str, Measured]:
            measured = load_measured(folder)
            pairs = Pairs(open_predictions(folder), domain, measured.task)
            found = by_class(measured, pairs)
            advance(1)
            return found

        return {
            name: [
                [classes(folder) for folder in outcome.rows[name]] for outcome in result.outcomes
            ]
            for name in result.methods
        }
