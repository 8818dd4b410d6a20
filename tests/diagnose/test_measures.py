"""Measures of clouds: known answers for Gaussians, and none where there is no difference."""

import numpy as np
import pytest

from atdt.diagnose import measures
from atdt.diagnose.clouds import Cloud
from atdt.diagnose.moments import Moments, moment_shifts

IMAGES, EACH, CHANNELS = 60, 40, 5


def gaussian(seed, mean=0.0, scale=1.0):
    draws = np.random.default_rng(seed)
    vectors = (draws.normal(size=(IMAGES * EACH, CHANNELS)) * scale + mean).astype(np.float32)
    image = np.repeat(np.arange(IMAGES), EACH)
    means = vectors.reshape(IMAGES, EACH, CHANNELS).mean(axis=1)
    return Cloud(vectors, image, means, Moments(vectors.mean(axis=0), vectors.std(axis=0)))


def test_nothing_is_found_between_draws_of_one_distribution():
    a, b = gaussian(0), gaussian(1)
    assert measures.norm_ratio(a, b) == pytest.approx(1, abs=0.02)
    assert measures.separability(a, b) == pytest.approx(0.5, abs=0.03)
    assert measures.frechet(a, b) == pytest.approx(0, abs=0.01)
    assert measures.mmd(a, b) == pytest.approx(0, abs=0.02)
    assert measures.Far(a.vectors)(b.vectors).mean() == pytest.approx(0.01, abs=0.005)
    for each in moment_shifts(a.moments, b.moments):
        assert np.abs(each).mean() < 0.05
    assert measures.frechet(a, a) == pytest.approx(0, abs=1e-6)


def test_a_shift_is_found_by_each_as_large_as_it_is():
    a, b = gaussian(0), gaussian(1, mean=2.0)
    assert measures.separability(a, b) > 0.95
    assert measures.frechet(a, b) == pytest.approx(2.0**2 * CHANNELS / CHANNELS, rel=0.05)
    shift, _ = moment_shifts(a.moments, b.moments)
    assert shift == pytest.approx(2, rel=0.08)
    assert measures.mmd(a, b) > 1
    assert measures.Far(a.vectors)(b.vectors).mean() > 0.5


def test_another_scale_is_found():
    a, b = gaussian(0), gaussian(1, scale=3.0)
    assert measures.norm_ratio(a, b) == pytest.approx(3, rel=0.03)
    _, spread = moment_shifts(a.moments, b.moments)
    assert spread == pytest.approx(np.log(3), rel=0.05)
    # Of N(0, 1) and N(0, 9): (3 − 1)² a channel.
    assert measures.frechet(a, b) == pytest.approx(4, rel=0.06)


def test_channels_that_say_nothing_have_no_moments_to_compare():
    a = Moments(np.array([7.0, 1.0, 0.0]), np.array([0.0, 2.0, 1.0]))
    b = Moments(np.array([7.0, 5.0, 0.0]), np.array([1.0, 2.0, 0.0]))
    shift, spread = moment_shifts(a, b)
    assert np.array_equal(shift, [np.nan, 2, np.nan], equal_nan=True)
    assert np.array_equal(spread, [np.nan, 0, np.nan], equal_nan=True)


def test_each_fold_has_images_of_both_domains_however_few_one_has():
    a, b = gaussian(0), gaussian(1, mean=2.0)
    few = Cloud(b.vectors[: 5 * EACH], b.image[: 5 * EACH], b.means[:5], b.moments)
    assert measures.separability(a, few) > 0.9  # a fold without one is a warning, here an error
    assert measures.separability(few, a) > 0.9


def test_an_image_is_not_on_both_sides_of_a_fold():
    """Each image has a vector of its own, so that only one who has seen it could tell."""
    draws = np.random.default_rng(0)
    clouds = []
    for _ in range(2):
        means = draws.normal(size=(IMAGES, 40)).astype(np.float32)
        image = np.repeat(np.arange(IMAGES), EACH)
        clouds.append(Cloud(means[image], image, means, gaussian(0).moments))
    assert measures.separability(*clouds) < 0.65


def test_alignment_is_1_for_a_rotation_and_0_for_noise():
    draws = np.random.default_rng(0)
    x = draws.normal(size=(4000, 4)) + 3
    rotation, _ = np.linalg.qr(draws.normal(size=(4, 4)))
    for y, expected in (
        (5 * x @ rotation - 1, 1.0),
        (draws.normal(size=(4000, 6)), 0.0),
        (x[:, :1] @ np.ones((1, 2)), 0.5),  # one of four directions: 1 / √4
    ):
        alignment = measures.Alignment(4, y.shape[1])
        for part in np.array_split(np.arange(4000), 7):
            alignment.add(x[part], y[part])
        assert alignment.value() == pytest.approx(expected, abs=0.03)
