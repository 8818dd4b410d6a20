"""Depth of the ground and of what stands on it, from a camera and semantics."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from atdt.cli import main
from atdt.decode.ground_depth import Classes, rays, upright_depth
from atdt.domains import open_domain
from atdt.domains.cameras import Mount, Pose
from atdt.domains.streets import RenderConfig, render
from atdt.predictions import open_predictions
from atdt.tasks import get_task

ROAD, PAVEMENT, HOUSE, CAR, SKY = range(5)
SIZE = (24, 8)
FLAT = Classes({ROAD: 0.0}, (HOUSE, CAR))
LEVEL = Pose(20.0, Mount(2.0))
SEVERAL = ("--ground", "road", "--ground", "sidewalk=0.15", "--standing", "vehicle")


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def column(*parts):
    """(24, 8) ids: from the top, pairs of an id and how many rows it has."""
    rows = [number for number, count in parts for _ in range(count)]
    return np.repeat(np.array(rows, np.uint8)[:, None], SIZE[1], axis=1)


@given(st.floats(10, 60), st.floats(0.5, 4), st.floats(-8, 8), st.floats(-5, 5), st.floats(0, 0.4))
def test_the_ground_lies_as_deep_below_the_camera_as_it_stands_high(
    focal, height, pitch, roll, raised
):
    pose = Pose(focal, Mount(height, pitch, roll))
    ids = np.zeros(SIZE, np.uint8)
    metres = upright_depth(ids, Classes({ROAD: raised}, ()), pose, 1e9)
    _, down, _ = rays(SIZE, pose)
    assert (metres > 0).any()
    assert np.allclose((metres * down)[metres > 0], height - raised)
    assert (down[metres == 0] <= 0).all()


def test_what_stands_is_as_far_ahead_as_where_it_stands():
    ids = column((SKY, 4), (HOUSE, 10), (ROAD, 10))
    metres = upright_depth(ids, FLAT, LEVEL, 100.0)
    foot = LEVEL.mount.height / ((14.5 - 12) / LEVEL.focal)
    assert metres[14] == pytest.approx(foot)
    assert metres[4:14] == pytest.approx(foot)
    assert not metres[:4].any()


def test_what_stands_behind_or_hangs_over_is_not_known():
    behind = upright_depth(column((HOUSE, 14), (CAR, 3), (ROAD, 7)), FLAT, LEVEL, 100.0)
    assert not behind[:14].any() and behind[14:].all()
    hanging = upright_depth(column((HOUSE, 6), (SKY, 8), (ROAD, 10)), FLAT, LEVEL, 100.0)
    assert not hanging[:14].any()


def test_beyond_the_farthest_neither_ground_nor_what_stands_there_is_known():
    ids = column((SKY, 4), (HOUSE, 9), (ROAD, 11))
    metres = upright_depth(ids, FLAT, LEVEL, 20.0)
    assert metres.max() <= 20.0
    assert not metres[:13].any()


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    render(RenderConfig(folder, train=4, val=0, test=0, size=(96, 192), right=False, workers=1))
    return folder


def test_on_rendered_streets_it_is_near_the_truth(streets, tmp_path):
    done = call("ground-depth", f"{streets}/b:train", *SEVERAL, "--out", tmp_path / "ground")
    assert done.exit_code == 0, done.output
    made = open_predictions(tmp_path / "ground")
    domain = open_domain(f"{streets}/b:train", labels=("semantic", "depth"))
    wrong, known = {}, {}
    for index, sample in enumerate(domain.samples):
        metres = made.read(sample.image, get_task("depth"))
        truth, ids = domain.label(index, "depth"), domain.label(index, "semantic")
        assert metres.dtype == np.float32
        for name in ("road", "sidewalk", "vehicle", "building"):
            here = (ids == domain.label_space.classes.index(name)) & (truth > 0)
            there = here & (metres > 0)
            known.setdefault(name, []).append(there.sum() / max(here.sum(), 1))
            wrong.setdefault(name, []).extend(abs(metres[there] / truth[there] - 1))
    assert np.mean(wrong["road"]) < 0.06 and np.mean(known["road"]) > 0.9
    assert np.mean(wrong["sidewalk"]) < 0.1 and np.mean(known["sidewalk"]) > 0.8
    assert np.median(wrong["vehicle"]) < 0.15 and np.mean(known["vehicle"]) > 0.3
    assert not wrong["building"]


def test_predictions_hold_elsewhere_and_networks_learn_from_both(streets, tmp_path):
    b = f"{streets}/b:train"
    network = ("--task", "depth", "--train", f"{streets}/a:train", "--steps", 2, "--batch", 2)
    first = call("train-task", *network, "--out", tmp_path / "n2")
    predicted = call("predict", tmp_path / "n2", "--domain", b, "--out", tmp_path / "n2-on-b")
    ground = ("ground-depth", b, *SEVERAL, "--out")
    bare = call(*ground, tmp_path / "bare")
    both = call(*ground, tmp_path / "both", "--elsewhere", tmp_path / "n2-on-b")
    student = call(
        "train-task", *network, "--pseudo", f"{b}={tmp_path}/both", "--out", tmp_path / "s"
    )
    for done in (first, predicted, bare, both, student):
        assert done.exit_code == 0, done.output
    task = get_task("depth")
    filled, known, n2 = (open_predictions(tmp_path / name) for name in ("both", "bare", "n2-on-b"))
    ratio = open_domain(b).focal(0) / n2.method["training_focal"]
    assert ratio > 1.2
    for image in n2.images:
        metres = known.read(image, task)
        expected = np.where(metres > 0, metres, ratio * n2.read(image, task))
        assert np.allclose(filled.read(image, task), expected, rtol=1e-6)
    again = call(*ground, tmp_path / "both", "--elsewhere", tmp_path / "n2-on-b", "--resume")
    assert again.exit_code == 0
    info = json.loads((tmp_path / "s/run.json").read_text())
    assert info["domains"]["train"][1]["taught_by"]["kind"] == "ground"


def test_what_cannot_be_is_refused_in_one_line(streets, tmp_path):
    described = tmp_path / "b.toml"
    text = (streets / "b/domain.toml").read_text().partition("[mount]")[0]
    described.write_text(text.replace('root = "."', f'root = "{streets}/b"'))
    b, out = f"{streets}/b:train", tmp_path / "out"
    for domain, options, said in (
        (b, ("--ground", "rood"), "--ground rood: "),
        (b, ("--ground", "road=high"), "write CLASS or CLASS=METRES"),
        (b, ("--ground", "road=3"), "--ground road=3: is no height below the camera"),
        (b, ("--standing", "road"), "--standing road: is ground already"),
        (b, ("--farthest", "0"), "--farthest 0: must be above 0"),
        (f"{described}:train", (), "write [mount] with height"),
    ):
        done = call("ground-depth", domain, *options, "--out", out)
        assert done.exit_code == 2, done.output
        assert said in done.stderr
        assert not out.exists()


def test_what_holds_elsewhere_is_depth_of_the_same_images(streets, tmp_path):
    network = ("--train", f"{streets}/a:train", "--steps", 1, "--batch", 2, "--out")
    for task, domain, *view in (
        ("semantic", "b"),
        ("depth", "a"),
        ("depth", "b", "--resize", "48x96"),
    ):
        run, folder = tmp_path / task, tmp_path / f"{task}-on-{domain}"
        call("train-task", "--task", task, *network, run)
        call("predict", run, "--domain", f"{streets}/{domain}:train", *view, "--out", folder)
    for name, said in (
        ("semantic-on-b", "predicts semantic, not depth"),
        ("depth-on-a", "is of another domain than"),
        ("depth-on-b", "is not of whole images"),
    ):
        done = call(
            *("ground-depth", f"{streets}/b:train", "--out", tmp_path / "out"),
            *("--elsewhere", tmp_path / name),
        )
        assert done.exit_code == 2
        assert said in done.stderr
