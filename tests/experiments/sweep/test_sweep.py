"""Sweeps: the Gs that `train` makes, on one pass; cut by A alone; gone on with."""

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from atdt.errors import UserError
from atdt.experiments.sweep import race, sweep
from atdt.experiments.sweep.board import Line, ranked
from atdt.experiments.sweep.race import Race, cut_steps
from atdt.experiments.sweep.sweep import _races
from atdt.runs import open_run
from atdt.stores import FeatureReader, open_store
from atdt.tasks import get_task
from atdt.transfer import TransferTraining, train
from atdt.transfer.moments import Moments
from atdt.transfer.trainee import Trainee
from tests.experiments.sweep.made_sweeps import FOLDER, MIXED, TWO, board
from tests.made_kills import Killed
from tests.run_contents import same, weights


@pytest.mark.parametrize("losses", [{"mse": 1}, {"match-l1": 1, "task": 1}])
@pytest.mark.parametrize("feed", ["resident", "stream"])
def test_each_g_is_the_one_that_train_makes_of_the_same_order(
    config, ground, losses, feed, tmp_path
):
    said = ", ".join(f"{name} = {weight}" for name, weight in losses.items())
    chosen = config(f"losses = {{ {said} }}\n{TWO}", feed=feed, cuts=())
    path = sweep(chosen)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for seed in (0, 1):
            alone = TransferTraining(
                store=ground.store, source="depth", target="semantic", out=tmp_path / f"g{seed}",
                options={"width": 8}, steps=9, batch=5, held_out=0.3, losses=losses,
                target_run=ground.n2, seed=seed, order_seed=0, device="cpu",
            )  # fmt: skip
            assert same(
                weights(train(alone)), weights(path.parent / FOLDER / f"bottleneck-s{seed}")
            )
    finally:
        torch.set_num_threads(before)
    assert torch.get_num_threads() == before


SOLVED = (
    "steps = 8\nbatch = 5\nheld_out = 0.3\n"
    '[[grid]]\narchitecture = "ridge"\noptions.neighbourhood = [1, 3]\n'
    '[[grid]]\narchitecture = "residual"\noptions.width = 4\nstart = "ridge"\n'
)


def test_what_is_solved_for_shares_one_pass(config, ground, monkeypatch, tmp_path):
    """Three Gs start from ridge, two of them from the same sums."""
    reads, added = Counter(), []
    read, add = FeatureReader.read_block, Moments.add

    def noting(self, block, out=None):
        reads[self.name, block] += 1
        return read(self, block, out)

    def noting_sums(self, batch):
        added.append(self)
        add(self, batch)

    monkeypatch.setattr(FeatureReader, "read_block", noting)
    monkeypatch.setattr(Moments, "add", noting_sums)
    without = "steps = 8\nbatch = 5\nheld_out = 0.3\n[[grid]]\noptions.width = 4\n"
    sweep(config(without, feed="stream", cuts=(), target_runs={}, out=tmp_path / "without"))
    plain, nothing_added = Counter(reads), list(added)
    reads.clear()
    path = sweep(config(SOLVED, feed="stream", cuts=(), target_runs={}))
    more = reads - plain
    assert nothing_added == []
    assert set(more.values()) == {1}  # beyond the steps of one G, each block once for all
    assert {name.split("/")[-1] for name, _ in more} == {"depth", "semantic"}
    assert len({block for _, block in more}) == open_store(ground.store).blocks
    assert len(set(map(id, added))) == 4  # of 1×1 and of 3×3, what is trained on and held out
    monkeypatch.undo()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name, side in (("ridge-neighbourhood1", 1), ("ridge-neighbourhood3", 3)):
            alone = TransferTraining(
                store=ground.store, source="depth", target="semantic", out=tmp_path / name,
                architecture="ridge", options={"neighbourhood": side}, batch=5, held_out=0.3,
                device="cpu",
            )  # fmt: skip
            assert same(weights(train(alone)), weights(path.parent / FOLDER / name))
    finally:
        torch.set_num_threads(before)


def test_a_terminal_shows_how_all_do_while_they_learn(config, monkeypatch):
    seen = []

    @contextmanager
    def terminal(what, total, below):
        def advance(count, note):
            seen.append(below(100))

        yield advance

    monkeypatch.setattr(race, "progress", terminal)
    path = sweep(config(MIXED, cuts=(0.5,)))
    _, lines = board(path)
    assert len(seen) == 8
    first, last = ([line for line in text.splitlines() if "│" in line] for text in seen[::7])
    assert len(first) == len(last) == len(lines)
    assert not any("stopped" in line for line in first)
    stopped = [line for line in last if "stopped after 4" in line]
    assert len(stopped) == sum(line["state"] == "stopped after 4 steps" for line in lines.values())
    assert stopped and last[-len(stopped) :] == stopped  # below those that go on
    assert "head-width8" in "".join(last)


def test_a_grid_may_vary_noise_and_mixtures(config, ground, tmp_path):
    """Those that match D2(E2) share it; a mixture has one of its own."""
    text = TWO.replace("seed = [0, 1]", "feature_noise = [0.0, 0.1]\nmixup = [0.0, 0.4]")
    path = sweep(config(f"losses = {{ match-l1 = 1, task = 1 }}\n{text}", cuts=(), workers=1))
    alone = TransferTraining(
        store=ground.store, source="depth", target="semantic", out=tmp_path / "alone",
        options={"width": 8}, steps=9, batch=5, held_out=0.3, losses={"match-l1": 1, "task": 1},
        target_run=ground.n2, feature_noise=0.1, mixup=0.4, device="cpu",
    )  # fmt: skip
    swept = path.parent / FOLDER / "bottleneck-feature_noise0.1-mixup0.4"
    assert same(weights(train(alone)), weights(swept))


def test_the_worse_half_stops_by_a_alone_and_all_are_on_the_board(config, ground, b, monkeypatch):
    judged = {}
    decide = Race._decide

    def noting(self, active, step):
        judged[step] = [racer.name for racer in active]
        decide(self, active, step)

    monkeypatch.setattr(Race, "_decide", noting)
    path = sweep(config(MIXED, b=b))
    found, lines = board(path)
    assert set(judged) == {2, 4}
    # Five configurations take steps (ridge does not): three of them, then two go on.
    states = [line["state"] for line in lines.values()]
    assert states.count("stopped after 2 steps") == 2
    assert states.count("stopped after 4 steps") == 1
    assert lines["ridge"]["state"] == "finished"
    info = json.loads((path.parent / "sweep.json").read_text())
    first = info["standings"]["depth to semantic"]["cuts"]["2"]
    stopped = {name for name, line in lines.items() if line["state"] == "stopped after 2 steps"}
    assert max(first[name] for name in stopped) <= min(first[name] for name in set(first) - stopped)
    assert all(line["on_b"] is not None for line in lines.values())
    finished = [line for line in found["lines"] if line["state"] == "finished"]
    assert found["chosen"] == max(finished, key=lambda line: line["on_a"])["name"]
    for name, line in lines.items():
        run = open_run(path.parent / FOLDER / name, "transfer")
        assert run.complete
        assert run.info.get("stopped") == (
            int(line["state"].split()[2]) if name in stopped or "4" in line["state"] else None
        )


@pytest.mark.parametrize(("step", "stack"), [(1, False), (3, False), (7, False), (3, True)])
def test_a_sweep_that_was_cut_off_goes_on_to_the_same_end(
    config, monkeypatch, tmp_path, step, stack
):
    whole = sweep(config(MIXED, out=tmp_path / "whole", stack=stack))
    chosen = config("steps = 8\n" + MIXED.removeprefix("steps = 8\n"), stack=stack)
    took = Trainee.took

    def dying(self, *told):
        if self.done == step:
            raise Killed
        took(self, *told)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Trainee, "took", dying)
        sweep(chosen)
    with pytest.raises(UserError, match="a sweep is there; --resume goes on"):
        sweep(chosen)
    path = sweep(replace(chosen, resume=True))
    (one, first), (two, second) = board(whole), board(path)
    assert {n: line["state"] for n, line in first.items()} == {
        n: line["state"] for n, line in second.items()
    }
    for name in first:
        assert same(*(weights(p.parent / FOLDER / name) for p in (whole, path))), name
    assert one["chosen"] == two["chosen"]
    assert sweep(replace(chosen, resume=True)) == path  # nothing is left to do


@pytest.mark.parametrize("call", [1, 2, 4])
def test_a_sweep_that_was_killed_while_runs_were_finished_goes_on(
    config, monkeypatch, tmp_path, call
):
    whole = sweep(config(MIXED, out=tmp_path / "whole"))
    finish, calls = Trainee.finish, []

    def dying(self, **more):
        calls.append(more)
        if len(calls) == call:
            raise Killed
        finish(self, **more)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Trainee, "finish", dying)
        sweep(config(MIXED))
    path = sweep(config(MIXED, resume=True))
    (_, first), (_, second) = board(whole), board(path)
    for name in first:
        assert first[name]["state"] == second[name]["state"]
        assert same(*(weights(p.parent / FOLDER / name) for p in (whole, path))), name


def test_other_trainings_do_not_go_on_with_a_sweep_and_overwriting_is_asked_for(config):
    path = sweep(config(TWO))
    with pytest.raises(UserError, match="of other trainings"):
        sweep(config(TWO.replace("[0, 1]", "[0, 2]"), resume=True))
    assert sweep(config(TWO.replace("[0, 1]", "[0, 2]"), overwrite=True)) == path
    assert set(board(path)[1]) == {"bottleneck-s0", "bottleneck-s2"}
    with pytest.raises(UserError, match=r"--cuts '0\.1': the sweep of .* stops Gs at '0\.25,0\.5'"):
        sweep(config(TWO.replace("[0, 1]", "[0, 2]"), resume=True, cuts=(0.1,)))


@pytest.mark.parametrize("stack", [False, True])
def test_a_g_that_diverges_ends_alone(config, stack):
    text = TWO.replace("seed = [0, 1]", "learning_rate = [1e-3, 1e30]").replace(
        "steps = 9", "steps = 20"
    )
    lines = board(sweep(config(text, stack=stack)))[1]
    assert lines["bottleneck-lr1e+30"]["state"] == "diverged"
    assert lines["bottleneck-lr0.001"]["state"] == "finished"


def test_without_n2_gs_are_ranked_by_what_they_explain(config):
    found, lines = board(sweep(config(TWO, target_runs={})))
    explained = [line["explained_variance"] for line in found["lines"]]
    assert explained == sorted(explained, reverse=True)
    assert all(line["on_a"] is None for line in lines.values())


def test_all_pairs_and_levels_of_a_store_are_races_of_their_own(config, ground):
    chosen = config(TWO, source=None, target=None, target_runs={})
    assert list(_races(chosen)) == ["depth to semantic", "semantic to depth"]
    many = ground.extracted("levels", levels=("all",))
    races = _races(replace(chosen, store=many, levels=("all",), source="depth", target="semantic"))
    assert len(races) > 1 and all(" at level" in name for name in races)
    with pytest.raises(UserError, match="both, or neither"):
        _races(replace(chosen, source="depth"))
    with pytest.raises(UserError, match="--level level9"):
        _races(replace(chosen, levels=("level9",)))
    with pytest.raises(UserError, match="--target-run semantics=n2: no G here is to become"):
        _races(replace(chosen, target_runs={"semantics": Path("n2")}))


def test_all_pairs_at_all_levels_come_to_a_leaderboard(config, ground):
    many = ground.extracted("levels", levels=("all",))
    grid = "steps = 2\nbatch = 5\nheld_out = 0.3\n[[grid]]\noptions.width = 4\n"
    grid += '[[grid]]\narchitecture = "ridge"\n'
    chosen = config(
        grid, store=many, source=None, target=None, levels=("all",),
        target_runs={"semantic": ground.n2},
    )  # fmt: skip
    path = sweep(chosen)
    boards = json.loads((path.parent / "leaderboard.json").read_text())
    assert len(boards) == 2 * len(open_store(many).levels()) > 2
    assert len({found["title"] for found in boards}) == len(boards)
    for found in boards:
        assert {line["name"] for line in found["lines"]} == {"bottleneck-width4", "ridge"}
        assert {line["state"] for line in found["lines"]} == {"finished"}
        figure = "on_a" if found["title"].startswith("depth to") else "explained_variance"
        values = [line[figure] for line in found["lines"]]
        assert values == sorted(values, reverse=True)
        assert found["chosen"] == found["lines"][0]["name"]
        assert found["title"] in path.read_text()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[[grid]]\narchitecture = ["ridge", "bottelneck"]\n',
            "--architecture bottelneck: unknown",
        ),
        ("[[grid]]\noptions.width = [8, -1]\n", r"grid.toml: .*-1: .*width.* must be at least 1"),
        ('[[grid]]\nstart = ["random", "ridge"]\n', "'bottleneck' has no linear part"),
        ("[[grid]]\nlosses = [{ mse = 1 }, { l2 = 1 }]\n", "--loss l2=1"),
    ],
)
def test_a_mistake_in_one_training_is_found_before_anything_is_written(config, text, problem):
    chosen = config(text)
    with pytest.raises(UserError, match=problem):
        sweep(chosen)
    assert not chosen.out.exists()


def test_cuts_are_steps_within_the_training():
    assert cut_steps((0.25, 0.5), 8) == [2, 4]
    assert cut_steps((0.01, 0.99), 3) == []
    assert cut_steps((), 8) == []


def test_the_finished_come_before_the_stopped_and_what_diverged():
    lines = [
        Line("c", "diverged"),
        Line("a", "stopped after 3 steps", scores={"explained_variance": 0.9}),
        Line("b", "finished", scores={"explained_variance": 0.5}),
        Line("d", "finished", scores={"explained_variance": 0.7}),
    ]
    assert [line.name for line in ranked(lines, None)] == ["d", "b", "a", "c"]
    depth = next(m for m in get_task("depth").metrics(None) if m.key == "abs_rel")
    lines = [
        Line(name, "finished", scores={"on_a": value}) for name, value in (("a", 0.3), ("b", 0.1))
    ]
    assert [line.name for line in ranked(lines, depth)] == ["b", "a"]
