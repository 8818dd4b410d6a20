"""Rank correlations of counted samples are SciPy's of the samples that the counts stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from atdt.evaluate.rank import kendall, spearman

VALUE = st.integers(-3, 3) | st.floats(-1e3, 1e3)


@given(st.lists(st.tuples(VALUE, VALUE, st.integers(0, 3)), min_size=2, max_size=12))
def test_counts_repeat_values(rows):
    x, y, counts = (np.array(column, float) for column in zip(*rows, strict=True))
    repeated = [np.repeat(values, counts.astype(int)) for values in (x, y)]
    for ours, theirs in ((spearman, stats.spearmanr), (kendall, stats.kendalltau)):
        found = ours(x, y, counts[None])[0]
        if any(len(set(values.tolist())) < 2 for values in repeated):
            assert np.isnan(found)
        else:
            assert found == pytest.approx(theirs(*repeated).statistic, abs=1e-9)


def test_each_row_of_counts_is_a_sample_of_its_own():
    x, y = np.arange(4.0), np.array([0.0, 1, 3, 2])
    counts = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]])
    assert spearman(x, y, counts) == pytest.approx([0.8, 1, -1])
    assert kendall(x, y, counts) == pytest.approx([2 / 3, 1, -1])
