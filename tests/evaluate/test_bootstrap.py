"""Resamples are what they say, and intervals have the width that theory gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.errors import UserError
from atdt.evaluate.bootstrap import image_counts, interval, seed_counts


@given(st.integers(1, 12), st.integers(0, 99))
def test_single_images_are_drawn_as_often_as_there_are_images(images, seed):
    counts = image_counts(images, 20, seed)
    assert counts.shape == (20, images)
    assert (counts.sum(axis=1) == images).all()
    np.testing.assert_array_equal(counts, image_counts(images, 20, seed))


@given(st.integers(1, 5), st.integers(2, 6), st.integers(0, 99))
def test_blocks_are_consecutive_images_at_any_start(block, blocks, seed):
    images = block * blocks
    for counts in image_counts(images, 10, seed, block):
        starts = np.zeros(images)  # what blocks the counts are made of, solved from the left
        for k in range(images):
            before = counts[k - 1] if k else 0
            starts[k] = counts[k] - before + (starts[k - block] if k >= block else 0)
        assert (starts >= 0).all()
        assert starts.sum() == blocks
        assert not starts[images - block + 1 :].any()


def test_blocks_move_and_the_last_is_cut():
    counts = image_counts(10, 400, 3, 4)
    assert (counts.sum(axis=1) == 10).all()
    # Blocks that do not move would draw the images of each of them equally often.
    assert (counts[:, 3] != counts[:, 4]).any()
    assert (counts[:, 4] != counts[:, 5]).any()


@pytest.mark.parametrize(("images", "block"), [(10, 6), (1, 2), (4, 0)])
def test_a_block_beyond_half_of_the_images_is_refused(images, block):
    with pytest.raises(UserError, match=f"--block {block}: of {images} images"):
        image_counts(images, 10, 0, block)


def test_a_seed_below_0_is_refused():
    with pytest.raises(UserError, match="--seed -1"):
        image_counts(4, 10, -1)


def test_seeds_differ_by_stream_and_one_training_is_always_there():
    assert (seed_counts(1, 50, 0) == 1).all()
    first, second = seed_counts(5, 50, 0, 1), seed_counts(5, 50, 0, 2)
    assert (first.sum(axis=1) == 5).all()
    assert (first != second).any()


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    values = np.random.default_rng(0).normal(size=400)
    low, high = interval(image_counts(400, 4000, 1) @ values / 400)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.05)
    assert low < values.mean() < high


def test_blocks_widen_the_interval_of_what_is_correlated_in_time():
    random = np.random.default_rng(0)
    steps = random.normal(size=5000)
    values = np.zeros(5000)
    for k in range(1, 5000):
        values[k] = 0.8 * values[k - 1] + steps[k]
    widths = {}
    for block in (1, 60):
        low, high = interval(image_counts(5000, 1000, 1, block) @ values / 5000)
        widths[block] = high - low
    # The variance of such a mean is (1 + 0.8) / (1 − 0.8) = 9 times that of independent values.
    assert widths[60] / widths[1] == pytest.approx(3, rel=0.15)


def test_limits_are_percentiles():
    assert interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    assert interval(np.arange(101.0), level=0.8) == pytest.approx((10.0, 90.0))


def test_a_limit_that_could_be_undefined_is_not_given():
    values = np.arange(1000.0)
    assert interval(np.array([])) is None
    assert interval(np.full(5, np.nan)) is None
    values[:25] = np.nan
    assert interval(values) is not None
    values[25] = np.inf
    assert interval(values) is None
