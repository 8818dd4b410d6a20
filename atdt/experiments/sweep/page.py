"""The leaderboard as a page: what a G costs against what it scores, and A's word against B's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from atdt.evaluate.report import Facts, Heading, Paragraph, Plot, Section, write_report
from atdt.experiments.plots import COLOURS
from atdt.experiments.sweep.board import EXPLAINED, HEADLINE, ONLY_JUDGES, Board
from atdt.experiments.sweep.verdict import verdict
from atdt.provenance import provenance

FARTHEST = 4.0  # from the best, in the median's distance: what is worse would squeeze the rest


def write_page(path: Path, store: Path, boards: Sequence[Board]) -> Path:
    """Write the boards of a sweep of `store` as one page that needs nothing else."""
    made = provenance()
    body = [section for board in boards for section in _sections(board)]
    body.append(Facts("Made with", made["versions"] | {"created": made["created"]}))
    lead = f"{sum(len(board.lines) for board in boards)} transfer networks from one store"
    return write_report(path, f"Sweep of {store.name}", body, lead=lead)


def _sections(board: Board) -> list[Section]:
    body: list[Section] = [Heading(board.title)]
    body.append(board.table())
    body += [Paragraph(sentence) for sentence in verdict(board)]
    if (plot := _plot(board)) is not None:
        body.append(plot)
    if (scores := board.scores_table()) is not None:
        body += [scores, Paragraph(board.note(), "note")]
    return body


def _plot(board: Board) -> Plot | None:
    """Cost against score on A and, where B has labels, A against B; None: too few to compare."""
    key = EXPLAINED if board.metric is None else HEADLINE
    unit = 0.01 if board.metric is None or board.metric.percent else 1.0
    name = "explained % on A" if board.metric is None else f"{board.metric.title} on A"
    lines = [
        line for line in board.lines if line.scores.get(key) is not None and line.macs is not None
    ]
    if len(lines) < 2:
        return None
    behind = abs(np.array([line.scores[key] for line in lines]) - lines[0].scores[key])
    near = behind <= FARTHEST * max(float(np.median(behind)), 1e-9)
    lines = [line for line, is_near in zip(lines, near, strict=True) if is_near]
    places = {line.name: str(place) for place, line in enumerate(board.lines, 1)}
    names = [places[line.name] for line in lines]
    finished = [line.state == "finished" for line in lines]
    on_a = [line.scores[key] / unit for line in lines]
    costs = [line.macs / 1e9 for line in lines]
    of_b = []
    if board.metric is not None and board.judged:
        of_b = [line.judged[board.metric.key] / unit for line in lines]
    figure = Figure(figsize=(9 if of_b else 5, 3.4), layout="constrained")
    axes = figure.subplots(1, 2 if of_b else 1, squeeze=False)[0]
    _scatter(axes[0], costs, on_a, names, finished)
    axes[0].set(xscale="log", xlabel="G multiply-accumulates a sample", ylabel=name)
    alt = f"{name} by multiply-accumulates, a point for each G"
    if of_b:
        _scatter(axes[1], on_a, of_b, names, finished)
        axes[1].set(xlabel=name, ylabel=f"{board.metric.title} on B")
        alt += "; beside it the same on B by that on A"
    caption = "Numbers are rows of the table; filled: finished, hollow: stopped on the way"
    left_out = len(board.lines) - len(lines)
    caption += f"; {left_out} that are worse on A are not shown" * bool(left_out)
    return Plot(figure, caption + f". {ONLY_JUDGES}" * bool(of_b), alt)


def _scatter(
    axes: Axes, x: Sequence[float], y: Sequence[float], names: Sequence[str], finished: list[bool]
) -> None:
    faces = [COLOURS["a"] if done else "none" for done in finished]
    axes.scatter(x, y, c=faces, edgecolors=COLOURS["a"])
    for *place, name in zip(x, y, names, strict=True):
        axes.annotate(name, place, xytext=(4, 3), textcoords="offset points", fontsize=8)
    axes.grid(alpha=0.3)
