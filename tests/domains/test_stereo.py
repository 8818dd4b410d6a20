"""Semi-global matching: disparities of pairs that are made here, and what must stay without."""

import numpy as np
import pytest

from atdt.domains.stereo import Matching, depth, disparity
from atdt.errors import UserError

BEHIND, BEFORE = 4, 11  # disparities of the wall and of a board in front of it, pixels
HEIGHT, WIDTH = 60, 120
BOARD = slice(15, 45), slice(50, 80)  # in the left image
INSIDE = 5  # pixels from an edge: blocks and smoothing mix what is nearer


def dots(random, width=WIDTH, height=HEIGHT):
    return random.integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def pair():
    """A wall of random dots and a board of others before it: left and right, uint8 (H, W, 3)."""
    random = np.random.default_rng(2)
    wall, board = dots(random, WIDTH + BEHIND), dots(random)
    left, right = wall[:, :WIDTH].copy(), wall[:, BEHIND:].copy()
    rows, columns = BOARD
    left[BOARD] = board[BOARD]
    right[rows, columns.start - BEFORE : columns.stop - BEFORE] = board[BOARD]
    return left, right


@pytest.mark.parametrize("directions", [3, 5, 8])
def test_planes_have_the_disparity_that_they_were_made_with(pair, directions):
    found = disparity(*pair, Matching(max_disparity=16, directions=directions, speckle=20))
    assert found.dtype == np.float32
    wall = np.zeros((HEIGHT, WIDTH), bool)
    wall[INSIDE:-INSIDE, BEHIND + INSIDE : BOARD[1].start - BEFORE - INSIDE] = True
    wall[INSIDE:-INSIDE, BOARD[1].stop + INSIDE : -INSIDE] = True
    board = np.zeros_like(wall)
    rows, columns = BOARD
    board[
        rows.start + INSIDE : rows.stop - INSIDE, columns.start + INSIDE : columns.stop - INSIDE
    ] = True
    for part, made in ((wall, BEHIND), (board, BEFORE)):
        known = found[part][found[part] > 0]
        assert known.size > 0.98 * part.sum()
        assert np.abs(known - made).max() <= 0.5


def test_what_one_image_alone_shows_has_none(pair):
    found = disparity(*pair, Matching(max_disparity=16))
    rows, columns = BOARD
    hidden = found[
        rows.start + 2 : rows.stop - 2, columns.start - (BEFORE - BEHIND) : columns.start
    ]
    assert np.mean(hidden == 0) > 0.8  # behind the board in the right image
    assert np.all(found[:, :BEHIND] == 0)  # left of the right image
    assert np.mean(found[:, BEHIND + INSIDE :] > 0) > 0.8


def test_the_check_is_what_finds_it(pair):
    rows, columns = BOARD
    hidden = rows, slice(columns.start - (BEFORE - BEHIND), columns.start)
    strict, lax = (
        disparity(*pair, Matching(max_disparity=16, tolerance=tolerance, uniqueness=0, speckle=0))
        for tolerance in (1, 100)
    )
    assert np.mean(strict[hidden] > 0) < 0.3 < np.mean(lax[hidden] > 0)


def test_halves_of_pixels_are_found(pair):
    random = np.random.default_rng(3)
    wall = dots(random, 2 * WIDTH + 9).astype(np.float64)
    wall = sum(np.roll(wall, k, axis=1) for k in range(-2, 3)) / 5  # smooth enough to be sampled
    left = wall[:, 0 : 2 * WIDTH : 2].astype(np.uint8)
    right = wall[:, 9 : 2 * WIDTH + 9 : 2].astype(np.uint8)
    found = disparity(left, right, Matching(max_disparity=16))
    known = found[INSIDE:-INSIDE, 10:-INSIDE]
    assert np.mean(known > 0) > 0.9
    assert abs(np.median(known[known > 0]) - 4.5) < 0.2


def test_images_without_texture_or_with_other_ones_have_none():
    random = np.random.default_rng(4)
    plain = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    assert not disparity(plain, plain, Matching()).any()
    strangers = disparity(dots(random), dots(random), Matching())
    assert np.mean(strangers > 0) < 0.15


def test_islands_go_unless_they_are_kept(pair):
    left, right = (image.copy() for image in pair)
    kept, gone = (disparity(left, right, Matching(16, speckle=size)) for size in (0, 2000))
    rows, columns = BOARD
    middle = (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2
    assert kept[middle] == pytest.approx(BEFORE, abs=0.5)
    assert gone[middle] == 0  # the board has 900 pixels
    assert gone[middle[0], -20] == pytest.approx(BEHIND, abs=0.5)


def test_depth_is_none_where_disparity_is_and_beyond_the_farthest():
    metres = depth(np.array([[0.0, 0.25, 0.5, 2.0]], np.float32), 50.0, 100.0)
    assert metres.dtype == np.float32
    assert metres.tolist() == [[0.0, 0.0, 100.0, 25.0]]


@pytest.mark.parametrize(
    ("asked", "width", "tried"), [(None, 192, 32), (None, 32, 16), (16, 900, 16), (17, 900, 32)]
)
def test_disparities_come_in_sixteens(asked, width, tried):
    assert Matching(asked).disparities(width) == tried


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_disparity": 0},
        {"max_disparity": 4000},
        {"block": 4},
        {"block": 13},
        {"directions": 4},
        {"tolerance": float("nan")},
        {"uniqueness": 100},
        {"speckle": -1},
    ],
)
def test_a_value_that_cannot_be_used_is_named(wrong):
    option = "--" + next(iter(wrong)).replace("_", "-")
    with pytest.raises(UserError, match=option):
        Matching(**wrong)


def test_sizes_must_be_the_same():
    with pytest.raises(ValueError, match=r"\(60, 120, 3\)"):
        disparity(np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((9, 9, 3), np.uint8), Matching())
