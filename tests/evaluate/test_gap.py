"""Gap closed and the worth in labelled images, defined and undefined."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.evaluate.gap import (
    Worth,
    gap_closed,
    gap_with_interval,
    gaps_closed,
    worth,
    worth_interval,
)

CURVE = [(0, 35.5), (10, 40.0), (30, 44.0), (100, 48.0), (300, 50.6)]
FIGURE = st.floats(0, 1).map(lambda x: round(x, 3))


def test_the_figures_of_the_design():
    assert gap_closed(38.2, 35.5, 50.6, True) == pytest.approx(2.7 / 15.1)
    assert gap_closed(0.333, 0.404, 0.177, False) == pytest.approx(0.071 / 0.227)


@given(FIGURE, FIGURE, FIGURE, st.booleans())
def test_gap_closed_is_0_at_the_baseline_1_at_the_oracle_and_none_without_a_gap(b, o, m, higher):
    if not (o > b if higher else o < b):
        assert gap_closed(m, b, o, higher) is None
        return
    assert gap_closed(b, b, o, higher) == 0
    assert gap_closed(o, b, o, higher) == 1
    closed = gap_closed(m, b, o, higher)
    assert (closed > 0) == (m > b if higher else m < b)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_figure_that_is_not_finite_leaves_the_gap_undefined(place, bad):
    figures = [0.5, 0.4, 0.6]
    figures[place] = bad
    assert gap_closed(*figures, True) is None


def test_replicates_are_paired_and_count_what_is_undefined():
    baseline = np.array([0.2, 0.4, 0.5, 0.3])
    oracle = np.array([0.6, 0.6, 0.5, 0.2])
    gaps = gaps_closed(baseline + 0.1, baseline, oracle, True)
    np.testing.assert_allclose(gaps, [0.25, 0.5, np.nan, np.nan])
    gap = gap_with_interval((0.5, 0.4, 0.6), (baseline + 0.1, baseline, oracle), True)
    assert gap.value == pytest.approx(0.5)
    assert gap.interval is None
    assert gap.undefined == 0.5


def test_a_gap_that_is_undefined_has_no_interval():
    steps = np.linspace(0, 0.1, 200)
    gap = gap_with_interval((0.4, 0.5, 0.5), (0.4 + steps, 0.3 + steps, 0.6 + steps), True)
    assert gap.value is None
    assert gap.interval is None


def test_a_common_shift_of_all_rows_does_not_widen_the_paired_interval():
    shift = np.linspace(-0.2, 0.2, 101)
    gap = gap_with_interval((0.4, 0.3, 0.5), (0.4 + shift, 0.3 + shift, 0.5 + shift), True)
    assert gap.interval == pytest.approx((0.5, 0.5))
    assert gap.undefined == 0


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (35.5, Worth(0)),
        (40.0, Worth(10)),
        (50.6, Worth(300)),
        (42.0, Worth(math.sqrt(11 * 31) - 1)),  # half-way in log(1 + n)
        (35.4, Worth(0, "<")),
        (50.7, Worth(300, ">")),
    ],
)
def test_worth_is_read_off_the_curve(score, expected):
    found = worth(CURVE, score)
    assert found.images == pytest.approx(expected.images)
    assert found.bound == expected.bound
    mirrored = worth([(n, -s) for n, s in CURVE], -score, higher_is_better=False)
    assert (mirrored.images, mirrored.bound) == (found.images, found.bound)


@given(st.floats(35.5, 50.6))
def test_the_oracle_with_that_many_images_has_that_score(score):
    images = worth(CURVE, score).images
    places = np.log1p([n for n, _ in CURVE])
    assert np.interp(np.log1p(images), places, [s for _, s in CURVE]) == pytest.approx(score)


def test_a_curve_that_falls_in_between_counts_where_it_first_reaches_the_score():
    curve = [(0, 1.0), (10, 3.0), (30, 2.0), (100, 4.0)]
    assert worth(curve, 3.0).images == pytest.approx(10)
    assert worth(curve, 2.5).images < 10
    assert worth(curve, 3.5).images > 30


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (Worth(0), "0"),
        (Worth(0, "<"), "< 0"),
        (Worth(2.345), "2.3"),
        (Worth(41.7), "42"),
        (Worth(300, ">"), "> 300"),
    ],
)
def test_worth_in_words(count, text):
    assert str(count) == text


@pytest.mark.parametrize("curve", [[(0, 1.0)], [(0, 1.0), (0, 2.0)], [(0, 1.0), (9, math.nan)]])
def test_what_is_no_curve_is_refused(curve):
    with pytest.raises(ValueError, match="curve"):
        worth(curve, 1.0)


def test_a_score_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="nan"):
        worth(CURVE, math.nan)


def test_the_interval_of_worth_may_end_beyond_the_curve():
    images = [n for n, _ in CURVE]
    curves = np.tile([s for _, s in CURVE], (1000, 1))
    low, high = worth_interval(images, curves, np.linspace(30, 49, 1000))
    assert (low, high.bound) == (Worth(0, "<"), "")
    assert 100 < high.images < 300
    low, high = worth_interval(images, curves, np.linspace(44, 60, 1000))
    assert low.images == pytest.approx(worth(CURVE, 44.4).images, rel=0.01)
    assert high == Worth(300, ">")


def test_the_interval_of_worth_is_not_given_when_it_could_be_undefined():
    images = [n for n, _ in CURVE]
    curves = np.tile([s for _, s in CURVE], (100, 1))
    scores = np.full(100, 44.0)
    scores[:2] = np.nan
    assert worth_interval(images, curves, scores) == (Worth(30), Worth(30))
    scores[2] = np.nan
    assert worth_interval(images, curves, scores) is None
    assert worth_interval(images, curves[:0], scores[:0]) is None
