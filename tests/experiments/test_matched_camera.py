"""Domain A under B's camera, for all rows of an experiment alike."""

import numpy as np
import pytest

from atdt.domains import open_domain
from atdt.errors import UserError
from atdt.experiments.experiment import Experiment, walk
from atdt.experiments.matched_camera import with_matched_camera
from atdt.experiments.pairs import PAIRS, Place
from atdt.experiments.preset import load_preset
from atdt.experiments.steps import Steps


def matched(kind, data, root):
    a, b, steps = Place(data / "a"), Place(data / "b"), Steps(root / "steps.json")
    return a, b, *with_matched_camera(kind, a, b, root, "x", data, steps)


def test_its_own_camera_leaves_a_as_it_is(data, tmp_path):
    a, _, made, of = matched("own", data, tmp_path)
    assert made is a
    assert of == data


def test_every_split_of_a_comes_under_b_s_focal_length_and_mount(data, tmp_path):
    a, b, made, of = matched("matched", data, tmp_path)
    assert of == made.path
    for split, images in (("train", 2), ("val", 1), ("test", 1)):
        before, after = (open_domain(place.spec(split)) for place in (a, made))
        there = open_domain(b.spec(split))
        assert len(after) == images
        assert after.focal(0) == pytest.approx(there.focal(0)) != before.focal(0)
        mounts = [domain.description.mount for domain in (before, after, there)]
        assert mounts[1].pitch == mounts[2].pitch != mounts[0].pitch
        assert mounts[1].height == mounts[0].height


def test_depth_follows_the_height_where_it_is_asked_for(data, tmp_path):
    depths, mounts = [], []
    for kind in ("matched", "matched-height"):
        domain = open_domain(matched(kind, data, tmp_path / kind)[2].spec("train"))
        depths.append(domain.label(0, "depth"))
        mounts.append(domain.description.mount)
    scale = mounts[1].height / mounts[0].height
    assert scale > 1.5
    there = (depths[0] > 0) & (depths[1] > 0)
    assert there.mean() > 0.3
    assert np.allclose(depths[1][there], scale * depths[0][there], rtol=1e-3)


def test_the_road_follows_the_height_where_a_is_to_be_stretched(data, tmp_path):
    made = [
        open_domain(matched(kind, data, tmp_path / kind)[2].spec("train"))
        for kind in ("matched-height", "matched-stretch")
    ]
    assert made[0].description.mount == made[1].description.mount
    assert (made[0].label(0, "depth") != made[1].label(0, "depth")).any()


def test_whatever_learns_from_a_learns_from_the_matched_one(data, tmp_path):
    preset = load_preset("smoke", {"camera": "matched-height", "size": "[48, 96]"})
    experiment = Experiment(preset, PAIRS["streets"], tmp_path, "x")
    ((directions, _),), _ = walk(experiment, lambda direction, steps: None)
    for side in (directions[0].source, directions[0].target):
        assert side.domain("a", "train") == f"{directions[0].data}:train"
        assert open_domain(side.domain("a", "train")).name == "streets-a-matched"
        assert open_domain(side.domain("b", "train")).name == "streets-b"


def test_another_camera_is_refused():
    with pytest.raises(UserError, match="camera = 'theirs' is not one of own, matched, matched-he"):
        load_preset("smoke", {"camera": "theirs"})
