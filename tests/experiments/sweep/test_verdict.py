"""What a leaderboard says: the choices, what they cost on B, and what a G is compared with."""

from dataclasses import replace

import pytest

from atdt.domains import label_space
from atdt.evaluate.report_table import Column
from atdt.experiments.sweep.board import Board, Line, ranked
from atdt.experiments.sweep.verdict import picked, verdict
from atdt.tasks import get_task

DEPTH = get_task("depth")
ABS_REL = next(metric for metric in DEPTH.metrics(None) if metric.key == DEPTH.headline)


def line(name, architecture, on_a, rehearsed=None, on_b=None, state="finished"):
    judged = {} if on_b is None else {"abs_rel": on_b, "scale_free/silog": 10 * on_b}
    scores = {"on_a": on_a, "explained_variance": on_a, "on_rehearsal": rehearsed}
    return Line(name, state, architecture=architecture, scores=scores, judged=judged)


def board(*lines, metric=ABS_REL):
    task = None if metric is None else DEPTH
    return Board("semantic to depth", ranked(lines, metric), metric, task)


G = line("wide", "bottleneck", 0.10)
HEAD = line("head", "head", 0.12)
RIDGE = line("ridge", "ridge", 0.11)


def test_a_g_that_is_ahead_is_said_to_be():
    assert verdict(board(G, HEAD, RIDGE)) == [
        "By A alone the sweep chooses wide.",
        "On A wide (abs rel 0.100) is ahead of head (abs rel 0.120) and ridge (abs rel 0.110).",
    ]


def test_where_e2_and_d2_do_not_pay_it_says_so_and_offers_what_does():
    better = line("quick", "head", 0.05, state="stopped after 3 steps")
    said = verdict(board(G, better, RIDGE))[-1]
    assert said == (
        "On A wide (abs rel 0.100) is ahead of ridge (abs rel 0.110), but not ahead of quick "
        "(abs rel 0.050, stopped after 3 steps). Going through E2 and D2 does not pay there: quick "
        "learns T2 from E1's features alone."
    )
    said = verdict(board(G, HEAD, line("ridge", "ridge", 0.1)))[-1]
    assert said.endswith("Training does not pay there: ridge is solved for in one pass.")


@pytest.mark.parametrize(
    ("lines", "missing"),
    [((G,), '"head", "ridge"'), ((G, RIDGE), '"head"'), ((G, HEAD), '"ridge"')],
)
def test_what_is_not_compared_with_is_named_as_a_line_of_the_grid(lines, missing):
    said = verdict(board(*lines))[-1]
    wanted = f"To compare with {missing}, add to the grid: [[grid]] architecture = [{missing}]."
    assert said.endswith(wanted)
    assert said.startswith("On A wide") == (len(lines) > 1)


def test_without_labels_on_a_no_head_is_asked_for():
    assert verdict(board(line("wide", "bottleneck", 0.9), metric=None)) == [
        "By A alone the sweep chooses wide.",
        'To compare with "ridge", add to the grid: [[grid]] architecture = ["ridge"].',
    ]
    both = (line("wide", "bottleneck", 0.9), line("ridge", "ridge", 0.8))
    said = verdict(board(*both, metric=None))[-1]
    assert said == "On A wide (90.0 % explained) is ahead of ridge (80.0 % explained)."


def test_what_was_not_measured_or_did_not_finish_is_compared_with_nothing():
    assert verdict(board(line("wide", "bottleneck", 0.1, state="stopped after 3 steps"))) == []
    blank = line("head", "head", float("nan"))
    assert '"head"' in verdict(board(G, blank, RIDGE))[-1]


def test_the_guide_to_b_has_its_choice_beside_that_of_a_and_labels_of_b_say_what_both_cost():
    lines = (
        line("wide", "bottleneck", 0.10, rehearsed=0.5, on_b=0.45),
        line("head", "head", 0.12, rehearsed=0.4, on_b=0.41),
        line("ridge", "ridge", 0.11, rehearsed=0.6, on_b=0.40),
        line("quick", "bottleneck", 0.3, rehearsed=0.1, on_b=0.2, state="stopped after 3 steps"),
    )
    made = board(*lines)
    assert (made.chosen, picked(made)) == ("wide", "head")
    assert verdict(made)[:2] == [
        "By A alone the sweep chooses wide; by abs rel rehearsed, the best guide to B that was "
        "measured, head.",
        "Behind the best of them on B: abs rel 0.050 by A, 0.010 by that guide; SILog 0.5 by A, "
        "0.1 by that guide (B's labels judge here and choose nothing).",
    ]
    blind = board(*(replace(one, judged={}) for one in lines))
    assert (blind.chosen, picked(blind)) == ("wide", "head")
    assert not any("Behind" in sentence for sentence in verdict(blind))
    semantic = get_task("semantic")
    space = label_space("coarse4")
    unmeasured = replace(made, task=semantic, space=space)
    assert picked(unmeasured) is None  # for that T2 nobody knows what predicts


def test_held_out_losses_are_in_the_table_and_compare_where_they_are_the_same():
    alike = [Line(n, "finished", losses="mse1", scores={"held_out_loss": 0.5}) for n in "ab"]
    table = board(*alike).table()
    place = table.columns.index(Column("held-out loss on A", 4, "lower"))
    assert [row.cells[place] for row in table.rows] == [0.5, 0.5]
    other = board(alike[0], replace(alike[1], losses="task1")).table()
    assert other.columns[place] == Column("held-out loss on A, each its own", 4)
