"""Heights, slopes and the ground, of depth maps whose planes are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.label_transfer.geometry import CHANNELS, KNEE, ground_plane, is_dense, local_geometry

SIZE = (48, 64)
FOCAL = 50.0
BOTH = FOCAL, FOCAL  # across and down
HEIGHT, UP, SIDE, ROUGH, KNOWN = range(len(CHANNELS))


def directions(focal=FOCAL):
    v, u = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    return (u - SIZE[1] / 2) / focal, (v - SIZE[0] / 2) / focal


def scene(high=1.5, pitch=0.0, focal=FOCAL, wall=None, box=None):
    """Depth of a road under a camera so high and pitched down by so many degrees; a wall so far
    ahead; a box of so many metres' height in front of the wall."""
    x, y = directions(focal)
    angle = np.radians(pitch)
    down = y * np.cos(angle) + np.sin(angle)
    ahead = np.cos(angle) - y * np.sin(angle)
    with np.errstate(divide="ignore"):
        depth = np.where(down > 0, high / down, np.inf)
    if wall is not None:
        depth = np.minimum(depth, wall / ahead)
    if box is not None:
        tall, near = box
        there = near / ahead
        inside = (np.abs(x * there) < 1) & (high - down * there < tall)
        depth = np.where(inside, np.minimum(depth, there), depth)
    return np.where(np.isfinite(depth) & (depth < 500), depth, 0)


@given(st.floats(0.6, 4), st.floats(-2, 10), st.floats(25, 70))
def test_the_ground_is_found_under_any_camera(high, pitch, focal):
    plane = ground_plane(scene(high, pitch, focal, wall=20.0), (focal, focal))
    assert 1 / np.linalg.norm(plane) == pytest.approx(high, rel=1e-6)
    angle = np.radians(pitch)
    down = np.array([0, np.cos(angle), np.sin(angle)])
    assert plane / np.linalg.norm(plane) == pytest.approx(down, abs=1e-6)


@given(st.floats(0.8, 3), st.floats(-5, 8), st.floats(0.3, 2.5))
def test_heights_are_above_the_ground_whatever_the_camera(high, pitch, tall):
    depth = scene(high, pitch, wall=15.0, box=(tall, 6.0))
    heights = KNEE * np.sinh(3 * local_geometry(depth, BOTH)[HEIGHT].astype(np.float64))
    _, y = directions()
    angle = np.radians(pitch)
    truth = high - depth * (y * np.cos(angle) + np.sin(angle))
    known = depth > 0
    assert np.allclose(heights[known], truth[known], atol=1e-4, rtol=1e-4)


def test_slopes_tell_ground_from_walls_and_from_what_is_beside_the_road():
    depth = scene(wall=15.0)
    read = local_geometry(depth, BOTH)
    assert read[UP][-5:-1] == pytest.approx(1, abs=1e-4)
    assert read[UP][2:10] == pytest.approx(0, abs=1e-4)
    assert read[SIDE][2:10] == pytest.approx(0, abs=1e-4)
    x, _ = directions()
    beside = np.where(x > 0.1, 2.0 / np.maximum(x, 0.1), 0)  # a wall along the road
    assert local_geometry(beside, BOTH)[SIDE][10:-10, -6:-1] == pytest.approx(1, abs=1e-4)


def test_a_plane_is_smooth_and_an_edge_is_rough():
    read = local_geometry(scene(wall=15.0, box=(3.0, 5.0)), BOTH)[ROUGH]
    assert np.abs(read[-3:-1, 1:-1]).max() < 1e-4
    assert np.abs(read[:30]).max() == pytest.approx(1)


def test_where_there_is_no_depth_all_is_zero():
    depth = scene()
    read = local_geometry(depth, BOTH)
    assert read.dtype == np.float32 and read.shape == (len(CHANNELS), *SIZE)
    assert (read[KNOWN] == (depth > 0)).all()
    assert not read[:, depth == 0].any()


@pytest.mark.parametrize("depth", [np.zeros(SIZE), np.full(SIZE, 8.0)])
def test_without_level_ground_there_is_none_and_heights_are_zero(depth):
    assert ground_plane(depth, BOTH) is None
    read = local_geometry(depth, BOTH)
    assert np.isfinite(read).all() and not read[HEIGHT].any()


@given(st.floats(0.01, 0.03), st.integers(0, 5))
def test_noise_moves_the_ground_little(noise, seed):
    depth = scene(1.5, 2.0, wall=15.0, box=(1.5, 6.0))
    noisy = depth * (1 + noise * np.random.default_rng(seed).standard_normal(SIZE) / 3)
    plane = ground_plane(noisy, BOTH)
    assert 1 / np.linalg.norm(plane) == pytest.approx(1.5, abs=0.15)


@given(st.integers(1, 3), st.floats(0.8, 3), st.floats(0, 8))
def test_a_resize_of_another_shape_changes_no_height(factor, high, pitch):
    depth = scene(high, pitch, wall=15.0, box=(2.0, 6.0))
    wide = np.repeat(depth, factor, axis=1)
    read = local_geometry(wide, (factor * FOCAL, FOCAL))[HEIGHT]
    again = local_geometry(depth, BOTH)[HEIGHT]
    assert np.median(np.abs(read[:, ::factor] - again)) < 0.02


def test_depth_is_dense_or_sparse():
    depth = scene(wall=15.0)
    assert is_dense(depth)
    thin = np.zeros_like(depth)
    thin[::4, ::3] = depth[::4, ::3]
    assert not is_dense(thin)
