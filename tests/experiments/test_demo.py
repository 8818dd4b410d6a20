"""The demo from the first verb to the last, on pictures too small to learn anything from."""

import json
import re
import shutil
from dataclasses import replace
from html import escape

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.evaluate.gap import Worth
from atdt.experiments.demo import demo
from atdt.experiments.direction import ADAPTED, ATDT, BASELINE, HEAD, ORACLE
from atdt.experiments.experiment import Experiment, run
from atdt.experiments.figures import CHOICES, LABELS, figures
from atdt.experiments.label_students import TAUGHT
from atdt.experiments.pairs import PAIRS
from atdt.experiments.preset import SMOKE, Student
from atdt.training import Teaching


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    done = CliRunner().invoke(main, ["demo", "--smoke", "--root", str(root)])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip().endswith("index.html")
    return root


def test_the_report_has_every_row_and_needs_nothing_else(root):
    page = (root / "reports" / "smoke" / "index.html").read_text()
    for row in (BASELINE, ADAPTED, HEAD, ATDT, TAUGHT, ORACLE):
        assert LABELS[row] in page
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert page.count("<img") >= 3 * 7  # three test images: input, five methods, truth


def test_the_table_says_what_was_measured(root):
    page = (root / "reports" / "smoke" / "index.html").read_text()
    folder = root / "predictions" / "smoke" / "seed0" / "depth" / "baseline"
    score = json.loads((folder / "metrics.json").read_text())["scores"]["abs_rel"]
    assert f"{score:.3f}" in page


def test_a_second_call_reuses_what_is_there(root):
    runs = root / "runs" / "smoke"
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("weights.safetensors")}
    assert before
    done = CliRunner().invoke(main, ["demo", "--smoke", "--root", str(root)])
    assert done.exit_code == 0, done.output
    numbered = re.findall(r"^\[(\d+)/(\d+)\] (.*)$", done.stderr, re.MULTILINE)
    assert len(numbered) == int(numbered[0][1])
    assert all(": found " in title for _, _, title in numbered)
    assert before == {path: path.stat().st_mtime_ns for path in runs.rglob("weights.safetensors")}


def test_a_lost_run_is_trained_again_and_what_depends_on_it_too(root):
    runs = root / "runs" / "smoke" / "seed0" / "depth"
    shutil.rmtree(runs / "n2")
    done = CliRunner().invoke(main, ["demo", "--smoke", "--root", str(root)])
    assert done.exit_code == 0, done.output
    found = {line for line in done.stderr.splitlines() if ": found " in line}
    again = {line for line in done.stderr.splitlines() if line.startswith("[")} - found
    text = " ".join(again)
    assert "N2 learns depth" in text
    assert "train G" in text
    assert not any("N1 learns" in line for line in again)


def test_the_full_table_has_every_rival_and_the_worth_in_labelled_images(tmp_path):
    """What `atdt demo --full` composes, at the smallest size, both directions at once."""
    told = Student(Teaching("confidence", paste="classes"))  # so that the baseline's has a row too
    preset = replace(SMOKE, train=4, steps=2, transfer_steps=2, student=told)
    directions = (("semantic", "depth"), ("depth", "semantic"))
    full = Experiment(
        preset,
        PAIRS["streets"],
        tmp_path,
        "full",
        directions,
        rivals=True,
        students=True,
        label_transfer=True,
        curve=(2,),
    )
    page = demo(full).read_text()
    for label in (LABELS[row] for row in LABELS if row not in CHOICES):  # which a sweep makes
        assert page.count(escape(label)) >= 2, label
    tables = (tmp_path / "reports" / "full" / "tables.md").read_text()
    assert tables.count("| 0 labels") == tables.count("| 4 labels") == 2
    assert "worth (images)" in tables
    assert re.search(r"\| (> |< )?[\d.]+ \[(< |> )?[\d.]+, (< |> )?[\d.]+\] \|\n", tables)
    to_semantic = figures(run(full)[0][1])
    assert to_semantic.worth(BASELINE) == (Worth(0), (Worth(0), Worth(0)))  # on the same resamples


def test_full_and_smoke_exclude_each_other():
    done = CliRunner().invoke(main, ["demo", "--smoke", "--full"])
    assert done.exit_code == 2
