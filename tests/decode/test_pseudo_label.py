"""A model of the user's labels a domain; disparity of any scale is learnt from, depth is not."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains import open_domain
from atdt.domains.encodings import read_relative_depth, write_png
from atdt.predictions import INDEX, open_predictions
from atdt.tasks import get_task

MODEL = """
import numpy as np

calls = []

def near_is_red(image):
    calls.append(image.shape)
    return image[..., 0].astype(float) * 3 - 7

def metres(image):
    return np.full(image.shape[:2], 5.0)

def ids(image):
    return image[..., 0] // 128

def logits(image):
    bright = image.transpose(2, 0, 1).astype(float) / 50
    return np.concatenate([bright, np.ones((1, *image.shape[:2]))])

def loud(image):
    return logits(image) * 1e5

def wrong_size(image):
    return np.zeros((2, 2))

def nothing(image):
    return np.full(image.shape[:2], np.nan)

def below(image):
    return np.full(image.shape[:2], -1)
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    for number in range(3):
        pixels = random.integers(0, 256, (16, 24, 3), np.uint8)
        write_png(tmp_path / f"data/{number}.png", pixels)
    (tmp_path / "data/all.txt").write_text("0.png\n1.png\n2.png\n")
    (tmp_path / "data/domain.toml").write_text(
        'name = "x"\nlabel_space = "coarse4"\n[lists]\nall = "all.txt"\n'
    )
    (tmp_path / "labeller_of_test.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "labeller_of_test", raising=False)

    def call(function, *more, trusted=True):
        trust = ["--allow-import"] if trusted else []
        model = f"labeller_of_test:{function}"
        arguments = ["pseudo-label", model, "data", "--out", "labels", *trust, *more]
        return CliRunner().invoke(main, arguments)

    return call


def test_disparity_is_kept_as_it_is_and_read_as_depth_of_no_known_scale(run, tmp_path):
    done = run("near_is_red")
    assert done.exit_code == 0, done.output
    domain = open_domain("data")
    given = domain.with_predictions("depth", "labels")
    for index in range(3):
        red = domain.image(index)[..., 0].astype(float)
        task = get_task("disparity")
        made = json.loads((tmp_path / "labels" / INDEX).read_text())
        assert made["task"] == "disparity" and "labeller_of_test" in made["method"]["model"]
        inverse = 1 / given.label(index, "depth").astype(float)
        assert np.corrcoef(inverse.ravel(), red.ravel())[0, 1] == pytest.approx(1, abs=1e-6)
        assert inverse.min() == pytest.approx(1 / 50) and inverse.max() == pytest.approx(1)
        record = task.measure((red * 2 + 5).astype(np.float32), 1 / inverse, domain.label_space)
        assert record["ssi"] == pytest.approx(0, abs=1e-4)


def test_it_is_learnt_from_as_disparity_and_refused_as_depth(run):
    assert run("near_is_red").exit_code == 0
    learn = ("--pseudo", "data:all=labels", "--steps", "1", "--batch", "2", "--out", "runs/n")
    done = CliRunner().invoke(main, ["train-task", "--task", "disparity", *learn])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, ["train-task", "--task", "depth", *learn, "--overwrite"])
    assert done.exit_code == 2
    assert "disparity of any scale and shift, from which depth cannot be learnt" in done.stderr


def test_what_was_stopped_goes_on_and_what_is_there_is_not_replaced(run, monkeypatch):
    assert run("near_is_red").exit_code == 0
    again = run("near_is_red")
    assert again.exit_code == 2 and "--overwrite" in again.stderr
    before = len(sys.modules["labeller_of_test"].calls)
    assert run("near_is_red", "--resume").exit_code == 0
    assert len(sys.modules["labeller_of_test"].calls) == before == 3


@pytest.mark.parametrize(
    ("function", "task", "message"),
    [
        ("wrong_size", "disparity", "returned float64 (2, 2), not numbers (16, 24)"),
        ("nothing", "disparity", "returned NaN or infinity"),
        ("below", "depth", "returned -1 m; depth is 0 where there is none"),
        ("metres", "semantic", "returned 5.0 to 5.0, not ids 0 to 3"),
        ("missing", "depth", "labeller_of_test has no function missing"),
    ],
)
def test_what_is_no_label_is_refused_with_the_image(run, function, task, message):
    done = run(function, "--task", task)
    assert done.exit_code == 2
    assert message in done.stderr and done.stderr.count("\n") == 1


def test_other_tasks_labels_and_distrust(run):
    assert run("ids", "--task", "semantic").exit_code == 0
    label = open_domain("data").with_predictions("semantic", "labels").label(0, "semantic")
    assert set(np.unique(label)) == {0, 1}
    assert run("metres", "--task", "depth", "--overwrite").exit_code == 0
    assert (open_domain("data").with_predictions("depth", "labels").label(0, "depth") == 5).all()
    refused = run("near_is_red", "--overwrite", trusted=False)
    assert refused.exit_code == 2 and "give --allow-import if you trust it" in refused.stderr


def test_a_flat_disparity_is_one_depth(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 3), -4.0))
    assert (read_relative_depth(tmp_path / "a.npy") == 1).all()


def test_an_outside_networks_logits_are_kept_and_merged(run, tmp_path):
    asked = ("--task", "semantic", "--save-logits")
    done = run("logits", *asked)
    assert done.exit_code == 0, done.output
    made, domain = open_predictions(tmp_path / "labels"), open_domain("data")
    for index, image in enumerate(made.images):
        bright = domain.image(index).transpose(2, 0, 1) / 50
        np.testing.assert_allclose(made.output(image)[:3], bright, atol=2e-3)
        ids = made.read(image, get_task("semantic"))
        assert np.array_equal(ids, np.argmax([*bright, np.ones_like(bright[0])], axis=0))
    again = ("merge", "labels", "labels", "--out", "merged")
    done = CliRunner().invoke(main, list(again))
    assert done.exit_code == 0, done.output
    merged = open_predictions(tmp_path / "merged")
    for image in merged.images:
        np.testing.assert_array_equal(merged.output(image), made.output(image))
    for function, problem in (
        ("ids", "not numbers (4, 16, 24) (class, height, width)"),
        ("loud", "logits that float16 does not hold"),
    ):
        refused = run(function, *asked, "--overwrite")
        assert refused.exit_code == 2 and problem in " ".join(refused.stderr.split())
    refused = run("near_is_red", "--save-logits", "--overwrite")
    assert refused.exit_code == 2 and "disparity of unknown scale" in refused.stderr


def test_of_depth_logits_follow_from_metres(run, tmp_path):
    done = run("metres", "--task", "depth", "--save-logits")
    assert done.exit_code == 0, done.output
    made = open_predictions(tmp_path / "labels")
    assert made.output(made.images[0]) == pytest.approx(np.full((1, 16, 24), 0.05), rel=1e-3)
