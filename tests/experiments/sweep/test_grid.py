"""A grid file becomes trainings, each with a name, or is refused with a reason."""

from pathlib import Path

import pytest

from atdt.errors import UserError
from atdt.experiments.sweep.grid import read_grid
from atdt.transfer import TransferTraining

BASE = TransferTraining(store=Path("a.zarr"), source="depth", target="semantic", out=Path("out"))


def test_lists_are_varied_and_what_differs_is_the_name(grid):
    trials = read_grid(
        grid(
            "steps = 40\nlosses = { mse = 1 }\n"
            '[[grid]]\narchitecture = ["bottleneck", "residual"]\noptions.width = [8, 16]\n'
            "seed = [0, 1]\n"
            '[[grid]]\narchitecture = "ridge"\noptions.neighbourhood = [1, 3]\n'
        ),
        BASE,
    )
    assert [trial.name for trial in trials] == [
        *(
            f"{a}-width{w}-s{s}"
            for a in ("bottleneck", "residual")
            for s in (0, 1)
            for w in (8, 16)
        ),
        "ridge-neighbourhood1",
        "ridge-neighbourhood3",
    ]
    first, last = trials[0].config, trials[-1].config
    assert (first.steps, first.options, first.seed) == (40, {"width": 8}, 0)
    assert (last.architecture, last.options) == ("ridge", {"neighbourhood": 3})
    assert first.out == Path("out") / trials[0].name
    assert {trial.config.order for trial in trials} == {0}  # one pass feeds all


def test_seeds_of_one_configuration_are_known_as_such(grid):
    one, two, other = read_grid(
        grid(
            "[[grid]]\nseed = [0, 1]\nlearning_rate = 1e-3\n"
            "[[grid]]\nseed = 0\nlearning_rate = 1e-4\n"
        ),
        BASE,
    )
    assert one.seedless == two.seedless != other.seedless


def test_losses_are_told_apart(grid):
    text = "[[grid]]\nlosses = [{ mse = 1 }, { mse = 1, cosine = 0.5 }]\n"
    names = [trial.name for trial in read_grid(grid(text), BASE)]
    assert names == ["bottleneck-mse1", "bottleneck-mse1+cosine0.5"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("steps = 3\n", r"has no \[\[grid\]\]"),
        ("grid = 3\n", r"has no \[\[grid\]\]"),
        ("[[grid]]\nwidth = 3\n", "unknown option 'width' in"),
        ("[[grid]]\nbatch = [3, 4]\n", "'batch' in .* it belongs to the top, for all"),
        ("step = 3\n[[grid]]\n", "unknown option 'step' at the top"),
        ("[[grid]]\nseed = []\n", "has no value"),
        ("[[grid]]\noptions = 3\n", "options = 3 is no table"),
        ("[[grid]]\nseed = [0, 0]\n", "'bottleneck' is there twice"),
        ("[[grid]]\nlearning_rate = [1e-3, -1]\n", "--learning-rate -1: must be above 0"),
        ('[[grid]]\nlearning_rate = "fast"\n', "learning_rate = 'fast': is no number"),
        ("steps = 3.5\n[[grid]]\n", "steps = 3.5: is no whole number"),
        ('window = "a"\n[[grid]]\n', "window = 'a': is no whole number"),
        ("[[grid]]\nlevel = 3\n", "level = 3: is no text"),
        ("[[grid]]\nlosses = 3\n", "losses = 3: write a table, such as"),
        ("[[grid]]\nlosses = { mes = 1 }\n", "--loss mes=1: choose among mse"),
        (
            f"[[grid]]\nseed = {list(range(40))}\noptions.width = {list(range(1, 40))}\n",
            "1560 train",
        ),
        ("[[grid", "cannot be read as a grid"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(grid, text, problem):
    path = grid(text)
    with pytest.raises(UserError, match=problem) as error:
        read_grid(path, BASE)
    assert str(error.value).startswith(f"{path}: ")


def test_the_order_of_samples_may_be_given_for_all(grid):
    trials = read_grid(grid("order_seed = 3\n[[grid]]\nseed = [0, 1]\n"), BASE)
    assert [trial.config.order for trial in trials] == [3, 3]
