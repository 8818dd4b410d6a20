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
