"""Students of predictions: what they learn from, round after round, and what they never see."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains import encodings
from atdt.predictions import open_predictions
from atdt.runs import WEIGHTS, open_run
from atdt.tasks import get_task
from atdt.training.learner import Learner
from tests.training.conftest import write_domain

SHORT = ("--steps", 3, "--batch", 4, "--device", "cpu", "--checkpoint-every", 1)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def done(*arguments):
    """What a command that ends well printed last."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return Path(result.stdout.splitlines()[-1])


@dataclass(frozen=True)
class Ground:
    """A and B, and predictions of B's train split by two networks of each task."""

    a: Path
    b: Path
    semantic: tuple[Path, Path]
    depth: tuple[Path, Path]

    def arguments(self, out, *folders, b=None):
        return "distill", *folders, "--b", b or f"{self.b}:train", "--train", f"{self.a}:train", \
            "--out", out, *SHORT  # fmt: skip

    def distill(self, out, *folders, more=()):
        return done(*self.arguments(out, *folders), *more)


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ground")
    a = write_domain(folder / "a", "a")
    b = write_domain(folder / "b", "b", counts={"train": 4, "val": 2}, focal=80.0, seed=9)
    made = {}
    for task in ("semantic", "depth"):
        for seed in (0, 1):
            network = done(
                *("train-task", "--task", task, "--train", f"{a}:train", "--seed", seed),
                *("--learning-rate", 1e-2, "--out", folder / f"{task}{seed}", *SHORT),
            )
            made[task, seed] = done(
                *("predict", network, "--domain", f"{b}:train", "--save-logits"),
                *("--device", "cpu", "--out", folder / f"{task}{seed}-on-b"),
            )
    pairs = {task: (made[task, 0], made[task, 1]) for task in ("semantic", "depth")}
    for file in (b / "train" / "semantic").iterdir():
        file.write_bytes(b"nobody may read this")
    return Ground(a, b, **pairs)


def test_a_student_is_a_run_that_knows_its_teacher(ground, tmp_path):
    path = ground.distill(tmp_path / "s", ground.semantic[0], more=("--copy-paste", "depth"))
    assert path == tmp_path / "s" / "round1"
    info = open_run(path, "task-network").info
    assert info["task"] == "semantic"
    assert info["config"]["teaching"]["trust"] == "confidence"
    assert info["chosen"]["by"] == "last step"
    on_a, on_b = info["domains"]["train"]
    assert on_a["taught_by"] is None
    taught_by = open_predictions(ground.semantic[0]).method
    assert on_b["taught_by"] == taught_by | {"witnesses": []}
    done("predict", path, "--domain", f"{ground.b}:val", "--out", tmp_path / "p", "--device", "cpu")


def test_the_confidence_of_classes_is_the_softmax_of_their_logits(ground, tmp_path):
    ground.distill(tmp_path / "s", ground.semantic[0])
    given, made = open_predictions(ground.semantic[0]), open_predictions(tmp_path / "s" / "labels1")
    assert made.images == given.images
    for image in given.images:
        logits = torch.from_numpy(given.output(image))
        sure = encodings.read_png(made.path(image, "confidence"))
        expected = 255 * logits.softmax(dim=0).amax(dim=0)
        np.testing.assert_allclose(sure, expected, atol=0.51)
        assert made.path(image).read_bytes() == given.path(image).read_bytes()


def test_train_task_learns_from_the_same_labels_by_itself(ground, tmp_path):
    more = ("--copy-paste", "classes", "--mean-teacher", 0.9, "--mean-teacher-from", 0.3)
    path = ground.distill(tmp_path / "s", ground.semantic[0], more=more)
    own = done(
        *("train-task", "--task", "semantic", "--train", f"{ground.a}:train", *SHORT, *more),
        *("--pseudo", f"{ground.b}:train={tmp_path / 's/labels1'}", "--trust", "confidence"),
        *("--out", tmp_path / "own"),
    )
    assert (own / WEIGHTS).read_bytes() == (path / WEIGHTS).read_bytes()


def test_a_second_prediction_is_a_witness(ground, tmp_path):
    """Depth is trusted as far as two predictions of it agree; the labels are the first's."""
    path = ground.distill(tmp_path / "s", *ground.depth, more=("--trust", 0.8))
    assert open_run(path).info["config"]["teaching"]["trust"] == 0.8
    task, (first, other) = get_task("depth"), map(open_predictions, ground.depth)
    made = open_predictions(tmp_path / "s" / "labels1")
    assert made.method["witnesses"] == [other.method]
    for image in first.images:
        one, two = (p.read(image, task) for p in (first, other))
        near, far = (np.maximum(metres, 1e-3) for metres in (one, two))
        sure = encodings.read_png(made.path(image, "confidence"))
        ratio = np.minimum(near, far) / np.maximum(near, far)
        np.testing.assert_allclose(sure, 255 * ratio, atol=0.51)
        np.testing.assert_array_equal(made.read(image, task), one)


def test_of_classes_logits_and_witnesses_count_both(ground, tmp_path):
    ground.distill(tmp_path / "one", ground.semantic[0])
    ground.distill(tmp_path / "two", *ground.semantic)
    task, (first, other) = get_task("semantic"), map(open_predictions, ground.semantic)
    alone, both = (open_predictions(tmp_path / name / "labels1") for name in ("one", "two"))
    differ = 0
    for image in first.images:
        same = first.read(image, task) == other.read(image, task)
        differ += (~same).sum()
        before, after = (encodings.read_png(p.path(image, "confidence")) for p in (alone, both))
        np.testing.assert_array_equal(after, before * same)
    assert differ


def test_one_prediction_of_depth_is_learnt_like_labels_and_said_so(ground, tmp_path):
    result = run(*ground.arguments(tmp_path / "s", ground.depth[0]))
    assert result.exit_code == 0, result.output
    assert "note: one prediction of depth does not tell how sure it is" in result.stderr
    plain = done(
        *("train-task", "--task", "depth", "--train", f"{ground.a}:train", "--out", tmp_path / "n"),
        *("--pseudo", f"{ground.b}:train={ground.depth[0]}", *SHORT),
    )
    assert (plain / WEIGHTS).read_bytes() == (tmp_path / "s/round1" / WEIGHTS).read_bytes()
    assert [entry.name for entry in (tmp_path / "s").iterdir()] == ["round1"]


def test_a_student_teaches_the_next(ground, tmp_path):
    path = ground.distill(tmp_path / "s", ground.semantic[0], more=("--rounds", 3))
    assert path == tmp_path / "s" / "round3"
    for number in (2, 3):
        before = open_run(tmp_path / "s" / f"round{number - 1}")
        made = open_predictions(tmp_path / "s" / f"predicted{number}")
        assert made.method["network"]["sha256"] == before.info["weights"]["sha256"]
        (_, on_b) = open_run(tmp_path / "s" / f"round{number}").info["domains"]["train"]
        assert on_b["taught_by"]["network"]["sha256"] == before.info["weights"]["sha256"]
        labels = open_predictions(tmp_path / "s" / f"labels{number}")
        for image in made.images:
            assert labels.path(image).read_bytes() == made.path(image).read_bytes()


def test_the_student_of_the_baseline_comes_beside_it(ground, tmp_path):
    """To the bit what the baseline's predictions teach by themselves, under the same settings."""
    own, baseline = ground.semantic
    more = ("--validation", f"{ground.a}:val", "--beside", baseline)
    result = run(*ground.arguments(tmp_path / "s", own), *more)
    assert result.exit_code == 0, result.output
    one, beside = (tmp_path / name / "round1" for name in ("s", "s-beside"))
    lines = result.stdout.splitlines()
    scores = [f"{open_run(path).info['scores']['miou']:.4f}" for path in (one, beside)]
    assert [line.split(",")[0] for line in lines] == [
        f"best validation miou {scores[0]}",
        f"beside it: {beside}",
        f"best validation miou {scores[1]}",
        str(one),
    ]
    alone = ground.distill(tmp_path / "alone", baseline, more=more[:2])
    assert (beside / WEIGHTS).read_bytes() == (alone / WEIGHTS).read_bytes()
    first = ground.distill(tmp_path / "first", own, more=more[:2])
    assert (one / WEIGHTS).read_bytes() == (first / WEIGHTS).read_bytes()
    made = (beside / WEIGHTS).stat().st_mtime_ns
    ground.distill(tmp_path / "s", own, more=(*more, "--resume"))
    assert (beside / WEIGHTS).stat().st_mtime_ns == made
    refused = run(*ground.arguments(tmp_path / "first", own), *more, "--resume", "--overwrite")
    assert refused.exit_code == 2 and not (tmp_path / "first-beside").exists()


def test_of_depth_each_of_the_two_is_trusted_as_far_as_the_other_agrees(ground, tmp_path):
    own, baseline = ground.depth
    ground.distill(tmp_path / "s", own, baseline, more=("--beside", baseline))
    one, two = (open_predictions(tmp_path / name / "labels1") for name in ("s", "s-beside"))
    by_own, by_baseline = (open_predictions(folder).method for folder in (own, baseline))
    assert one.method == by_own | {"witnesses": [by_baseline]}
    assert two.method == by_baseline | {"witnesses": [by_own]}
    for image in one.images:
        sure = [labels.path(image, "confidence").read_bytes() for labels in (one, two)]
        assert sure[0] == sure[1]


def test_without_the_baseline_distill_says_how_to_have_it(ground, tmp_path):
    merged = done("merge", *ground.semantic, "--out", tmp_path / "merged")
    result = run(*ground.arguments(tmp_path / "s", merged))
    assert "note: --beside FOLDER, the baseline's predictions" in result.stderr
    plain = run(*ground.arguments(tmp_path / "t", ground.semantic[0]))
    assert plain.exit_code == 0 and "--beside" not in plain.stderr


@pytest.mark.parametrize("trust", ["all", "confidence"])
def test_a_round_that_is_cut_off_goes_on_and_ends_with_the_same_bits(
    ground, tmp_path, monkeypatch, trust
):
    more = ("--rounds", 2, "--trust", trust, "--mean-teacher", 0.8)
    whole = ground.distill(tmp_path / "whole", ground.semantic[0], more=more)
    learn, calls = Learner.learn, []

    def learn_and_stop(self, step, batches):
        calls.append(step)
        if len(calls) == 5:  # in the second round
            raise KeyboardInterrupt
        return learn(self, step, batches)

    arguments = (*ground.arguments(tmp_path / "cut", ground.semantic[0]), *more)
    with monkeypatch.context() as patched:
        patched.setattr(Learner, "learn", learn_and_stop)
        stopped = run(*arguments)
    assert stopped.exit_code == 130 and "--resume" in stopped.stderr
    refused = run(*arguments)
    assert refused.exit_code == 2 and "--resume goes on with them" in refused.stderr
    path = done(*arguments, "--resume")
    assert (path / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()


def test_rounds_are_added_and_replaced(ground, tmp_path):
    out, folder = tmp_path / "s", ground.semantic[0]
    first = ground.distill(out, folder)
    made = (first / WEIGHTS).stat().st_mtime_ns
    ground.distill(out, folder, more=("--resume", "--rounds", 2))
    assert (first / WEIGHTS).stat().st_mtime_ns == made
    assert (out / "round2" / WEIGHTS).is_file()
    changed = run(*ground.arguments(out, folder), "--resume", "--seed", 7)
    assert changed.exit_code == 2 and "seed: the run has 0, now 7" in changed.stderr
    ground.distill(out, folder, more=("--overwrite", "--seed", 7))
    assert sorted(entry.name for entry in out.iterdir()) == ["labels1", "round1"]
    (out / "round1" / "run.json").unlink()
    foreign = run(*ground.arguments(out, folder), "--overwrite")
    assert foreign.exit_code == 2 and "holds other files (round1)" in foreign.stderr
    assert (out / "round1" / WEIGHTS).is_file()


def test_no_label_of_b_teaches_or_chooses(ground, tmp_path):
    other_name = tmp_path / "other"
    other_name.mkdir()
    text = (ground.b / "domain.toml").read_text().replace('name = "b"', 'name = "c"')
    text = text.replace('root = "."', f'root = "{ground.b}"').replace("focal", "#")
    for split in ("train", "val"):
        text = text.replace(f'"{split}.txt"', f'"{split}.txt"')
        (other_name / f"{split}.txt").write_text((ground.b / f"{split}.txt").read_text())
    (other_name / "domain.toml").write_text(text)
    t2 = ("--auxiliary-task", "semantic", "--auxiliary-train", f"{ground.b}:train")
    for more in (
        ("--validation", f"{ground.b}:val"),
        ("--train", f"{ground.b}:val"),
        ("--validation", f"{other_name}:train"),  # B under another name
        t2,
    ):
        refused = run(*ground.arguments(tmp_path / "s", ground.semantic[0]), *more)
        assert refused.exit_code == 2, refused.output
        said = " ".join(refused.stderr.split())
        assert f"{more[-2]} {more[-1]}: is of b, whose labels of semantic may neither" in said
        assert not (tmp_path / "s").exists()
    t1 = ("--auxiliary-task", "depth", "--auxiliary-train", f"{ground.b}:train")
    chosen = ("--validation", f"{ground.a}:val")
    path = ground.distill(tmp_path / "s", ground.semantic[0], more=(*t1, *chosen))
    assert open_run(path).info["chosen"]["by"] == "validation miou"


def test_mistakes_are_one_line_and_nothing_is_written(ground, tmp_path):
    bare, small, foreign = (tmp_path / name for name in ("bare", "small", "foreign"))
    network = Path(open_predictions(ground.semantic[0]).method["network"]["path"])
    done("predict", network, "--domain", f"{ground.b}:train", "--device", "cpu", "--out", bare)
    done(
        *("predict", network, "--domain", f"{ground.b}:train", "--device", "cpu", "--out", small),
        *("--resize", "8x12", "--save-logits"),
    )
    done("predict", network, "--domain", f"{ground.a}:train", "--device", "cpu", "--out", foreign)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("…")
    one, two = ground.semantic
    for folders, more, message in (
        ((bare,), (), "has no logits, which tell how sure it is; predict again with --save-logits"),
        ((one, two), ("--trust", "all"), "--trust all: has no use for a second folder"),
        ((one, ground.depth[0]), (), "task is another than that of"),
        ((one, foreign), (), "domain is another than that of"),
        ((one,), ("--out", one.parent), f"is or holds {one}, which is read"),
        ((one, small), (), "view is another than that of"),
        ((one, two), ("--rounds", 2, "--resize", "8x12"), "give the same --resize"),
        ((ground.depth[0],), ("--trust", 0.9), "a prediction of depth does not tell how sure"),
        ((one,), ("--rounds", 0), "--rounds 0: must be ≥ 1"),
        ((one,), ("--trust", "me"), "--trust me: write all, confidence or a number"),
        ((one,), ("--resume", "--overwrite"), "exclude each other"),
        ((one,), ("--crop", "99x99"), "smaller than crop 99x99"),
        ((one,), ("--out", tmp_path / "notes"), "holds other files (todo.txt)"),
        ((tmp_path,), (), "not a predictions folder"),
        ((one,), ("--beside", one), "is what the student learns from"),
        ((one,), ("--beside", bare), "bare/predictions.json: has no logits"),
    ):
        refused = run(*ground.arguments(tmp_path / "s", *folders), *more)
        assert refused.exit_code == 2, refused.output
        assert message in " ".join(refused.stderr.split())
        assert not (tmp_path / "s").exists()
    swapped = ("--b", f"{ground.a}:train", "--train", f"{ground.b}:train", "--out", tmp_path / "s")
    refused = run("distill", one, *swapped, *SHORT)
    assert refused.exit_code == 2 and "is of b, not of a" in " ".join(refused.stderr.split())
    assert not (tmp_path / "s").exists()
    assert run("distill").exit_code == 2


def test_a_student_of_no_pixel_is_refused(ground, tmp_path):
    refused = run(*ground.arguments(tmp_path / "s", ground.semantic[0]), "--trust", 1)
    assert refused.exit_code == 2
    said = " ".join(refused.stderr.split())
    assert "--trust 1.0: no pixel of" in said and "give a lower --trust" in said
    assert not (tmp_path / "s" / "round1").exists()
    ground.distill(tmp_path / "s", ground.semantic[0], more=("--trust", 0.01, "--resume"))


def test_labels_of_other_predictions_are_not_gone_on_with(ground, tmp_path):
    out = tmp_path / "s"
    ground.distill(out, ground.semantic[0])
    refused = run(*ground.arguments(out, ground.semantic[1]), "--resume")
    assert refused.exit_code == 2
    assert "--resume needs what it was started with" in refused.stderr


def test_run_json_is_strict_json(ground, tmp_path):
    path = ground.distill(tmp_path / "s", *ground.depth)
    text = (path / "run.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in run.json"))
