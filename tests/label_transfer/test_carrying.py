"""Labels of T2 that come of labels of T1, and a network that learns from them."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.decode.ground_depth import Classes, upright_depth
from atdt.domains import open_domain
from atdt.domains.pose import pose
from atdt.domains.streets import RenderConfig, render
from atdt.predictions import open_predictions
from atdt.tasks import get_task


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def made(*arguments) -> Path:
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def grounded(streets, tmp_path_factory):
    return made(
        *("train-label-transfer", "--from", "semantic", "--to", "depth"),
        *("--train", f"{streets}/a:train", "--validation", f"{streets}/a:val"),
        *("--ground", "road", "--ground", "sidewalk=0.15", "--standing", "vehicle"),
        *("--steps", 4, "--batch", 2, "--width", 8),
        *("--out", tmp_path_factory.mktemp("runs") / "labels"),
    )


def test_training_prints_the_figure_on_a_and_the_run(streets, tmp_path):
    done = call(
        *("train-label-transfer", "--from", "depth", "--to", "semantic"),
        *("--train", f"{streets}/a:train", "--validation", f"{streets}/a:val"),
        *("--steps", 2, "--batch", 2, "--width", 8, "--out", tmp_path / "labels"),
    )
    assert done.exit_code == 0, done.output
    figure, run = done.stdout.splitlines()[-2:]
    assert figure.startswith("miou 0.") and figure.endswith(f"on {streets}/a:val")
    assert run == str(tmp_path / "labels")


def test_what_the_ground_says_stays_and_a_network_learns_from_all_of_it(
    grounded, streets, tmp_path
):
    b = f"{streets}/b:train"
    done = call("transfer-labels", grounded, "--domain", b, "--out", tmp_path / "labels")
    assert done.exit_code == 0, done.output
    assert "focal length ÷ width 0.55, here 0.7; height in metres 1.45, here 2.5" in done.stderr
    assert "bring A under B's first" in done.stderr
    folder, domain, task = open_predictions(tmp_path / "labels"), open_domain(b), get_task("depth")
    classes = domain.label_space.classes
    ground = Classes(
        {classes.index("road"): 0.0, classes.index("sidewalk"): 0.15}, (classes.index("vehicle"),)
    )
    for index, sample in enumerate(domain.samples):
        metres = folder.read(sample.image, task)
        known = upright_depth(domain.label(index, "semantic"), ground, pose(domain, index), 40.0)
        assert np.allclose(metres[known > 0], known[known > 0], rtol=1e-4)
        assert (metres > 0).all()
    made(
        *("train-task", "--task", "depth", "--network", "tiny", "--train", f"{streets}/a:train"),
        *("--pseudo", f"{b}={tmp_path / 'labels'}", "--steps", 1, "--batch", 2),
        *("--out", tmp_path / "student"),
    )
    info = json.loads((tmp_path / "student" / "run.json").read_text())
    assert info["domains"]["train"][1]["taught_by"]["kind"] == "label-transfer"


def test_labels_of_the_second_task_are_never_read(grounded, streets, tmp_path, monkeypatch):
    read = []
    from atdt.domains.domain import Domain

    label = Domain.label
    monkeypatch.setattr(Domain, "label", lambda s, i, k: read.append(k) or label(s, i, k))
    made("transfer-labels", grounded, "--domain", f"{streets}/b:train", "--out", tmp_path / "out")
    assert set(read) == {"semantic"}


def test_workers_and_a_resumed_folder_give_the_same_files(grounded, streets, tmp_path):
    b = f"{streets}/b:train"
    alone = made("transfer-labels", grounded, "--domain", b, "--batch", 2, "--out", tmp_path / "1")
    ledger = alone / "predictions.json"
    again = made(
        *("transfer-labels", grounded, "--domain", b, "--batch", 2, "--out", tmp_path / "2"),
        *("--save-logits", "--save-dtype", "float32"),
    )
    for file in sorted((alone / "predictions").rglob("*.npy")):
        there = again / file.relative_to(alone)
        assert there.read_bytes() == file.read_bytes()
        logits = np.load(again / "logits" / file.relative_to(alone / "predictions"))
        assert np.allclose(100 * logits[0], np.load(file))
    done = call("transfer-labels", grounded, "--domain", b, "--batch", 2, "--out", alone)
    assert done.exit_code == 2 and "holds" in done.output
    before = ledger.read_bytes()
    made("transfer-labels", grounded, "--domain", b, "--batch", 2, "--out", alone, "--resume")
    assert ledger.read_bytes() == before


def test_a_network_of_resized_labels_gives_whole_images(streets, tmp_path):
    run = made(
        *("train-label-transfer", "--from", "depth", "--to", "semantic"),
        *("--train", f"{streets}/a:train", "--steps", 1, "--batch", 2, "--width", 8),
        *("--resize", "16x32", "--out", tmp_path / "labels"),
    )
    folder = made("transfer-labels", run, "--domain", f"{streets}/b:val", "--out", tmp_path / "out")
    domain, task = open_domain(f"{streets}/b:val"), get_task("semantic")
    for sample in domain.samples:
        assert open_predictions(folder).read(sample.image, task).shape == (32, 64)


@pytest.mark.parametrize(("more", "focal"), [((), 35.2), (("--resize", "16x32"), 2 * 35.2)])
def test_depth_without_ground_is_that_of_the_camera_it_was_learnt_under(
    streets, tmp_path, more, focal
):
    """In pixels of B's images: of a resize only the share of the width is left."""
    wide = tmp_path / "wide"
    render(RenderConfig(wide, train=1, val=0, test=0, size=(64, 128), right=False, workers=1))
    run = made(
        *("train-label-transfer", "--from", "semantic", "--to", "depth", *more),
        *("--train", f"{streets}/a:train", "--steps", 1, "--batch", 2, "--width", 8),
        *("--out", tmp_path / "labels"),
    )
    out = made("transfer-labels", run, "--domain", f"{wide}/b:train", "--out", tmp_path / "out")
    assert open_predictions(out).method["training_focal"] == pytest.approx(focal)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "normals", "--to", "depth"), "--from normals: labels of semantic and depth"),
        (("--from", "semantic", "--to", "depth", "--ground", "road=x"), "write CLASS or CLASS="),
        (("--from", "depth", "--to", "semantic", "--standing", "car"), "has none"),
    ],
)
def test_mistakes_are_one_line(streets, tmp_path, arguments, said):
    done = call(
        *("train-label-transfer", *arguments, "--train", f"{streets}/a:train"),
        *("--steps", 1, "--out", tmp_path / "labels"),
    )
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_other_runs_and_other_classes_are_refused(grounded, streets, tmp_path):
    b = f"{streets}/b:train"
    done = call("transfer-labels", streets, "--domain", b, "--out", tmp_path / "x")
    assert done.exit_code == 2 and "not a run" in done.output
    text = (streets / "b" / "domain.toml").read_text()
    other = text.replace('"shared11"', '"coarse4"').replace('root = "."', f'root = "{streets}/b"')
    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.txt").write_text((streets / "b" / f"{name}.txt").read_text())
    (tmp_path / "domain.toml").write_text(other)
    done = call("transfer-labels", grounded, "--domain", f"{tmp_path}:val", "--out", tmp_path / "x")
    assert done.exit_code == 2 and "learnt the classes road, sidewalk" in done.output
