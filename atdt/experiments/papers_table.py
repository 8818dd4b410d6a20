"""A table as the paper lays it out: published, measured over seeds, and the difference."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from atdt.evaluate.focal import NO_RATIO
from atdt.evaluate.records import load_measured
from atdt.evaluate.report import Column, Row, Table
from atdt.evaluate.report_table import number_text
from atdt.experiments.direction import ATDT, BASELINE, HEAD, ORACLE, PLAIN
from atdt.experiments.figures import LABELS, ORACLES, Result, own_key, shown_factor
from atdt.experiments.pairs import Pair
from atdt.experiments.published import classes, published_row
from atdt.experiments.studies import Finding

# What a row of ours stands beside: the paper's AT/DT has the paper's loss.
PAPERS_METHOD = {BASELINE: "baseline", PLAIN: "atdt", ORACLE: "oracle"}
ONE_LOSS = "the losses of AT/DT are the paper's here: this is also the row of the paper's loss"
UNLABELLED = (
    "truth of this task is made from images, and a store holds no labels of it: AT/DT is without "
    "the task's own loss; a head on E1 and self-training have no row"
)
PUBLISHED = ("table1", "table2")
BY_DOMAIN = ("table5", "table6")  # rows on A first, then those on B
DEPTH = ("abs_rel", "sq_rel", "rmse", "rmse_log", "delta1", "delta2", "delta3")
FOCAL = "focal/"  # the paper does not say whether its figures are scaled so: both tables
NBSP = "\N{NO-BREAK SPACE}"
SHORT = {"traffic sign": "sign", "vegetation": "veg.", "mIoU (paper)": "mIoU", "accuracy": "Acc"}
ORACLE_NOTE = "the paper's oracle learnt from B alone, ours from A and B"


def papers_tables(name: str, result: Result, pair: Pair) -> list[Table]:
    """Table 1 or 2, `name`, with our rows: the paper's columns, mean ± spread over encoder seeds.

    Of other tasks ("tasks") all figures, of "figure3" those of tables 1 and 2.

    Rendered pairs are other data: they have no published rows and no differences.
    """
    baseline = result.outcomes[0].rows[BASELINE][0]
    known = _known(baseline)
    if result.directions[0].target.task == "semantic":
        keys = _semantic_keys(known)
        return [_table("IoU of each class, mIoU and accuracy, %", keys, known, name, result, pair)]
    if result.directions[0].target.task != "depth":
        keys = [key for key, metric in known.items() if not metric["detail"]]
        return [_table("all figures", keys, known, name, result, pair)]
    what = f"depth, raw{_why_unscaled(baseline, pair)}"
    tables = [_table(what, list(DEPTH), known, name, result, pair)]
    if FOCAL + DEPTH[0] in known:
        scaled = [FOCAL + key for key in DEPTH]
        tables.append(_table("depth × focal ratio", scaled, known, name, result, pair))
    return tables


def study_table(name: str, findings: Sequence[Sequence[Finding]], pair: Pair) -> Table:
    """Table 5 or 6 or figure 4: the headline figures of each way of transfer, on A and on B.

    Args:
        name: of the table.
        findings: for each seed of the encoders the same ways in the same order.
        pair: of domains; rendered ones have no published numbers.
    """
    first = findings[0][0].folders[0]
    known = _known(first)
    what = f"by the paper's loss{_why_unscaled(first, pair)}"
    return _study_table(name, findings, pair, known, study_keys(known), what)


def study_keys(known: Mapping[str, Any]) -> tuple[str, ...]:
    """The two figures of a study, of all that were measured."""
    if "miou_paper" in known:
        return "miou_paper", "accuracy"
    if DEPTH[0] not in known:
        return tuple(key for key, metric in known.items() if not metric["detail"])[:2]
    scaled = FOCAL + DEPTH[0]  # raw, B's depth would tell of its camera more than of anything
    return scaled if scaled in known else DEPTH[0], "scale_free/silog"


def adapted_tables(name: str, findings: Sequence[Sequence[Finding]], pair: Pair) -> list[Table]:
    """Table 3 or 4: all figures of each way on B, or on B in the look of A; depth twice.

    Args:
        name, findings, pair: see `study_table`.
    """
    first = findings[0][0].folders[0]
    known = _known(first)
    if "miou_paper" in known:
        return [_study_table(name, findings, pair, known, _semantic_keys(known), "IoU, mIoU, Acc")]
    what = f"depth, raw{_why_unscaled(first, pair)}"
    tables = [_study_table(name, findings, pair, known, DEPTH, what)]
    if FOCAL + DEPTH[0] in known:
        keys = [FOCAL + key for key in DEPTH]
        tables.append(_study_table(name, findings, pair, known, keys, "depth × focal ratio"))
    return tables


def published_method(name: str, method: str, result: Result, pair: Pair) -> dict[str, Any] | None:
    """What the paper prints in table 1 or 2, `name`, for a method of ours; None: nothing."""
    method = PLAIN if _is_also_the_papers(method, result) else method
    if not pair.published or name not in PUBLISHED or method not in PAPERS_METHOD:
        return None
    return published_row(name, pair.a, pair.b, method=PAPERS_METHOD[method])


def published_finding(name: str, finding: Finding, pair: Pair) -> dict[str, Any] | None:
    """What the paper prints in a study, `name`, for a way of transfer of ours; None: nothing."""
    if not pair.published or not finding.printed:
        return None
    return published_row(name, pair.a, pair.b, **finding.printed)


def _study_table(
    name: str,
    findings: Sequence[Sequence[Finding]],
    pair: Pair,
    known: Mapping[str, dict[str, Any]],
    keys: Sequence[str],
    what: str,
) -> Table:
    what += ", in %" if known[keys[0]]["percent"] else ""
    metrics = [known[key] for key in keys]
    rows = []
    every = list(zip(*findings, strict=True))
    if name in BY_DOMAIN:
        every.sort(key=lambda same: same[0].domain)
    for same in every:
        first = same[0]
        measured = [[mean_figure(f.folders, metric) for f in same] for metric in metrics]
        cells = [_text(values, m["digits"]) for values, m in zip(measured, metrics, strict=True)]
        rows.append(Row(_named(first), cells, competes=False))
        printed = published_finding(name, first, pair)
        if printed is not None:
            rows += _beside([printed_figure(printed, key) for key in keys], measured)
    return Table(
        _caption(name, pair, what, len(findings)),
        [_column(m, with_way=len({m["way"] for m in metrics}) > 1) for m in metrics],
        rows,
    )


def _table(
    what: str,
    keys: Sequence[str],
    known: Mapping[str, dict[str, Any]],
    name: str,
    result: Result,
    pair: Pair,
) -> Table:
    rows = []
    for method in result.methods:
        own = [own_key(method, known[key]) for key in keys]
        measured = [_over_seeds(result, method, known[key]) for key in own]
        cells = [
            _text(values, known[key]["digits"]) for values, key in zip(measured, own, strict=True)
        ]
        said = [ONE_LOSS] if _is_also_the_papers(method, result) else []
        if method == ATDT and HEAD not in result.methods:
            said.append(UNLABELLED)
        rows.append(
            Row(
                LABELS[method],
                cells,
                notes=said,
                competes=method not in ORACLES,
                emphasis=method == ATDT,
            )
        )
        printed = published_method(name, method, result, pair)
        if printed is not None:
            notes = [ORACLE_NOTE] if method == ORACLE else []
            rows += _beside([printed_figure(printed, key) for key in keys], measured, notes)
    columns = [_column(known[key]) for key in keys]
    return Table(_caption(name, pair, what, len(result.outcomes)), columns, rows)


def _semantic_keys(known: Mapping[str, Any]) -> list[str]:
    per_class = [f"iou/{each}" for each in classes() if f"iou/{each}" in known]
    return [*per_class, "miou_paper", "accuracy"]


def _named(finding: Finding) -> str:
    if "method" in finding.printed:  # all of them are on B
        return finding.label
    return f"{finding.label}, on {finding.domain.upper()}"


def _is_also_the_papers(method: str, result: Result) -> bool:
    """Whether a row is AT/DT's where its losses are the paper's, which then have no other row."""
    return method == ATDT and PLAIN not in result.methods


def _why_unscaled(folder: Path, pair: Pair) -> str:
    """Behind a table of raw depth, the reason why there is none × focal ratio; "" if there is."""
    info = load_measured(folder).info
    if info["task"] != "depth" or any(
        metric["key"].startswith(FOCAL) for metric in info["metrics"]
    ):
        return ""
    if info["method"].get("training_focal") is None:
        return f" (none × focal ratio: the description of A, {pair.a}, gives no focal length)"
    reasons = [note for note in info["notes"] if note.startswith(NO_RATIO)]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _beside(
    theirs: list[float], measured: list[list[float]], notes: Sequence[str] = ()
) -> list[Row]:
    apart = [float(np.mean(m)) - t for m, t in zip(measured, theirs, strict=True)]
    return [
        Row("· published", theirs, competes=False, notes=list(notes)),
        Row("· difference", apart, competes=False),
    ]


def _caption(name: str, pair: Pair, what: str, seeds: int) -> str:
    title = name.replace("table", "Table ").replace("figure", "Figure ")
    over = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    return f"{title[0].upper()}{title[1:]}, {pair.name}: {what}; {over} of the encoders"


def _known(folder: Path) -> dict[str, dict[str, Any]]:
    return {metric["key"]: metric for metric in load_measured(folder).info["metrics"]}


def _over_seeds(result: Result, method: str, metric: dict[str, Any]) -> list[float]:
    """A figure for each seed of the encoders, the mean over the seeds of G."""
    return [mean_figure(outcome.rows[method], metric) for outcome in result.outcomes]


def mean_figure(folders: Sequence[Path], metric: dict[str, Any]) -> float:
    """A figure, in per cent where it is shown so, over measured folders; NaN where one has none."""
    factor = shown_factor(metric)
    found = [load_measured(folder).info["scores"][metric["key"]] for folder in folders]
    return float(np.mean([np.nan if value is None else factor * value for value in found]))


def _text(values: Sequence[float], digits: int) -> str:
    if np.isnan(values).any():
        return "–"  # a class that is in no label and no prediction
    mean = number_text(float(np.mean(values)), digits)
    if len(values) == 1:
        return mean
    return f"{mean}{NBSP}±{NBSP}{number_text(float(np.std(values, ddof=1)), digits)}"


def printed_figure(row: Mapping[str, Any], key: str) -> float:
    """The figure of a published row that a metric of ours stands beside."""
    kind, _, name = key.rpartition("/")
    if kind == "iou":
        return row["iou"][classes().index(name)]
    return row["miou" if name == "miou_paper" else name]


def _column(metric: dict[str, Any], with_way: bool = False) -> Column:
    title = SHORT.get(metric["title"], metric["title"])
    if with_way:
        title = f"{title} {metric['way']}".rstrip()
    return Column(title, max(metric["digits"], 1), metric["better"])
