"""D4's colour jitter against torchvision's, and that a view has it of the whole image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from torchvision.transforms import ColorJitter
from torchvision.transforms import functional as published

from atdt.domains import View
from atdt.domains.jitter import ORDERS, JitterDraw
from atdt.domains.photometric import DRAWS, colour_ranges

UNIT = st.floats(0, 1, exclude_max=True)
FACTOR = st.floats(0.5, 1.5)
PIXELS = arrays(np.uint8, (3, 4, 3))
DRAW = st.builds(JitterDraw, FACTOR, FACTOR, FACTOR, st.floats(-0.5, 0.5), st.sampled_from(ORDERS))


@given(PIXELS, DRAW)
def test_every_draw_is_torchvisions_in_the_same_order(pixels, draw):
    image = Image.fromarray(pixels)
    for change in draw.order:
        image = getattr(published, f"adjust_{change}")(image, getattr(draw, change))
    planes = draw.apply(pixels)
    assert planes.dtype == np.float32
    expected = (np.asarray(image).transpose(2, 0, 1) / 255).astype(np.float32)
    np.testing.assert_array_equal(planes, expected)


def test_the_ranges_are_d4s():
    names = ("brightness", "contrast", "saturation", "hue")
    jitter = ColorJitter(0.5, 0.5, 0.5, 0.5)
    for corner, uniform in ((0, 0.0), (1, 1.0)):
        draw = colour_ranges("d4").draw([0.5, *[uniform] * (DRAWS - 1)])
        published_ranges = [getattr(jitter, name)[corner] for name in names]
        assert [getattr(draw, name) for name in names] == published_ranges
    orders = [colour_ranges("d4").draw([(k + 0.5) / 24, *[0.5] * 7]).order for k in range(24)]
    assert sorted(orders) == sorted(ORDERS)


@given(st.lists(UNIT, min_size=DRAWS, max_size=DRAWS))
def test_draws_stay_in_their_ranges(uniform):
    draw = colour_ranges("d4").draw(uniform)
    assert all(0.5 <= f <= 1.5 for f in (draw.brightness, draw.contrast, draw.saturation))
    assert -0.5 <= draw.hue <= 0.5


@pytest.mark.parametrize("resized", [(8, 10), (16, 20)])
def test_contrast_is_about_the_mean_of_the_whole_image(resized):
    pixels = np.full((8, 10, 3), 200, np.uint8)
    pixels[:, :5] = 0
    draw = JitterDraw(1.0, 0.5, 1.0, 0.0)
    size = resized[0] // 2, resized[1] // 2
    view = View((8, 10), resized, (0, 0), size, colours=draw)
    whole = View((8, 10), resized, (0, 0), resized, colours=draw)
    cut = view.image(pixels)
    np.testing.assert_array_equal(cut, whole.image(pixels)[:, : size[0], : size[1]])
    assert cut[0, 0, 0] == pytest.approx(50 / 255, abs=2 / 255)  # half-way to the mean, 100
