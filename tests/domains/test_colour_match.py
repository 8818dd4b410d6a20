"""Colours of one set of images become those of another, channel by channel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.domains.colour_match import (
    SPACES,
    WAYS,
    ColourMatch,
    ColourStatistics,
    from_space,
    to_space,
)
from atdt.errors import UserError


def images(seed, mean, spread, count=4):
    """Soft colours that no map of ours drives out of what a screen shows."""
    random = np.random.default_rng(seed)
    values = random.normal(mean, spread, (count, 20, 30, 3))
    return np.clip(values, 0, 255).astype(np.uint8)


def moved(a, b, way, space):
    of_a, of_b = (ColourStatistics.of(part, space) for part in (a, b))
    match = ColourMatch.between(of_a, of_b, way)
    return np.stack([match(pixels) for pixels in a])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("space", SPACES)
def test_the_colours_of_b_are_taken_over(way, space):
    a, b = images(0, (90, 120, 140), 14), images(1, (130, 110, 100), 8)
    made = to_space(moved(a, b, way, space).reshape(-1, 1, 3), space)
    wanted = to_space(b.reshape(-1, 1, 3), space)
    unit = 1 if space == "lab" else 0.01
    assert np.allclose(made.mean(axis=(0, 1)), wanted.mean(axis=(0, 1)), atol=0.3 * unit)
    assert np.allclose(made.std(axis=(0, 1)), wanted.std(axis=(0, 1)), atol=0.4 * unit)


def test_a_histogram_takes_over_what_moments_do_not():
    a = images(0, 120, 12)
    b = np.where(images(1, 120, 12) > 120, 160, 80).astype(np.uint8)  # two values only
    wanted = np.quantile(b, [0.1, 0.4, 0.6, 0.9])
    errors = [
        np.abs(np.quantile(moved(a, b, way, "rgb"), [0.1, 0.4, 0.6, 0.9]) - wanted).max()
        for way in ("histogram", "moments")
    ]
    assert errors[0] < 2 < 10 < errors[1]


@pytest.mark.parametrize("way", WAYS)
@given(seed=st.integers(0, 9), space=st.sampled_from(sorted(SPACES)))
def test_images_with_bs_colours_already_stay_as_they_are(way, seed, space):
    a = images(seed, 120, 25)
    difference = moved(a, a, way, space).astype(int) - a
    assert np.abs(difference).max() <= 1


def test_a_channel_without_any_spread_takes_bs_mean():
    a, b = np.full((1, 4, 4, 3), 60, np.uint8), images(1, 100, 5)
    assert np.abs(moved(a, b, "moments", "rgb").astype(int) - round(b.mean())).max() <= 1


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
def test_a_space_and_back_is_the_same_colour(colour):
    pixels = np.full((2, 2, 3), colour, np.uint8)
    for space in SPACES:
        assert np.abs(from_space(to_space(pixels, space), space).astype(int) - pixels).max() <= 1


def test_unknown_names_are_refused():
    known = ColourStatistics.of(images(0, 120, 20), "lab")
    with pytest.raises(UserError, match="--space hsv: choose one of lab, rgb"):
        ColourStatistics.of(images(0, 120, 20), "hsv")
    with pytest.raises(UserError, match="--colours swap: choose one of moments, histogram"):
        ColourMatch.between(known, known, "swap")
