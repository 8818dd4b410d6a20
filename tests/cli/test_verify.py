import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.stores import SampleTable, create_store


@pytest.fixture
def store(tmp_path):
    table = SampleTable(
        ["a", "b"], ["a.png", "b.png"], [0, 0], [False] * 2, [[0] * 4] * 2, [[1, 1]] * 2
    )
    store = create_store(tmp_path / "a.zarr", table, {}, {}, 1)
    with store.feature_writer("level4", "depth", (2, 2, 3), "float16", {}) as writer:
        for block in writer.missing_blocks():
            writer.write_block(block, np.ones((1, 2, 2, 3), np.float32))
        writer.finish()
    return store


def test_a_sound_store_ends_with_0(store):
    done = CliRunner().invoke(main, ["verify", str(store.path)])
    assert done.exit_code == 0
    assert f"{store.path}: sound; 1 arrays, 0.0 MiB read in " in done.output


def test_each_problem_is_a_line_and_the_exit_code_is_1(store):
    (store.path / "level4/depth/c/0/0/0/0").unlink()
    (store.path / "view/c/0").unlink()
    done = CliRunner().invoke(main, ["verify", str(store.path)])
    assert done.exit_code == 1
    *problems, last = done.stdout.splitlines()
    assert len(problems) == 2
    assert all("--resume" in problem for problem in problems)
    assert "2 problems" in last


def test_what_is_no_store_ends_with_2(tmp_path):
    done = CliRunner().invoke(main, ["verify", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "no such store" in done.output


def changed(store, path, values):
    """A store of the same samples, in one block."""
    other = create_store(path, store.samples, {}, {}, 2)
    with other.feature_writer("level4", "depth", (2, 2, 3), "float16", {"threads": 2}) as writer:
        writer.write_block(0, values)
        writer.finish()
    return other


def test_against_another_store_it_prints_how_far_they_are_apart(store, tmp_path):
    values = np.ones((2, 2, 2, 3), np.float32)
    same = changed(store, tmp_path / "b.zarr", values)
    done = CliRunner().invoke(main, ["verify", str(store.path), "--against", str(same.path)])
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "level4/depth: 24 values, all equal",
        f"{store.path}: 1 of 1 arrays have the values of {same.path}",
    ]
    values[1, 0, 1, 2] += 2**-9
    other = changed(store, tmp_path / "c.zarr", values)
    given = ["verify", str(store.path), "--against", str(other.path)]
    for more, code, last in (
        ([], 1, ""),
        (["--within", "1"], 1, ", 0 differ by no more than 1 float16 ulp"),
        (["--within", "2"], 0, ", 1 differ by no more than 2 float16 ulp"),
    ):
        done = CliRunner().invoke(main, [*given, *more])
        assert done.exit_code == code
        assert done.stdout.splitlines() == [
            "level4/depth: 1 of 24 values differ (4.2 %), by 0.00195 at most, 2 float16 ulp "
            "(most in b)",
            f"  threads: {store.path}/level4/depth has nothing, the other 2",
            f"{store.path}: 0 of 1 arrays have the values of {other.path}{last}",
        ]


def test_an_array_that_one_has_alone_ends_with_1(store, tmp_path):
    other = changed(store, tmp_path / "b.zarr", np.ones((2, 2, 2, 3), np.float32))
    with other.feature_writer("level4", "more", (2, 2, 3), "float16", {}) as writer:
        writer.write_block(0, np.ones((2, 2, 2, 3), np.float32))
        writer.finish()
    done = CliRunner().invoke(main, ["verify", str(store.path), "--against", str(other.path)])
    assert done.exit_code == 1
    assert f"{other.path}/level4/more: the other store has no such array" in done.stdout


def test_within_needs_another_store(store):
    done = CliRunner().invoke(main, ["verify", str(store.path), "--within", "1"])
    assert done.exit_code == 2
    assert "--against" in done.output
