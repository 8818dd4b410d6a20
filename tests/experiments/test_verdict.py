"""What a table of methods says in words."""

from dataclasses import replace

import numpy as np
import pytest

from atdt.evaluate.compare import Compared
from atdt.evaluate.gap import Gap, Worth
from atdt.experiments.direction import ATDT, BASELINE, HEAD, ORACLE, SELF
from atdt.experiments.figures import Figures, Point
from atdt.experiments.label_students import TAUGHT
from atdt.experiments.students import MERGED, STUDENT, STUDENT_BASELINE
from atdt.experiments.verdict import verdict

METRIC = {"key": "abs_rel", "title": "abs rel", "way": "", "better": "lower"}


def row(score, spread):
    draws = np.linspace(score - spread, score + spread, 101)
    return Compared({"abs_rel": score}, {"abs_rel": draws})


def figures(atdt, head):
    rows = {BASELINE: row(0.40, 0.0), HEAD: row(*head), ATDT: row(*atdt), ORACLE: row(0.2, 0.0)}
    seeds = {name: [measured.scores["abs_rel"]] * 2 for name, measured in rows.items()}
    gap = Gap((0.40 - atdt[0]) / 0.2, None, 0.0)
    return Figures({"abs_rel": METRIC}, rows, {ATDT: gap}, "abs_rel", seeds)


def test_a_certain_lead_is_called_certain():
    said = verdict(figures(atdt=(0.30, 0.01), head=(0.35, 0.01)))
    assert "closes 50 % of the gap" in said
    assert "ahead of the baseline (certain; ahead on 2 of 2)" in said
    assert "ahead of a head on frozen E1 (certain; ahead on 2 of 2)" in said


def test_the_gap_that_is_closed_has_its_interval():
    measured = figures(atdt=(0.30, 0.01), head=(0.35, 0.01))
    measured.gaps[ATDT] = Gap(0.5, (-0.04, 0.9), 0.0)
    assert "AT/DT closes 50 [−4, 90] % of the gap" in verdict(measured)


def test_worth_in_labelled_images_is_of_curve_and_method_at_once():
    measured = figures(atdt=(0.30, 0.05), head=(0.35, 0.01))
    draws = measured.rows[ATDT].replicates["abs_rel"]
    # A curve that moves with the method: whatever is drawn, it is worth ten images.
    points = {0: 0.40, 10: 0.30, 100: 0.2}
    moving = {n: Point(s, draws + (s - 0.30)) for n, s in points.items()}
    found, (low, high) = replace(measured, curve=moving).worth(ATDT)
    assert [one.images for one in (found, low, high)] == pytest.approx([10, 10, 10])
    still = {n: Point(s, np.full(101, s)) for n, s in points.items()}
    found, (low, high) = replace(measured, curve=still).worth(ATDT)
    assert found.images == pytest.approx(10)
    assert 0 < low.images < 10 < high.images < 100
    assert replace(measured, curve=still).worth(BASELINE) == (Worth(0), (Worth(0), Worth(0)))


def test_a_defeat_is_told():
    said = verdict(figures(atdt=(0.38, 0.01), head=(0.30, 0.01)))
    assert "behind a head on frozen E1 (certain; ahead on 0 of 2)" in said


@pytest.mark.parametrize("head", [(0.31, 0.06), (0.29, 0.06)])
def test_a_difference_within_its_interval_is_uncertain(head):
    said = verdict(figures(atdt=(0.30, 0.0), head=head))
    assert "a head on frozen E1 (uncertain;" in said


def test_where_the_oracle_is_no_better_the_gap_is_undefined():
    measured = figures(atdt=(0.30, 0.01), head=(0.35, 0.01))
    measured.gaps[ATDT] = Gap(None, None, 1.0)
    assert "closes undefined of the gap" not in verdict(measured)
    assert "the gap that it closes is undefined" in verdict(measured)


def test_no_claim_where_a_scalar_does_as_much():
    measured = figures(atdt=(0.30, 0.01), head=(0.35, 0.01))
    assert "scalar" not in verdict(measured)
    measured.metrics["scalar/abs_rel"] = METRIC | {"key": "scalar/abs_rel"}
    measured.rows[BASELINE].scores["scalar/abs_rel"] = 0.31
    assert "scalar" not in verdict(measured)
    measured.rows[BASELINE].scores["scalar/abs_rel"] = 0.29
    assert "no transfer is claimed" in verdict(measured)


def test_few_trainings_are_told():
    measured = figures(atdt=(0.30, 0.01), head=(0.35, 0.01))
    assert "Drawn from 2 seeds of the encoders" in verdict(measured)
    for scores in measured.by_seed.values():
        scores.extend([scores[0]] * 3)
    assert "Drawn from" not in verdict(measured)


@pytest.mark.parametrize(
    ("row_of_the_baselines", "called"),
    [(SELF, "self-training"), (STUDENT_BASELINE, "the student of the baseline")],
)
def test_a_student_is_held_against_its_teacher_and_the_baselines(row_of_the_baselines, called):
    measured = figures(atdt=(0.30, 0.01), head=(0.35, 0.01))
    assert "The student" not in verdict(measured)
    for name, score in ((STUDENT, 0.295), (row_of_the_baselines, 0.36), (MERGED, 0.31)):
        measured.rows[name] = row(score, 0.001)
        measured.by_seed[name] = [score] * 2
    said = verdict(measured)
    assert "of merged predictions (" in said
    assert "The student of AT/DT is ahead of AT/DT itself (uncertain; ahead on 2 of 2); " in said
    assert f"ahead of {called} (certain; ahead on 2 of 2)." in said


def test_the_student_of_transferred_labels_is_held_against_every_rival_by_both_figures():
    measured = figures(atdt=(0.30, 0.01), head=(0.35, 0.01))
    measured.rows[TAUGHT] = row(0.22, 0.01)
    measured.by_seed[TAUGHT] = [0.22] * 2
    measured.gaps[TAUGHT] = Gap(0.9, (0.8, 1.0), 0.0)
    silog = {"key": "scale_free/silog", "title": "SILog", "way": "scale-free", "better": "lower"}
    measured.metrics["scale_free/silog"] = silog
    both = replace(
        measured, gap_also="scale_free/silog", gaps_also={TAUGHT: Gap(0.7, (0.6, 0.8), 0.0)}
    )
    said = verdict(both)
    assert "The student of transferred labels closes 90 [80, 100] % of the gap and is" in said
    assert "ahead of AT/DT itself (certain; ahead on 2 of 2)" in said
    assert "ahead of a head on frozen E1 (certain; ahead on 2 of 2)." in said
    assert "By SILog scale-free it closes 70 [60, 80] %." in said
    assert "By SILog" not in verdict(measured)
