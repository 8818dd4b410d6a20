"""What a leaderboard says, in sentences: which G to take, by what, and whether it pays to have one.

Choices are among the Gs that were trained to the end. B's labels, where there are any, say what a
choice costs there, and make none.
"""

from collections.abc import Callable, Sequence

from atdt.diagnose.scores.registry import SCORES, Score
from atdt.diagnose.scores.table import in_unit, measured_order
from atdt.evaluate.report_table import number_text
from atdt.experiments.sweep.board import ONLY_JUDGES, Board, Line, goodness, unit_of
from atdt.tasks.base import Metric
from atdt.transfer.config import HEAD

RIDGE = "ridge"
INSTEAD = {
    HEAD: "Going through E2 and D2 does not pay there: {} learns T2 from E1's features alone.",
    RIDGE: "Training does not pay there: {} is solved for in one pass.",
}


def verdict(board: Board) -> list[str]:
    """The sentences; none where no G was trained to the end."""
    found = [chosen(board), regret(board), rivals(board)] if board.chosen is not None else []
    return [sentence for sentence in found if sentence]


def predictor(board: Board) -> Score | None:
    """The label-free score that was measured to predict B best; None where it is not at hand."""
    order = None if board.task is None else measured_order(board.task.name)
    if order is None:
        return None
    known = (score for score in SCORES if score.key == order.keys[0])
    return next((score for score in known if _scored(board, score)), None)


def picked(board: Board) -> str | None:
    """The finished G that `predictor` calls best; None without one."""
    score = predictor(board)
    if score is None:
        return None
    sign = 1 if score.column(board.task, board.space).better == "higher" else -1
    return max(_scored(board, score), key=lambda line: sign * line.scores[score.key]).name


def chosen(board: Board) -> str:
    """Which G is best by A, and which by what predicts B."""
    said, score = f"By A alone the sweep chooses {board.chosen}", predictor(board)
    if score is None:
        return f"{said}."
    title = score.column(board.task, board.space).name
    return f"{said}; by {title}, the best guide to B that was measured, {picked(board)}."


def regret(board: Board) -> str:
    """How far the choices are behind the best finished G on B, by its labels."""
    choices = {"by A": board.chosen, "by that guide": picked(board)}
    said = []
    for metric in board.truths:
        sign = 1 if metric.higher_is_better else -1
        good = {o.name: sign * o.judged[metric.key] for o in board.finished if o.judged}
        behind = {by: max(good.values()) - good[name] for by, name in choices.items() if name}
        shown = [
            f"{number_text(in_unit(cost, unit_of(metric)), metric.digits)} {by}"
            for by, cost in behind.items()
        ]
        way = f" {metric.way}" if metric.factor else ""
        said.append(f"{metric.title}{way} {', '.join(shown)}")
    return f"Behind the best of them on B: {'; '.join(said)} ({ONLY_JUDGES})." if said else ""


def rivals(board: Board) -> str:
    """Whether the best G is ahead of a head and of ridge by what the sweep chooses by.

    Without T2's labels on A there is no head and nothing to choose one by: it is not missed.
    """
    wanted = (RIDGE,) if board.metric is None else (HEAD, RIDGE)
    best = _best(board.finished, board.metric, lambda kind: kind not in (HEAD, RIDGE))
    there = {kind: _best(board.lines, board.metric, kind.__eq__) for kind in wanted}
    said = []
    if best is not None and any(there.values()):
        ahead, behind = [], []
        for line in filter(None, there.values()):
            is_ahead = goodness(best, board.metric) > goodness(line, board.metric)
            (ahead if is_ahead else behind).append(line)
        parts = [
            word + "ahead of " + " and ".join(_named(board, line) for line in of)
            for word, of in (("", ahead), ("not ", behind))
            if of
        ]
        said.append(f"On A {_named(board, best)} is {', but '.join(parts)}.")
        said += [INSTEAD[line.architecture].format(line.name) for line in behind]
    missing = [f'"{kind}"' for kind, line in there.items() if line is None]
    if missing:
        names = ", ".join(missing)
        said.append(f"To compare with {names}, add to the grid: [[grid]] architecture = [{names}].")
    return " ".join(said)


def _scored(board: Board, score: Score) -> list[Line]:
    return [line for line in board.finished if line.scores.get(score.key) is not None]


def _best(
    lines: Sequence[Line], metric: Metric | None, wanted: Callable[[str], bool]
) -> Line | None:
    """The first such architecture that was measured; lines come in order."""
    there = (line for line in lines if wanted(line.architecture))
    return next((line for line in there if goodness(line, metric) is not None), None)


def _named(board: Board, line: Line) -> str:
    stopped = "" if line.state == "finished" else f", {line.state}"
    return f"{line.name} ({board.figure_text(line)}{stopped})"
