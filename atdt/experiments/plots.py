"""Plots of what was measured, with the spread over seeds."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from atdt.evaluate.bootstrap import LEVEL, interval
from atdt.evaluate.records import load_measured
from atdt.evaluate.report import Plot
from atdt.evaluate.report_table import metric_title
from atdt.experiments.direction import ATDT, BASELINE, PLAIN
from atdt.experiments.figures import LABELS, ORACLES, Figures, Result, own_key, shown_factor
from atdt.experiments.pairs import Pair
from atdt.experiments.papers_table import (
    DEPTH,
    FOCAL,
    mean_figure,
    printed_figure,
    published_finding,
    published_method,
    study_keys,
)
from atdt.experiments.studies import Finding

COLOURS = {"a": "#4c72b0", "b": "#c44e52"}
OTHER, OWN, BEYOND = "#8c9bb0", "#c44e52", "#c9c9c9"  # rivals, AT/DT, and who has B's labels
SPREAD = {"fmt": "none", "ecolor": "#333333", "elinewidth": 1, "capsize": 2}
PRINTED = {"marker": "D", "s": 22, "facecolor": "white", "edgecolor": "black", "zorder": 3}


@dataclass(frozen=True)
class _Bar:
    """A row of a table: for each figure what was measured, its interval, and what is published."""

    label: str
    colour: str
    values: Sequence[float]
    ends: Sequence[tuple[float, float] | None]
    printed: Sequence[float] | None


def method_plot(name: str, result: Result, measured: Figures, pair: Pair) -> Plot:
    """Table 1 or 2, `name`, as bars: two figures of each method with their intervals over seeds and
    images, and what the paper prints."""
    metrics = [measured.metrics[key] for key in _two_keys(measured.metrics)]
    bars = []
    for method in result.methods:
        own = [own_key(method, metric) for metric in metrics]
        row = measured.rows[method]
        factors = [shown_factor(metric) for metric in metrics]
        intervals = [row.interval(key) for key in own]
        printed = published_method(name, method, result, pair)
        bars.append(
            _Bar(
                LABELS[method],
                OWN if method in (ATDT, PLAIN) else BEYOND if method in ORACLES else OTHER,
                [f * row.scores[key] for f, key in zip(factors, own, strict=True)],
                [
                    None if ends is None else (f * ends[0], f * ends[1])
                    for f, ends in zip(factors, intervals, strict=True)
                ],
                None if printed is None else [printed_figure(printed, m["key"]) for m in metrics],
            )
        )
    caption = f"On B; lines are {100 * LEVEL:.0f} % intervals over seeds and images"
    return _plot(bars, metrics, caption, "the methods on B")


def findings_plot(name: str, findings: Sequence[Sequence[Finding]], pair: Pair) -> Plot:
    """A study or table 3 or 4, `name`, as bars: two figures of each way of transfer.

    Args:
        name: of the table.
        findings: for each seed of the encoders the same ways in the same order.
        pair: of domains; rendered ones have no published numbers.
    """
    info = load_measured(findings[0][0].folders[0]).info
    known = {metric["key"]: metric for metric in info["metrics"]}
    on_b = all(finding.domain == "b" for finding in findings[0])
    metrics = [known[key] for key in (_two_keys(known) if on_b else study_keys(known))]
    bars = []
    for same in zip(*findings, strict=True):
        first = same[0]
        values = np.array([[mean_figure(f.folders, metric) for f in same] for metric in metrics])
        means = values.mean(axis=1)
        spread = values.std(axis=1, ddof=1) if len(same) > 1 else None
        printed = published_finding(name, first, pair)
        bars.append(
            _Bar(
                first.label if on_b else f"{first.label}, on {first.domain.upper()}",
                COLOURS[first.domain],
                means.tolist(),
                [None] * len(metrics)
                if spread is None
                else [(m - s, m + s) for m, s in zip(means, spread, strict=True)],
                None if printed is None else [printed_figure(printed, m["key"]) for m in metrics],
            )
        )
    return _plot(bars, metrics, _over(len(findings)), "the ways of transfer")


def curve_plot(result: Result, measured: Figures) -> Plot:
    """The oracle by labelled images of B, and where AT/DT and the best other method lie on it."""
    metric = measured.metrics[measured.gap_on]
    factor, higher = shown_factor(metric), metric["better"] == "higher"
    counts = list(measured.curve)
    scores = [factor * point.score for point in measured.curve.values()]
    ends = [interval(factor * point.replicates) for point in measured.curve.values()]
    beyond = [
        (0.0, 0.0) if each is None else (max(score - each[0], 0.0), max(each[1] - score, 0.0))
        for score, each in zip(scores, ends, strict=True)
    ]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(
        counts, scores, np.transpose(beyond), color="#333333", marker="o", capsize=3, label="oracle"
    )
    others = [name for name in result.methods if name not in (BASELINE, *ORACLES, ATDT, PLAIN)]
    best = sorted(
        others, key=lambda name: measured.rows[name].scores[measured.gap_on], reverse=higher
    )
    for name, colour, line in zip(
        [ATDT, *best[:1]], (OWN, COLOURS["a"]), ("--", ":"), strict=False
    ):
        score = factor * measured.rows[name].scores[measured.gap_on]
        axes.axhline(score, color=colour, linestyle=line, label=f"{LABELS[name]}, no label of B")
    few = min(filter(None, counts))
    axes.set_xscale("symlog", linthresh=few)  # 0 has a place
    axes.set_xlim(-few / 4, 1.3 * max(counts))
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("labelled images of B that the oracle learnt from (0: the baseline)")
    axes.set_ylabel(metric_title(metric))
    axes.grid(alpha=0.3)
    axes.legend()
    intervals = f"{100 * LEVEL:.0f} % intervals over seeds and images"
    caption = f"What a method is worth in labelled images of B; {intervals}"
    if metric["plain"]:
        caption += f". The oracle is shown {metric['way']} or without, whichever is better"
    return Plot(figure, caption, "A line of the oracle's figure by labelled images of B")


def level_plot(findings: Sequence[Sequence[Finding]]) -> Plot:
    """Figure 4: two figures of the task by the level of the transfer, in domain and across.

    Args:
        findings: for each seed of the encoders the same levels and domains in the same order.
    """
    info = load_measured(findings[0][0].folders[0]).info
    metrics = {metric["key"]: metric for metric in info["metrics"]}
    keys = study_keys(metrics)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, key in zip(figure.subplots(1, len(keys)), keys, strict=True):
        metric = metrics[key]
        for letter, colour in COLOURS.items():
            ways = [same for same in zip(*findings, strict=True) if same[0].domain == letter]
            values = np.array([[mean_figure(f.folders, metric) for f in same] for same in ways])
            places = np.arange(len(ways))
            spread = values.std(axis=1, ddof=1) if values.shape[1] > 1 else np.zeros(len(ways))
            axes.errorbar(
                places, values.mean(axis=1), spread, color=colour, marker="o", capsize=3,
                label=f"on {letter.upper()}",
            )  # fmt: skip
            axes.set_xticks(places, [same[0].label for same in ways])
        axes.set_ylabel(metric_title(metric))
        axes.set_xlabel("level of the transfer, shallow to deep")
        axes.grid(alpha=0.3)
        axes.legend()
    caption = f"G at each level, trained on A by the paper's loss; {_over(len(findings))}"
    return Plot(figure, caption, "Two plots of the figures on A and on B by level")


def png(figure: Figure) -> bytes:
    """A figure as a PNG of 150 dots an inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight")
    return buffer.getvalue()


def _plot(bars: Sequence[_Bar], metrics: Sequence[dict[str, Any]], caption: str, of: str) -> Plot:
    """Bars from the top down in the table's order, a field for each figure."""
    height = 1.2 + 0.28 * len(bars)
    figure = Figure(figsize=(4.6 * len(metrics), height), layout="constrained")
    fields = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    marks = None
    for k, (axes, metric) in enumerate(zip(fields, metrics, strict=True)):
        values = [bar.values[k] for bar in bars]
        axes.barh(range(len(bars)), values, color=[bar.colour for bar in bars], height=0.7)
        for y, bar in enumerate(bars):
            if bar.ends[k] is not None:
                low, high = bar.ends[k]
                axes.errorbar((low + high) / 2, y, xerr=(high - low) / 2, **SPREAD)
        printed = [(bar.printed[k], y) for y, bar in enumerate(bars) if bar.printed is not None]
        if printed:
            marks = axes.scatter(*zip(*printed, strict=True), **PRINTED)
        better = {"higher": "more is better", "lower": "less is better"}[metric["better"]]
        axes.set_xlabel(f"{metric_title(metric)} ({better})")
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    fields[0].invert_yaxis()
    if marks is not None:  # outside, where it hides none of them
        figure.legend([marks], ["published"], loc="outside upper right", frameon=False)
    names = " and ".join(metric_title(metric) for metric in metrics)
    return Plot(figure, f"{names}. {caption}", f"Bars of {names} of {of}")


def _two_keys(known: Mapping[str, Any]) -> Sequence[str]:
    """The figures of a table of the paper's that are drawn: of depth raw and scaled, since the
    paper leaves open which it prints."""
    if DEPTH[0] not in known:
        return study_keys(known)
    scaled = FOCAL + DEPTH[0]
    return DEPTH[0], scaled if scaled in known else "delta1"


def _over(seeds: int) -> str:
    bars = f"mean and standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    return f"{bars} of the encoders"
