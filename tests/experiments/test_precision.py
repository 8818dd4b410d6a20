"""One precision for all rows of an experiment, whichever machine goes on with it."""

from dataclasses import replace

import pytest

from atdt.errors import UserError
from atdt.experiments.experiment import Experiment, walk
from atdt.experiments.pairs import PAIRS
from atdt.experiments.preset import SMOKE, load_preset
from atdt.experiments.steps import RECORD
from atdt.texts import read_json, write_json
from tests.made_reproductions import LEAST, SMALL, run

AUTO = replace(SMOKE, precision="auto")


@pytest.fixture
def machine(monkeypatch):
    """`machine(has)`: from now on it multiplies bfloat16 itself, or not."""

    def be(has):
        for module in ("atdt.devices", "atdt.experiments.precision"):
            monkeypatch.setattr(f"{module}.has_bfloat16", lambda device: has)

    return be


def settled(root, preset=AUTO):
    return Experiment(preset, PAIRS["streets"], root, "x").settled().preset.precision


def begin(root, preset=AUTO):
    """An experiment's first steps."""
    experiment = Experiment(preset, PAIRS["streets"], root, "x").settled()
    walk(experiment, lambda direction, steps: None)
    return root / "reports" / "x"


def test_presets_leave_it_to_the_machine():
    assert load_preset("demo").precision == load_preset("streets").precision == "auto"


@pytest.mark.parametrize(("has", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_it_is_what_the_machine_is_fast_in(has, precision, machine, tmp_path, capsys):
    machine(has)
    assert settled(tmp_path) == precision
    said = capsys.readouterr().err
    assert said == "" if has else "trains in float32" in said
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("first", [True, False])
def test_what_was_begun_goes_on_as_it_was(first, machine, tmp_path, capsys):
    machine(first)
    begin(tmp_path)
    machine(not first)
    capsys.readouterr()
    assert settled(tmp_path) == ("bfloat16" if first else "float32")
    said = capsys.readouterr().err
    assert "was begun in bfloat16, which this processor" in said if first else said == ""


def test_what_earlier_versions_began_was_bfloat16(machine, tmp_path):
    machine(False)
    write_json(tmp_path / "reports" / "x" / RECORD, {})
    assert settled(tmp_path) == "bfloat16"


def test_what_is_kept_must_be_a_precision(machine, tmp_path):
    machine(True)
    reports = begin(tmp_path)
    write_json(reports / "precision.json", {"precision": "auto"})
    with pytest.raises(UserError, match=r"precision\.json: holds no precision of float32, bfloat"):
        settled(tmp_path)
    with pytest.raises(ValueError, match="settle the experiment first"):
        walk(Experiment(AUTO, PAIRS["streets"], tmp_path, "y"), lambda direction, steps: None)


def test_what_is_asked_for_is_taken(machine, tmp_path):
    machine(True)
    assert settled(tmp_path, SMOKE) == "float32"
    reports = begin(tmp_path, SMOKE)
    assert read_json(reports / "precision.json") == {"precision": "float32"}
    begin(tmp_path, replace(SMOKE, precision="bfloat16"))
    assert settled(tmp_path) == "bfloat16"


def test_reproduce_trains_in_it_and_says_which(machine, tmp_path):
    machine(False)
    options = [*SMALL, *LEAST, "--set", "precision=auto"]
    done = run("table2", *options, "--root", tmp_path)
    assert done.exit_code == 0, done.output
    assert "trains in float32, since this processor does not" in done.stderr
    for name in ("n2", "oracle"):
        run_json = read_json(next(tmp_path.rglob(f"{name}/run.json")))
        assert run_json["config"]["precision"] == "float32"
    page = next(tmp_path.rglob("table2/index.html")).read_text()
    assert "auto" not in page.partition("precision")[2][:200]
    machine(True)
    again = run("table2", *options, "--root", tmp_path)
    steps = [line for line in again.stderr.splitlines() if line.startswith("[")]
    assert steps and all(": found " in step for step in steps)
