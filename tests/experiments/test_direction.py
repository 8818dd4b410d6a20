"""Which rows a direction has, and what is trained for them; nothing is run."""

import pytest

from atdt.experiments.direction import (
    ADAPTED,
    ATDT,
    BASELINE,
    HEAD,
    ORACLE,
    PLAIN,
    SELF,
    SHARED,
    WARM,
    essentials,
    other_rivals,
)
from atdt.experiments.pairs import Place
from atdt.experiments.preset import load_preset
from atdt.experiments.sides import Direction, Side
from atdt.experiments.steps import Counted
from atdt.training import TaskTraining
from atdt.transfer import TransferTraining


class Noted(Counted):
    """Steps that are counted, and whose configurations are kept."""

    def __init__(self):
        super().__init__()
        self.configs = []

    def do(self, title, verb, config, *inputs, out):
        self.configs.append(config)
        return super().do(title, verb, config, *inputs, out=out)


@pytest.fixture
def walk_through(tmp_path):
    """`walk_through(preset, target)`: what essentials and rivals do, and leave."""

    def walk(preset, target="depth", **changes):
        a, b = Place(tmp_path / "a"), Place(tmp_path / "b")
        sides = [Side(task, task, a, b) for task in ("semantic", target)]
        direction = Direction(*sides, tmp_path, tmp_path, "x", transfer_seeds=(0, 1))
        steps, preset = Noted(), load_preset(preset, changes)
        outcome = essentials(direction, preset, steps)
        other_rivals(direction, preset, steps, outcome)
        return steps.configs, outcome

    return walk


@pytest.fixture
def walked(walk_through):
    """`walked(preset, target)`: rows → names of folders, runs, and G's (and the head's) losses."""

    def walk(preset, target="depth", **changes):
        configs, outcome = walk_through(preset, target, **changes)
        trained = {c.out.name: c.losses for c in configs if isinstance(c, TransferTraining)}
        rows = {name: [path.name for path in paths] for name, paths in outcome.rows.items()}
        return rows, outcome.runs, trained

    return walk


def test_the_end_to_end_rival_learns_as_long_as_n1(walk_through):
    configs, _ = walk_through("paper")
    steps = {c.out.name: c.steps for c in configs if isinstance(c, TaskTraining)}
    assert steps["n1"] == steps[SHARED] == 150_000
    assert steps["n2"] == steps[WARM] == 25_000


def test_all_rows_and_a_g_for_each_loss_and_seed(walked):
    rows, _, trained = walked("smoke")
    assert set(rows) == {BASELINE, ADAPTED, HEAD, PLAIN, ATDT, ORACLE, SHARED, WARM, SELF}
    assert rows[ATDT] == ["atdt0", "atdt1"] and rows[PLAIN] == ["atdt-mse0", "atdt-mse1"]
    for seed in (0, 1):
        assert trained[f"g{seed}"] == {"match-l1": 1.0, "task": 1.0}
        assert trained[f"mse{seed}"] == {"mse": 1.0}
        assert trained[f"head{seed}"] == {"task": 1.0}
    assert len(trained) == 6


def test_one_g_where_atdts_losses_are_the_papers(walked):
    rows, runs, trained = walked("paper")
    assert PLAIN not in rows
    assert rows[ATDT] == ["atdt-mse0", "atdt-mse1"]  # as the other tables have it
    assert set(trained) == {"mse0", "mse1", "head0", "head1"}
    assert runs["g1"].name == "mse1"  # which students and the chain ask for
    assert PLAIN in walked("paper", losses="{ mse = 2.0 }")[0]


def test_truth_that_is_made_from_images_has_no_labels_in_a_store_and_no_guesses(walked):
    rows, _, trained = walked("smoke", "edges")
    assert HEAD not in rows and SELF not in rows and SHARED in rows
    assert trained["g0"] == {"match-l1": 1.0}
    assert PLAIN not in walked("smoke", "edges", losses="{ task = 1.0 }")[0]
