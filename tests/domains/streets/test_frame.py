"""Frames: the same for the same arguments, with labels that agree with geometry."""

import numpy as np
import pytest

from atdt.domains.streets.camera import BASELINE_METRES
from atdt.domains.streets.classes import IGNORE, ROAD, SIDEWALK, SKY
from atdt.domains.streets.config import KNOBS, PAIRS, SPLITS
from atdt.domains.streets.frame import Frame, render_frame

SIZE = (24, 48)
DOMAINS = [(pair, domain) for pair in PAIRS for domain in "ab"]


def frame(pair: str = "streets", domain: str = "a", index: int = 3, **rest) -> Frame:
    options = {"split": "train", "seed": 0, "size": SIZE, "knobs": KNOBS, "right": False} | rest
    return render_frame(pair, domain, options.pop("split"), index, **options)


def same(one: Frame, two: Frame, *kinds: str) -> bool:
    return all(np.array_equal(getattr(one, kind), getattr(two, kind)) for kind in kinds)


def rays(camera: dict) -> np.ndarray:
    """Camera directions (H, W, 3) of the pixels' middles, z = 1."""
    height, width = camera["size"]
    x, y = (np.arange(n) + 0.5 - middle for n, middle in
            zip((width, height), camera["principal"], strict=True))  # fmt: skip
    grid = np.meshgrid(x / camera["focal"], y / camera["focal"])
    return np.stack([*grid, np.ones((height, width))], axis=2)


def upwards(camera: dict) -> np.ndarray:
    """The world's up in camera axes, from the angles of the camera file."""
    pitch, roll = np.deg2rad(camera["pitch_degrees"]), np.deg2rad(camera["roll_degrees"])
    level = -np.cos(pitch)
    return np.array([level * np.sin(roll), level * np.cos(roll), -np.sin(pitch)])


@pytest.mark.parametrize(("pair", "domain"), DOMAINS)
def test_the_same_arguments_give_the_same_bits(pair: str, domain: str) -> None:
    one, two = frame(pair, domain, right=True), frame(pair, domain, right=True)
    assert same(one, two, "image", "right", "semantic", "depth", "normals")
    assert one.camera == two.camera


def test_every_part_of_the_key_gives_another_scene() -> None:
    base = frame()
    others = [frame(index=4), frame(seed=1), frame(domain="b"), frame(pair="streets-held-out")]
    others += [frame(pair="streets-held-out-2")]
    others += [frame(split=split) for split in SPLITS[1:]]
    others += [frame(domain="b", knobs=())]  # A's style, but scenes of its own
    for other in others:
        assert not same(base, other, "depth")


@pytest.mark.parametrize(("pair", "domain"), DOMAINS)
def test_labels_have_their_types_and_agree_on_what_is_sky(pair: str, domain: str) -> None:
    for index in range(3):
        made = frame(pair, domain, index)
        assert made.image.dtype == np.uint8
        assert made.image.shape == (*SIZE, 3)
        assert made.semantic.dtype == np.uint8
        assert set(np.unique(made.semantic)) <= {*range(11), IGNORE}
        there = made.semantic != SKY
        assert np.array_equal(made.depth > 0, there)
        length = np.sqrt((made.normals**2).sum(axis=2))
        np.testing.assert_allclose(length, there, atol=1e-12)


@pytest.mark.parametrize(("pair", "domain"), DOMAINS)
def test_normals_face_the_camera_and_the_road_points_up(pair: str, domain: str) -> None:
    made = frame(pair, domain)
    there = made.depth > 0
    towards = (made.normals * rays(made.camera)).sum(axis=2)
    assert (towards[there] <= 0).all()
    road = made.semantic == ROAD
    assert road.sum() > 50
    up = np.median(made.normals[road], axis=0)
    np.testing.assert_allclose(up, upwards(made.camera), atol=1e-9)


@pytest.mark.parametrize(("pair", "domain"), DOMAINS)
def test_depth_puts_the_road_as_far_below_the_camera_as_it_stands_high(
    pair: str, domain: str
) -> None:
    made = frame(pair, domain)
    points = rays(made.camera) * made.depth[..., None]
    height = (points * upwards(made.camera)).sum(axis=2) + made.camera["height"]
    road = height[made.semantic == ROAD]
    assert (np.abs(road) < 0.011).all()  # a side street lies a centimetre lower
    pavement = height[(made.semantic == SIDEWALK) & (made.depth < 60)]
    assert (pavement > -0.08).all()  # kerbs reach below the road
    assert pavement.max() <= 0.131


@pytest.mark.parametrize(("pair", "domain"), DOMAINS)
def test_points_of_one_flat_surface_lie_in_the_plane_of_its_normal(pair: str, domain: str) -> None:
    made = frame(pair, domain)
    points = rays(made.camera) * made.depth[..., None]
    alike = (made.normals[:, 1:] == made.normals[:, :-1]).all(axis=2) & (made.depth[:, 1:] > 0)
    alike &= made.semantic[:, 1:] == made.semantic[:, :-1]
    step = ((points[:, 1:] - points[:, :-1]) * made.normals[:, 1:]).sum(axis=2)
    flat = np.abs(step[alike]) < 1e-6 * made.depth[:, 1:][alike]
    assert alike.sum() > 200
    assert flat.mean() > 0.9  # the rest are parallel surfaces one behind the other


@pytest.mark.parametrize("pair", PAIRS)
def test_the_right_image_is_the_left_one_moved_by_focal_times_baseline_over_depth(
    pair: str,
) -> None:
    made = frame(pair, "a", size=(64, 128), right=True)  # plain: no noise, no shadows
    rows, columns = np.nonzero((made.depth > 0) & (made.depth < 60))
    shift = made.camera["focal"] * BASELINE_METRES / made.depth[rows, columns]
    moved = np.rint(columns - shift).astype(int)
    inside = moved >= 0
    rows, columns, moved = rows[inside], columns[inside], moved[inside]
    left = made.image[rows, columns].astype(int)

    def share_alike(at: np.ndarray) -> float:
        return float((np.abs(made.right[rows, at] - left).max(axis=1) <= 8).mean())

    assert share_alike(moved) > 0.85
    assert share_alike(moved) > share_alike(columns) + 0.1
    assert share_alike(moved) > share_alike(np.minimum(columns + columns - moved, 127)) + 0.1


def test_each_knob_changes_only_what_it_should() -> None:
    plain = frame(domain="b", knobs=())
    labels = ("semantic", "depth", "normals")
    appearance = frame(domain="b", knobs=("appearance",))
    assert same(plain, appearance, *labels)
    assert appearance.camera == plain.camera
    assert not same(plain, appearance, "image")
    camera = frame(domain="b", knobs=("camera",))
    assert camera.camera["focal"] / plain.camera["focal"] == pytest.approx(1.27, abs=0.01)
    shapes = frame(domain="b", knobs=("shapes",))
    layout = frame(domain="b", knobs=("layout",))
    for other in (shapes, layout):
        assert other.camera == plain.camera
        assert not same(plain, other, "depth")
    unchanged = np.isclose(shapes.depth, plain.depth)
    assert unchanged.mean() > 0.6  # only people, cars and plants have other outlines
    assert np.isin(plain.semantic[~unchanged], (4, 6, 7)).mean() > 0.4


@pytest.mark.parametrize("size", [(192, 384), (33, 50)])
def test_other_sizes_show_the_same_view(size: tuple[int, int]) -> None:
    made = frame(domain="b", size=size)
    assert made.semantic.shape == size
    small = frame(domain="b")
    assert made.camera["focal"] / size[1] == pytest.approx(small.camera["focal"] / SIZE[1])
    for label in (ROAD, SKY):
        share = (made.semantic == label).mean()
        assert share == pytest.approx((small.semantic == label).mean(), abs=0.08)
