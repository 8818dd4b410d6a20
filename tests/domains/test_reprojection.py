"""A camera that turns and zooms: a road under both has the depth and normals that geometry says."""

import numpy as np
import pytest

from atdt.domains import IGNORE
from atdt.domains.cameras import Mount
from atdt.domains.reprojection import Reprojection, turn

SIZE = (120, 200)
HEIGHT = 1.5


def road(focal, mount, height=HEIGHT):
    """Depth (H, W) of a flat road under a camera, 0 in the sky, and its normal."""
    v, u = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    rays = np.stack([(u - SIZE[1] / 2) / focal, (v - SIZE[0] / 2) / focal, np.ones(SIZE)], -1)
    down = (rays @ turn(mount))[..., 1]  # in level axes
    return np.where(down > 1e-3, height / np.maximum(down, 1e-3), 0), turn(mount) @ [0, -1, 0]


@pytest.mark.parametrize(
    ("old", "new", "focals"),
    [
        (Mount(HEIGHT), Mount(HEIGHT, -3.5), (110, 140)),
        (Mount(HEIGHT, 4.0), Mount(HEIGHT, -2.0, 5.0), (150, 170)),
        (Mount(HEIGHT, 0.0, -6.0), Mount(HEIGHT, 3.0, 2.0), (120, 120)),
    ],
)
def test_a_road_has_the_depth_and_normal_that_the_new_camera_sees(old, new, focals):
    moved = Reprojection.between(SIZE, focals, (old, new))
    (before, normal), (expected, turned) = (
        road(focal, mount) for focal, mount in zip(focals, (old, new), strict=True)
    )
    depth = moved.depth(before)
    near = (expected > 0) & (expected < 12) & (depth > 0)
    assert near.sum() > 3000
    # Labels are of the nearest pixel, half a pixel off at most.
    assert np.abs(depth / np.where(near, expected, 1) - 1)[near].max() < 0.06
    assert np.abs(depth / np.where(near, expected, 1) - 1)[near].mean() < 0.012
    normals = moved.normals(np.broadcast_to(normal, (*SIZE, 3)))
    assert np.allclose(normals[moved.seen], turned, atol=1e-6)
    assert not normals[~moved.seen].any()


@pytest.mark.parametrize("stretch", [0.6, 1.7])
def test_a_stretched_road_lies_as_much_deeper(stretch):
    old, new, focals = Mount(HEIGHT, 1.0), Mount(HEIGHT, -3.5, 2.0), (110, 140)
    moved = Reprojection.between(SIZE, focals, (old, new), below=stretch)
    before, normal = road(focals[0], old)
    expected, turned = road(focals[1], new, stretch * HEIGHT)
    depth = moved.depth(before)
    near = (expected > 0) & (expected < 12) & (depth > 0)
    assert near.sum() > 1500
    wrong = np.abs(depth / np.where(near, expected, 1) - 1)[near]
    assert wrong.max() < 0.1  # of the nearest pixel of an image that is stretched
    assert wrong.mean() < 0.02
    normals = moved.normals(np.broadcast_to(normal, (*SIZE, 3)))
    assert np.allclose(normals[near], turned, atol=1e-6)


def test_a_wall_stays_where_it_is_when_what_is_below_is_stretched():
    """Under a level camera upright things keep their depth; what is above keeps its place."""
    level = Mount(1.0)
    moved = Reprojection.between(SIZE, (100, 100), (level, level), below=1.7)
    wall = np.full(SIZE, 7.0)
    assert np.allclose(moved.depth(wall)[moved.seen], 7)
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    assert np.array_equal(moved.image(pixels)[:60], pixels[:60])
    facing, leaning = np.array([0, 0, -1.0]), np.array([0, -1.0, -1.0]) / np.sqrt(2)
    normals = moved.normals(np.broadcast_to(facing, (*SIZE, 3)))
    assert np.allclose(normals[moved.seen], facing)
    steeper = moved.normals(np.broadcast_to(leaning, (*SIZE, 3)))
    assert np.allclose(steeper[:60], leaning)
    upright = np.array([0, -1 / 1.7, -1.0])  # a slope that climbs as far over more metres
    assert np.allclose(steeper[70:][moved.seen[70:]], upright / np.linalg.norm(upright))


def test_the_same_camera_changes_nothing():
    draws = np.random.default_rng(0)
    moved = Reprojection.between(SIZE, (100, 100), (Mount(1.0, 3.0), Mount(2.0, 3.0)))
    pixels = draws.integers(0, 256, (*SIZE, 3), np.uint8)
    ids, metres = draws.integers(0, 11, SIZE, np.uint8), draws.uniform(1, 50, SIZE)
    assert moved.seen.all()
    assert np.array_equal(moved.image(pixels), pixels)
    assert np.array_equal(moved.ids(ids), ids)
    assert np.allclose(moved.depth(metres), metres, rtol=1e-5)


def test_what_was_not_seen_has_no_label():
    moved = Reprojection.between(SIZE, (140, 100), (Mount(1.0), Mount(1.0)))
    assert not moved.seen[0].any() and moved.seen[60, 100]
    assert (moved.ids(np.zeros(SIZE, np.uint8)) == np.where(moved.seen, 0, IGNORE)).all()
    assert (moved.depth(np.ones(SIZE)) > 0)[moved.seen].all()
    assert not moved.depth(np.ones(SIZE))[~moved.seen].any()


def test_what_lies_behind_was_not_seen():
    moved = Reprojection.between(SIZE, (100, 100), (Mount(1.0, -59.0), Mount(1.0, 59.0)))
    assert not moved.seen.any()
    assert np.isfinite(moved.image(np.zeros((*SIZE, 3), np.uint8))).all()


def test_a_zoom_magnifies():
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[55:65, 95:105] = 255
    moved = Reprojection.between(SIZE, (100, 200), (Mount(1.0), Mount(1.0)))
    assert (moved.image(pixels) > 127).sum() == pytest.approx(4 * 3 * 100, rel=0.1)
