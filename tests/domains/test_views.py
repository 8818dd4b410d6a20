"""Plans: pure draws, options that do not disturb each other, sizes that do not fit."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.domains import ColourDraw, View, ViewPlan
from atdt.errors import DomainError

SIZE = st.tuples(st.integers(1, 40), st.integers(1, 40))
PLANS = st.builds(
    ViewPlan,
    views=st.integers(1, 5),
    seed=st.integers(0, 2**40),
    crop=st.none() | SIZE,
    resize=st.none() | SIZE,
    flip=st.booleans(),
    photometric=st.sampled_from(["none", "paper", "strong", "d4"]),
    stretch=st.just(1.0) | st.floats(1, 10),
)
FREE = ViewPlan(crop=(96, 192), flip=True, photometric="strong")
NATIVE = 480, 640


@given(PLANS)
def test_a_plan_survives_json(plan):
    assert ViewPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


@given(st.integers(0, 9), st.text(), st.integers(0, 9))
def test_the_same_view_is_drawn_again(seed, name, number):
    plan = ViewPlan(seed=seed, crop=(5, 6), flip=True, photometric="strong")
    again = ViewPlan.from_dict(plan.to_dict())
    assert plan.draw(name, number, (30, 40)) == again.draw(name, number, (30, 40))


def test_draws_are_the_ones_that_stores_were_made_with():
    """Stores rely on these numbers: to change them is to change the format of stores."""
    plan = ViewPlan(seed=7, crop=(96, 192), flip=True, photometric="paper")
    drawn = [plan.draw("a/b.png", number, NATIVE) for number in (2, 3)]
    assert [view.box for view in drawn] == [(130, 375, 96, 192), (166, 287, 96, 192)]
    assert [view.flip for view in drawn] == [False, True]
    colours = drawn[0].colours
    assert colours.gamma == pytest.approx(0.9626512405051074, abs=1e-12)
    assert colours.brightness == pytest.approx(0.8439088423361291, abs=1e-12)
    gains = (0.9616304854552243, 1.1873677851197915, 0.83741107641685)
    assert colours.gains == pytest.approx(gains, abs=1e-12)
    assert drawn[1].colours == ColourDraw()
    jitter = ViewPlan(seed=7, crop=(96, 192), flip=True, photometric="d4")
    colours = jitter.draw("a/b.png", 2, NATIVE).colours
    assert colours.order == ("contrast", "saturation", "brightness", "hue")
    pinned = (0.9066281012627685, 0.7292725615574194, 0.9040762136380608, 0.468419462799479)
    factors = (colours.brightness, colours.contrast, colours.saturation, colours.hue)
    assert factors == pytest.approx(pinned, abs=1e-12)


@pytest.mark.parametrize(
    "other",
    [
        ViewPlan(seed=1, crop=(96, 192), flip=True, photometric="strong").draw("a.png", 1, NATIVE),
        FREE.draw("b.png", 1, NATIVE),
        FREE.draw("a.png", 2, NATIVE),
        FREE.draw("1:a.png", 1, NATIVE),
    ],
)
def test_seed_name_and_view_each_change_the_draw(other):
    assert FREE.draw("a.png", 1, NATIVE) != other


@given(st.integers(0, 99))
def test_no_option_moves_what_another_one_draws(number):
    both = FREE.draw("a.png", number, NATIVE)
    cropped = ViewPlan(crop=(96, 192)).draw("a.png", number, NATIVE)
    flipped = ViewPlan(flip=True).draw("a.png", number, NATIVE)
    coloured = ViewPlan(photometric="strong").draw("a.png", number, NATIVE)
    assert (both.box, both.flip, both.colours) == (cropped.box, flipped.flip, coloured.colours)


@given(PLANS, SIZE)
def test_view_0_is_plain(plan, native):
    resized = plan.resize or native
    if plan.crop and (plan.crop[0] > resized[0] or plan.crop[1] > resized[1]):
        return
    view = plan.draw("a.png", 0, native)
    out = plan.out_size(native)
    assert (view.flip, view.colours, view.out) == (False, ColourDraw(), out)
    assert view.offset == ((resized[0] - out[0]) // 2, (resized[1] - out[1]) // 2)


def test_a_whole_image_is_a_view_of_itself():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    view = ViewPlan().draw("a.png", 0, (7, 9))
    assert view.box == (0, 0, 7, 9)
    assert np.array_equal(view.image(pixels), (pixels.transpose(2, 0, 1) / 255).astype("float32"))


def test_draws_are_spread_evenly():
    plan = ViewPlan(crop=(6, 7), flip=True, photometric="paper")
    drawn = [plan.draw(f"{k}.png", 1, (9, 7)) for k in range(2000)]
    tops = np.bincount([view.box[0] for view in drawn])
    assert len(tops) == 4  # 0 to 3: the last place too
    assert tops.min() > 420
    assert {view.box[1] for view in drawn} == {0}
    assert 900 < sum(view.flip for view in drawn) < 1100
    assert 900 < sum(view.colours == ColourDraw() for view in drawn) < 1100


def test_crop_after_resize():
    view = ViewPlan(resize=(100, 200), crop=(50, 100)).draw("a.png", 0, (200, 800))
    assert view == View((200, 800), (100, 200), (25, 50), (50, 100))
    assert view.box == (50, 200, 100, 400)


def test_boxes_of_resized_images_are_rounded_outwards():
    view = ViewPlan(resize=(10, 10), crop=(4, 4)).draw("a.png", 0, (7, 23))
    assert view.box == (2, 6, 3, 11)  # rows 2.1 to 4.9, columns 6.9 to 16.1


def test_padding_is_centred_and_not_part_of_the_box():
    view = ViewPlan(pad=(5, 8)).draw("a.png", 1, (4, 5))
    assert (view.offset, view.out, view.box) == ((0, -1), (5, 8), (0, 0, 4, 5))
    image = view.image(np.full((4, 5, 3), 255, np.uint8))
    assert image[0].tolist() == [[0, 1, 1, 1, 1, 1, 0, 0]] * 4 + [[0] * 8]


def test_crop_and_pad_bring_images_of_any_size_to_one():
    plan = ViewPlan(crop=(6, 6), pad=(6, 6))
    for native in ((4, 9), (9, 4), (6, 6), (2, 2), (10, 10)):
        for number in range(3):
            assert plan.draw("a.png", number, native).out == plan.out_size(native) == (6, 6)
    assert plan.draw("a.png", 0, (4, 9)).box == (0, 1, 4, 6)


@pytest.mark.parametrize(
    ("plan", "native", "message"),
    [
        (
            ViewPlan(crop=(96, 192)),
            (95, 500),
            "image of 95x500 is smaller than crop 96x192; use --r",
        ),
        (ViewPlan(crop=(96, 192)), (500, 191), "image of 500x191 is smaller than crop 96x192"),
        (
            ViewPlan(crop=(96, 192), resize=(90, 200)),
            (999, 999),
            "image of 999x999, resized to 90x200, is smaller than crop 96x192",
        ),
        (
            ViewPlan(pad=(96, 192)),
            (97, 1),
            "image of 97x1 is larger than pad 96x192; use --resize or",
        ),
    ],
)
def test_images_that_do_not_fit_are_named(plan, native, message):
    with pytest.raises(DomainError, match=f"^a/b.png: {re.escape(message)}"):
        plan.draw("a/b.png", 1, native)
    with pytest.raises(DomainError, match=f"^{re.escape(message)}"):
        plan.out_size(native)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": 0}, "views 0: at least 1"),
        ({"crop": (0, 5)}, r"crop \(0, 5\): write height and width"),
        ({"resize": (5,)}, r"resize \(5,\)"),
        ({"crop": (4, 4), "pad": (5, 5)}, "crop 4x4 and pad 5x5: together they must be the same"),
        ({"photometric": "weak"}, "photometric 'weak': known are"),
        ({"zoom": 2, "angle": 1}, "a plan of views has no angle, zoom"),
    ],
)
def test_plans_that_cannot_be_drawn(options, message):
    with pytest.raises(DomainError, match=message):
        ViewPlan.from_dict(options)


def test_a_view_below_0_is_a_bug():
    with pytest.raises(ValueError, match="view -1 is below 0"):
        ViewPlan().draw("a.png", -1, (2, 2))
