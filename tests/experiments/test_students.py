"""Rows of students beside those of their teachers, and rival (v) among them."""

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.decode import decode
from atdt.errors import UserError
from atdt.experiments.figures import LABELS
from atdt.experiments.pairs import Place
from atdt.experiments.preset import SMOKE, Student, load_preset
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.steps import Counted
from atdt.experiments.students import (
    MERGED,
    STUDENT,
    STUDENT_BASELINE,
    STUDENT_MERGED,
    students,
)
from atdt.merge import merge
from atdt.predictions import open_predictions
from atdt.runs import WEIGHTS
from atdt.training import Teaching

SMALL = ("--preset", "smoke", "--seed", "0", "--curve", "")
LEAST = [f"--set={option}=2" for option in ("steps", "transfer_steps", "train", "test")]


def run(root, *options):
    done = CliRunner().invoke(
        main, ["reproduce", "table2", *SMALL, *LEAST, *options, "--root", str(root)]
    )
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Where the table was made without students, and then with them."""
    root = tmp_path_factory.mktemp("students")
    without = run(root)
    assert LABELS[STUDENT] not in without.stdout
    return root


@pytest.fixture(scope="module")
def done(root):
    return run(root, "--students")


def test_students_are_rows_like_others_and_change_no_step(done):
    for name in (MERGED, STUDENT, STUDENT_MERGED):
        assert LABELS[name] in done.stdout
    assert LABELS[STUDENT_BASELINE] not in done.stdout
    steps = re.findall(r"^\[\d+/\d+\] (.*)$", done.stderr, re.MULTILINE)
    again = [step for step in steps if ": found " not in step]
    assert sum("distil" in step for step in again) == 2
    assert not any(step.startswith(("train", "N1", "N2", "extract", "self")) for step in again)
    total = int(re.search(r"^\[1/(\d+)\]", done.stderr, re.MULTILINE)[1])
    assert len(steps) == total


def test_the_student_of_the_baseline_is_rival_v(root, done):
    """To the bit: the same predictions, taught the same way."""
    runs = next(root.glob("runs/streets-smoke-*/seed0"))
    predictions = root / "predictions" / runs.parent.name / "seed0" / "depth"
    a, b = (next(root.glob("data/*")) / letter for letter in "ab")
    info = json.loads((runs / "depth/self-training/run.json").read_text())["config"]
    arguments = [
        *("distill", predictions / "baseline-on-b-train-logits", "--b", f"{b}:train"),
        *("--train", f"{a}:train", "--validation", f"{a}:val", "--out", root / "own"),
        *("--steps", info["steps"], "--batch", info["batch"]),
        *("--learning-rate", info["learning_rate"], "--precision", info["precision"]),
        *("--validate-every", info["validate_every"]),
    ]
    made = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert made.exit_code == 0, made.output
    self_trained = (runs / "depth/self-training" / WEIGHTS).read_bytes()
    assert (root / "own/round1" / WEIGHTS).read_bytes() == self_trained
    page = next(root.glob("reports/*/table2/index.html")).read_text()
    assert "the student of the baseline, told what the other students are told" in page
    assert "The student of AT/DT is" in page


def test_who_taught_whom_is_recorded(root, done):
    runs = next(root.glob("runs/streets-smoke-*/seed0/semantic-to-depth"))
    kinds = {}
    for name in ("student0", "student-merged0"):
        info = json.loads((runs / name / "round1/run.json").read_text())
        (on_a, on_b) = info["domains"]["train"]
        kinds[name] = on_b["taught_by"]["kind"]
        assert on_a["taught_by"] is None
        assert all("/b:" not in spec for spec in info["config"]["validation"])
    assert kinds == {"student0": "atdt", "student-merged0": "merged"}
    merged = next(root.glob("predictions/*/seed0/semantic-to-depth/*/../merged0-on-b-test"))
    assert open_predictions(merged).method["by"] == "mean"


def test_told_otherwise_the_baseline_has_a_student_of_its_own(tmp_path):
    told = "student={ trust = 0.1, teacher_decay = 0.9, rounds = 2 }"
    more = ("--no-rivals", "--students", "--set", told, "--set", "merge=learnt")
    done = run(tmp_path, *more)
    for name in (STUDENT, STUDENT_MERGED, STUDENT_BASELINE):
        assert LABELS[name] in done.stdout
    assert LABELS["self-training"] not in done.stdout
    assert len(list(tmp_path.glob("runs/*/seed0/*/student*/round2/run.json"))) == 3
    # Depth has no confidence of its own: each teacher is trusted as far as the others agree.
    witnesses = {"student0": ["network"], "student-merged0": ["atdt", "network"]}
    witnesses[STUDENT_BASELINE] = ["atdt"]  # which knows T1, so the directions do not share it
    for name, kinds in witnesses.items():
        labels = next(tmp_path.glob(f"runs/*/seed0/semantic-to-depth/{name}/labels1"))
        others = open_predictions(labels).method["witnesses"]
        assert [other["kind"] for other in others] == kinds
    merged = next(tmp_path.glob("predictions/*/seed0/semantic-to-depth/merged0-on-b-test"))
    assert open_predictions(merged).method["by"] == "learnt"
    assert open_predictions(merged).method["a"]["split"] == "val"


def test_whatever_rows_are_named_are_merged(tmp_path):
    sides = [
        Side(t, t, Place(tmp_path / "a"), Place(tmp_path / "b")) for t in ("semantic", "depth")
    ]
    direction = Direction(*sides, tmp_path, tmp_path, "x")
    runs = {name: direction.folder("runs") / name for name in ("n1", "n2", "g0", "mse0", "head0")}
    steps, rows = Noted(), ("atdt", "atdt-mse", "head", "two-decoders", "baseline", "batch-norm")
    students(direction, replace(SMOKE, merged=rows, merge="learnt"), steps, Outcome(runs=runs))
    for config, split in zip(steps.configs[merge], ("test", "train"), strict=True):
        names = [f"{row}0" for row in rows[:3]] + list(rows[3:])
        for folders, on in ((config.predictions, f"b-{split}"), (config.learn_from, "a-val")):
            assert [folder.name for folder in folders] == [f"{n}-on-{on}-logits" for n in names]
    decoders = {config.out.name.split("0-")[0]: config.decoder for config in steps.configs[decode]}
    assert decoders == {"atdt": runs["n2"], "atdt-mse": runs["n2"], "head": None}
    with pytest.raises(UserError, match=r"^merge = softmax: is of two"):
        change = replace(SMOKE, merged=rows, merge="softmax")
        students(replace(direction, target=sides[0]), change, Noted(), Outcome(runs=runs))


@pytest.mark.parametrize("merged", ['["atdt"]', '["atdt", "atdt"]', '["atdt", "oracle"]', "atdt"])
def test_what_cannot_be_merged_is_refused(merged):
    with pytest.raises(UserError, match=r"merged = .* is not two or more of atdt, atdt-mse, head"):
        load_preset("smoke", {"merged": merged})


def test_how_students_learn_is_an_option_of_the_preset():
    made = load_preset("demo", {"student": '{ trust = 0.9, paste = "depth", rounds = 3 }'})
    assert made.student == Student(Teaching(0.9, paste="depth"), rounds=3)
    assert load_preset("demo").student.teaching.is_plain


class Noted(Counted):
    """Steps that are not run; `configs` are what they would be told, by verb."""

    def __init__(self):
        super().__init__()
        self.configs = {}

    def do(self, title, verb, config, *inputs, out):
        self.configs.setdefault(verb, []).append(config)
        return super().do(title, verb, config, *inputs, out=out)


def test_by_d4s_way_the_baseline_is_trusted_for_rare_classes(tmp_path):
    sides = [
        Side(t, t, Place(tmp_path / "a"), Place(tmp_path / "b")) for t in ("depth", "semantic")
    ]
    direction = Direction(*sides, tmp_path, tmp_path, "x")
    runs = {name: direction.folder("runs") / name for name in ("n1", "n2", "g0")}
    steps, preset = Noted(), replace(SMOKE, merge="softmax")
    students(direction, preset, steps, Outcome(runs=runs))
    for config, split in zip(steps.configs[merge], ("test", "train"), strict=True):
        names = [folder.name for folder in config.predictions]
        assert names == [f"baseline-on-b-{split}-logits", f"atdt0-on-b-{split}-logits"]
        assert (config.by, config.a) == ("softmax", f"{tmp_path}/a:train")
    for change, task in ((preset, "normals"), (replace(preset, merge="learnt"), "semantic")):
        a = Place(tmp_path / "a", {"train": "train", "val": None, "test": "val"})
        wrong = replace(direction, target=replace(sides[1], name=task, task=task, a=a))
        with pytest.raises(UserError, match=f"^merge = {change.merge}: "):
            students(wrong, change, Noted(), Outcome(runs=runs))


def test_tables_without_students_say_so():
    done = CliRunner().invoke(main, ["reproduce", "table5", "--students"])
    assert done.exit_code == 2
    assert "--students: table5 has no students" in done.stderr
