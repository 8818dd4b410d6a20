"""Plots of what was measured, with the spread over seeds."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from atdt.evaluate.records import load_measured
from atdt.evaluate.report import Plot
from atdt.experiments.papers_table import mean_figure, study_keys
from atdt.experiments.studies import Finding

COLOURS = {"a": "#4c72b0", "b": "#c44e52"}


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
        title = f"{metric['title']} {metric['way']}".rstrip()
        axes.set_ylabel(title + (" %" if metric["percent"] else ""))
        axes.set_xlabel("level of the transfer, shallow to deep")
        axes.grid(alpha=0.3)
        axes.legend()
    seeds = len(findings)
    bars = f"mean and standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    caption = f"G at each level, trained on A by the paper's loss; {bars} of the encoders"
    return Plot(figure, caption, "Two plots of the figures on A and on B by level")


def png(figure: Figure) -> bytes:
    """A figure as a PNG of 150 dots an inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight")
    return buffer.getvalue()
