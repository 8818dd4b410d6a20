"""Cutting: image and labels stay on the same pixels, whatever a view does to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.domains import IGNORE, ColourDraw, View, ViewPlan
from atdt.domains.views import ViewPlan as Plan

SIDE = st.integers(1, 40)
SIZE = st.tuples(SIDE, SIDE)


@st.composite
def views(draw, resizes: bool = True) -> View:
    """A view of any kind that a plan can draw."""
    native = draw(SIZE)
    resize = draw(st.none() | SIZE) if resizes else None
    height, width = resize or native
    how = draw(st.sampled_from(["whole", "crop", "pad", "crop and pad"]))
    crop = pad = None
    if how == "crop":
        crop = draw(st.tuples(st.integers(1, height), st.integers(1, width)))
    elif how == "pad":
        pad = draw(st.tuples(st.integers(height, 50), st.integers(width, 50)))
    elif how == "crop and pad":
        crop = pad = draw(SIZE)
    plan = ViewPlan(crop=crop, resize=resize, pad=pad, flip=True, seed=draw(st.integers(0, 9)))
    return plan.draw("a.png", draw(st.integers(0, 3)), native)


def coordinates(native) -> np.ndarray:
    """An image whose red is its row and whose green is its column; blue is 255."""
    rows, columns = np.indices(native)
    return np.stack([rows, columns, np.full(native, 255)], axis=2).astype(np.uint8)


@given(views(resizes=False))
def test_image_and_label_show_the_same_pixels(view):
    pixels = coordinates(view.native)
    image = np.rint(view.image(pixels) * 255)
    ids = view.label(pixels[:, :, 0], "semantic"), view.label(pixels[:, :, 1], "semantic")
    inside = image[2] == 255
    assert image.shape == (3, *view.out)
    for channel, label in zip(image, ids, strict=False):
        assert np.array_equal(channel[inside], label[inside])
        assert not channel[~inside].any()
        assert (label[~inside] == IGNORE).all()
    y, x, height, width = view.box
    rows, columns = ids
    assert (rows[inside].min(), columns[inside].min()) == (y, x)
    assert (rows[inside].max(), columns[inside].max()) == (y + height - 1, x + width - 1)
    assert inside.sum() == height * width


@given(views())
def test_a_resized_label_lies_where_the_resized_image_does(view):
    # A bilinear ramp has the value of its own position in the middle of the image; the nearest
    # pixel is at most half a pixel (of the coarser grid) away. Triangles are cut at the borders.
    native, resized = np.array(view.native), np.array(view.resized)
    ratio = np.maximum(native / resized, 1)
    image = view.image(coordinates(view.native)) * 255
    inside = view.label(np.zeros(view.native, np.uint8), "semantic") == 0
    for axis in (0, 1):
        ramp = np.indices(view.native)[axis].astype(np.float32)
        label = view.label(ramp, "depth")
        margin = (ramp_middle(label, native[axis], 2 * ratio[axis])) & inside
        apart = np.abs(label - image[axis])[margin]
        assert apart.max(initial=0) <= 0.5 * ratio[axis] + 0.01


def ramp_middle(ramp, length, border):
    return (ramp >= border) & (ramp <= length - 1 - border)


@given(views())
def test_boxes_lie_in_the_image(view):
    y, x, height, width = view.box
    assert y >= 0
    assert x >= 0
    assert height >= 1
    assert width >= 1
    assert y + height <= view.native[0]
    assert x + width <= view.native[1]


def flipped(view: View) -> View:
    return View(view.native, view.resized, view.offset, view.out, not view.flip, view.colours)


@given(views())
def test_flipping_mirrors_everything_and_twice_is_nothing(view):
    other = flipped(view)
    assert flipped(other) == view
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (*view.native, 3), np.uint8)
    vectors = random.normal(size=(*view.native, 3)).astype(np.float32)
    vectors[random.random(view.native) < 0.3] = 0
    assert np.array_equal(other.image(pixels), view.image(pixels)[:, :, ::-1])
    for kind in ("semantic", "depth"):
        label = pixels[:, :, 0]
        assert np.array_equal(other.label(label, kind), view.label(label, kind)[:, ::-1])
    normals = view.label(vectors, "normals")
    expected = normals[:, ::-1] * np.array([-1, 1, 1], np.float32)
    assert np.array_equal(other.label(vectors, "normals"), expected)
    none = ~other.label(vectors, "normals").any(axis=2)
    assert not np.signbit(other.label(vectors, "normals")[none]).any()


@given(views())
def test_labels_keep_their_type_and_only_hold_values_that_were_there(view):
    random = np.random.default_rng(0)
    for kind, label in {
        "semantic": random.integers(0, 11, view.native).astype(np.uint8),
        "depth": random.random(view.native).astype(np.float32),
        "normals": np.broadcast_to(np.float32([0.6, 0.8, 0]), (*view.native, 3)),
    }.items():
        cut = view.label(label, kind)
        assert cut.dtype == label.dtype
        assert cut.shape == (*view.out, *label.shape[2:])
        assert cut.flags.c_contiguous
        assert cut.flags.writeable
        assert set(np.abs(cut).ravel()) <= {*np.unique(label), IGNORE if kind == "semantic" else 0}


@given(views())
def test_images_stay_in_range_and_are_fit_for_tensors(view):
    pixels = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (*view.native, 3))
    image = view.image(pixels)
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    assert image.min() >= 0
    assert image.max() <= 1


def test_cutting_does_not_change_what_was_read():
    pixels = coordinates((6, 8))
    label = np.arange(48, dtype=np.float32).reshape(6, 8)
    view = ViewPlan().draw("a", 0, (6, 8))
    view.image(pixels)[:] = 0
    view.label(label, "depth")[:] = -1
    assert np.array_equal(pixels, coordinates((6, 8)))
    assert label[5, 7] == 47


def test_colours_come_before_the_resize_and_the_resize_before_the_crop():
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, ::2] = 255
    dark = ColourDraw(gamma=1, brightness=0.5)
    bright = ColourDraw(brightness=2.0)
    halved = View((2, 4), (2, 2), (0, 1), (2, 1), colours=dark).image(pixels)
    assert halved.shape == (3, 2, 1)
    assert halved == pytest.approx(np.full((3, 2, 1), 0.25), abs=0.07)
    # Clipping before averaging keeps the mean; after it, the mean would have been 1.
    doubled = View((2, 4), (2, 2), (0, 0), (2, 2), colours=bright).image(pixels)
    assert doubled.max() < 0.6


def test_plain_drops_the_colours_and_nothing_else():
    view = Plan(crop=(3, 4), flip=True, photometric="strong").draw("a.png", 1, (9, 9))
    plain = view.plain()
    assert view.colours != plain.colours == ColourDraw()
    assert (plain.box, plain.flip, plain.out) == (view.box, view.flip, view.out)
    pixels = coordinates((9, 9))
    assert np.array_equal(plain.image(pixels)[2], np.ones((3, 4)))
    assert not np.array_equal(view.image(pixels), plain.image(pixels))


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4, 4), np.uint8), np.zeros((5, 4, 3))]
)
def test_images_of_another_size_or_type_are_a_bug(pixels):
    view = ViewPlan().draw("a.png", 0, (5, 4))
    with pytest.raises(ValueError, match=r"expected uint8 \(5, 4, 3\)"):
        view.image(pixels)


def test_labels_of_another_size_are_a_bug():
    with pytest.raises(ValueError, match=r"expected depth of size \(5, 4\)"):
        ViewPlan().draw("a.png", 0, (5, 4)).label(np.zeros((4, 5)), "depth")


@given(native=SIZE, resize=st.none() | SIZE, seed=st.integers(0, 9), data=st.data())
def test_what_two_views_share_are_the_same_pixels(native, resize, seed, data):
    crop = data.draw(st.tuples(st.integers(1, 50), st.integers(1, 50)))
    plan = ViewPlan(crop=crop, pad=crop, resize=resize, flip=True, seed=seed)
    one, two = (plan.draw("a.png", data.draw(st.integers(0, 3)), native) for _ in range(2))
    ids = np.arange(native[0] * native[1]).reshape(native)
    cuts = [view.label(ids + 1, "depth") for view in (one, two)]
    upright = [
        cut[:, ::-1] if view.flip else cut for cut, view in zip(cuts, (one, two), strict=True)
    ]
    shared = one.shared(two)
    if shared is None:
        assert not set(upright[0][upright[0] > 0]) & set(upright[1][upright[1] > 0]) or resize
        return
    first, second = (cut[where] for cut, where in zip(upright, shared, strict=True))
    assert np.array_equal(first, second)
    assert first.size and (first > 0).all()
    if not resize:  # else a native pixel may be seen at several places
        both = set(upright[0].ravel()) & set(upright[1].ravel()) - {0}
        assert both == set(first.ravel())


def test_views_of_other_sizes_share_nothing():
    one, two = (ViewPlan().draw("a.png", 0, size) for size in ((4, 6), (4, 7)))
    with pytest.raises(ValueError, match="other sizes"):
        one.shared(two)
