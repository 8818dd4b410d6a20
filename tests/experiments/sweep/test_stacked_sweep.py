"""Sweeps whose Gs of one shape step as one: what they come to, and what is said and kept of it."""

import pytest

from atdt.errors import UserError
from atdt.experiments.sweep import race, sweep
from atdt.runs import open_run
from atdt.transfer.stacked import learn_stacked
from atdt.transfer.trainee import Trainee
from tests.experiments.sweep.made_sweeps import FOLDER, TWO, board
from tests.made_kills import Killed

STACKED = (
    "steps = 9\nbatch = 5\nheld_out = 0.3\n"
    "[[grid]]\noptions.width = [4, 8]\nlearning_rate = [1e-3, 1e-2]\nseed = [0, 1]\n"
    '[[grid]]\narchitecture = "head"\noptions.width = 4\n'
    '[[grid]]\narchitecture = "ridge"\n'
)


@pytest.fixture
def teams(monkeypatch):
    """(step, how many took it) of every stack."""
    seen = []

    def noting(learners, step, batch):
        seen.append((step, len(learners)))
        return learn_stacked(learners, step, batch)

    monkeypatch.setattr(race, "learn_stacked", noting)
    return seen


@pytest.mark.parametrize("losses", ["mse = 1", "match-l1 = 1, task = 1"])
def test_gs_of_one_shape_step_as_one(config, teams, tmp_path, losses):
    """Beside a head and what is solved for; all come to what they come to side by side."""
    grid = f"losses = {{ {losses} }}\n{STACKED}"
    beside = sweep(config(grid, out=tmp_path / "beside", stack=False))
    assert not teams
    said = []
    stacked = sweep(config(grid, out=tmp_path / "stacked", stack=True), say=said.append)
    assert "8 of 10 Gs step as one with others of their shape (--stack)" in said
    assert teams[:4] == [(0, 4), (0, 4), (1, 4), (1, 4)]  # of width 4, of width 8
    assert 0 < sum(count for step, count in teams if step == 8) < 8  # some had stopped
    (_, lines), (_, others) = board(stacked), board(beside)
    assert lines.keys() == others.keys() and len(lines) == 10
    for name, line in lines.items():
        assert line["state"] == others[name]["state"]
        runs = (open_run(path.parent / FOLDER / name).info for path in (stacked, beside))
        found, wanted = (info["held_out"]["loss"] for info in runs)
        assert found == pytest.approx(wanted, rel=1e-2)
        kept = open_run(stacked.parent / FOLDER / name).info["config"]
        assert kept.get("stacked", False) == name.startswith("bottleneck")


def test_a_stacked_sweep_goes_on_stacked(config, monkeypatch):
    def dying(self, **more):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Trainee, "finish", dying)
        sweep(config(TWO, stack=True))
    with pytest.raises(UserError, match="stacked"):
        sweep(config(TWO, stack=False, resume=True))
    sweep(config(TWO, stack=True, resume=True))


def test_a_stack_is_of_no_more_than_fit(config, teams, monkeypatch):
    monkeypatch.setattr(race, "AT_MOST", 3)
    many = "steps = 1\nbatch = 5\nheld_out = 0.3\n[[grid]]\noptions.width = 4\n"
    sweep(config(f"{many}seed = [0, 1, 2, 3, 4, 5, 6]\n", stack=True, cuts=()))
    assert teams == [(0, 3), (0, 3)]  # and the seventh alone


def test_a_stack_of_nothing_is_said(config):
    said = []
    one = "steps = 1\nbatch = 5\nheld_out = 0.3\n[[grid]]\noptions.width = [4, 8]\n"
    path = sweep(config(one, stack=True, cuts=()), say=said.append)
    assert "stacked" not in open_run(path.parent / FOLDER / "bottleneck-width4").info["config"]
    assert any(line.startswith("--stack: no two Gs have one shape") for line in said)
