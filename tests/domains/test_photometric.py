"""Colour draws against the formula, pixel by pixel, and their ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atdt.domains.photometric import DRAWS, PHOTOMETRIC, PLAIN, ColourDraw, colour_ranges
from atdt.errors import DomainError

UNIT = st.floats(0, 1, exclude_max=True)
FACTOR = st.floats(0.2, 2.5)
DRAW = st.builds(
    ColourDraw, FACTOR, FACTOR, st.tuples(FACTOR, FACTOR, FACTOR), FACTOR, st.floats(0, 2)
)
PIXELS = arrays(np.uint8, (2, 3, 3))


@given(PIXELS)
def test_plain_colours_are_the_pixels(pixels):
    planes = PLAIN.apply(pixels)
    assert planes.dtype == np.float32
    assert np.array_equal(planes, (pixels.transpose(2, 0, 1) / 255).astype(np.float32))


@given(PIXELS, DRAW)
def test_any_draw_follows_the_formula(pixels, draw):
    values = (pixels / 255) ** draw.gamma * draw.brightness * np.array(draw.gains)
    values = np.clip(values, 0, 1)
    values = values**draw.contrast / (values**draw.contrast + (1 - values) ** draw.contrast)
    grey = values @ np.array([0.299, 0.587, 0.114])[:, None]
    values = np.clip(grey + draw.saturation * (values - grey), 0, 1)
    assert draw.apply(pixels) == pytest.approx(values.transpose(2, 0, 1), abs=1e-6)


@given(
    st.sampled_from(sorted(PHOTOMETRIC.keys() - {"d4"})),
    st.lists(UNIT, min_size=DRAWS, max_size=DRAWS),
)
def test_draws_stay_in_their_ranges(name, uniform):
    ranges = colour_ranges(name)
    draw = ranges.draw(uniform)
    if uniform[0] >= ranges.probability:
        assert draw == PLAIN
        return
    for value, limits in [
        (draw.gamma, ranges.gamma),
        (draw.brightness, ranges.brightness),
        *((gain, ranges.gain) for gain in draw.gains),
        (draw.contrast, ranges.contrast),
        (draw.saturation, ranges.saturation),
    ]:
        assert limits[0] <= value <= limits[1]


def test_the_papers_ranges():
    low, high = (colour_ranges("paper").draw([0.49, *[u] * 7]) for u in (0.0, 1.0))
    assert low == ColourDraw(0.8, 0.5, (0.8, 0.8, 0.8))
    assert high == ColourDraw(1.2, 2.0, (1.2, 1.2, 1.2))
    assert colour_ranges("paper").draw([0.5, *[0.1] * 7]) == PLAIN


def test_each_number_moves_one_thing():
    middle = colour_ranges("strong").draw([0.5] * DRAWS)
    for position in range(1, DRAWS):
        moved = colour_ranges("strong").draw([0.75 if k == position else 0.5 for k in range(DRAWS)])
        before = [
            middle.gamma,
            middle.brightness,
            *middle.gains,
            middle.contrast,
            middle.saturation,
        ]
        after = [moved.gamma, moved.brightness, *moved.gains, moved.contrast, moved.saturation]
        assert [k for k in range(7) if before[k] != after[k]] == [position - 1]


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(DomainError, match="photometric 'weak': known are none, paper, strong, d4"):
        colour_ranges("weak")
