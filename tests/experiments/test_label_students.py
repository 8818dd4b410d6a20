"""Rows of label transfer beside all others, in both directions and under another camera."""

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.errors import UserError
from atdt.experiments.demo import demo
from atdt.experiments.experiment import Experiment
from atdt.experiments.figures import LABELS
from atdt.experiments.label_students import ORACLE_ALIKE, TAUGHT, TAUGHT_G, TAUGHT_HEAD, UNTAUGHT
from atdt.experiments.pairs import PAIRS
from atdt.experiments.preset import SMOKE

SMALL = ("--preset", "smoke", "--seed", "0", "--curve", "")
LEAST = ("--set=steps=2", "--set=transfer_steps=2", "--set=train=2", "--set=test=2")
MATCHED = ("--set=camera=matched-stretch", "--set=stretch=2", "--set=label_stretch=4")
GROUND = ("--set=ground={road=0}", '--set=standing=["vehicle"]')


def run(table, root, *options):
    done = CliRunner().invoke(
        main, ["reproduce", table, *SMALL, *LEAST, *options, "--root", str(root)]
    )
    assert done.exit_code == 0, done.output
    return done


def info(run):
    return json.loads((run / "run.json").read_text())


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("labels")


def test_from_semantics_to_depth_rows_are_added_and_no_step_is_done_again(root):
    options = (*MATCHED, *GROUND)
    assert LABELS[TAUGHT] not in run("table2", root, *options).stdout
    done = run("table2", root, *options, "--label-transfer")
    for name in (TAUGHT, TAUGHT_G, TAUGHT_HEAD, UNTAUGHT, ORACLE_ALIKE):
        assert LABELS[name] in done.stdout
    steps = re.findall(r"^\[\d+/\d+\] (.*)$", done.stderr, re.MULTILINE)
    again = [step for step in steps if ": found " not in step]
    assert sum(step.startswith("from E1, two decoders") for step in again) == 3
    assert not any(step.startswith(("N1", "N2", "extract E1 and E2")) for step in again)
    assert [step for step in again if step.startswith("train")] == [
        "train G by match-l1 + task, and by labels on B, seed 0",
        "train the head on E1, and by labels on B, seed 0",
    ]
    (runs,) = root.glob("runs/*/seed0/semantic-to-depth")
    labels = info(runs / "labels")["config"]
    assert labels["ground"] == [["road", 0.0]] and labels["standing"] == ["vehicle"]
    assert labels["views"]["stretch"] == 4.0 and "matched-stretch" in labels["train"][0]
    learnt = {name: info(runs / name)["domains"] for name in (TAUGHT, UNTAUGHT, ORACLE_ALIKE)}
    said = {
        name: [domain["taught_by"] and domain["taught_by"]["kind"] for domain in parts["train"]]
        for name, parts in learnt.items()
    }
    assert said == {TAUGHT: [None, "label-transfer"], UNTAUGHT: [None], ORACLE_ALIKE: [None, None]}
    assert all(len(parts["auxiliary"]) == 2 for parts in learnt.values())
    for name in ("g0-labels", "head0-labels"):
        assert info(runs / name)["b"]["taught_by"]["kind"] == "label-transfer"
    page = next(root.glob("reports/*/table2/index.html")).read_text()
    assert "The student of transferred labels" in page
    assert "AT/DT with transferred labels" in page
    assert "gap closed %, SILog scale-free" in page


def test_from_depth_to_semantics_a_is_read_under_its_own_camera(root):
    done = run("table1", root, *MATCHED, "--label-transfer", "--no-rivals")
    assert LABELS[TAUGHT] in done.stdout and LABELS[TAUGHT_G] in done.stdout
    assert LABELS[UNTAUGHT] not in done.stdout and LABELS[TAUGHT_HEAD] not in done.stdout
    (runs,) = root.glob("runs/*/seed0/depth-to-semantic")
    config = info(runs / "labels")["config"]
    assert config["train"][0].endswith("/a:train") and config["ground"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("table5", "--label-transfer"), "--label-transfer: table5 has no such row"),
        (
            ("tasks", "--from", "normals", "--to", "depth", "--label-transfer"),
            "--label-transfer: reads labels of semantic and depth, not of normals",
        ),
        (
            ("tasks", "--from", "semantic", "--to", "edges", "--label-transfer"),
            "--label-transfer: needs labels of task 2",
        ),
        (
            ("tasks", "--from", "depth", "--to", "disparity", "--label-transfer"),
            "--label-transfer: disparity is learnt from the labels of depth themselves",
        ),
        (("table2", "--label-transfer", "--set", "label_width=12"), "label_width = 12: must be"),
        (
            ("table2", "--label-transfer", *GROUND, '--set=standing=["car"]'),
            "streets have no class car",
        ),
        (("table2", "--label-transfer", '--set=standing=["wall"]'), "needs a --ground to stand on"),
        (("table1", "--label-transfer", "--set=known_depth=sparse"), "known_depth = sparse"),
        (("table2", "--label-transfer", "--set=crop=[16,32]"), "the preset's crop cuts them"),
        (("table2", "--set", "ground=3"), "ground = 3 is not { class = metres"),
        (("table2", "--set", "standing=wall"), "standing = 'wall' is not [class, …]"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(tmp_path, arguments, said):
    done = CliRunner().invoke(
        main, ["reproduce", *arguments, "--preset", "smoke", "--root", str(tmp_path / "root")]
    )
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert not (tmp_path / "root").exists()


def test_the_demo_refuses_it_just_so(tmp_path):
    config = Experiment(replace(SMOKE, label_width=12), PAIRS["streets"], tmp_path / "root")
    with pytest.raises(UserError, match="label_width = 12: must be a multiple of"):
        demo(replace(config, label_transfer=True))
    assert not (tmp_path / "root").exists()
