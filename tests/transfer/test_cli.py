"""`atdt train`, in process."""

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.runs import open_run
from atdt.transfer.architectures import ARCHITECTURES


@pytest.fixture
def arguments(ground) -> list[str]:
    return ["train", str(ground.store), "--from=depth", "--to=semantic", "--device=cpu"]


def invoke(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


def test_a_run_is_made_and_its_scores_and_path_are_printed(arguments, tmp_path, ground):
    out = tmp_path / "g"
    done = invoke(
        *arguments,
        f"--out={out}",
        "--steps=4",
        "--batch=6",
        "--width=6",
        "--option=blocks=1",
        "--loss=mse=1",
        "--loss=task=0.5",
        f"--target-run={ground.n2}",
        "--memory-budget=1GB",
        "--held-out=0.4",
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[-1] == str(out)
    assert any(line.startswith("held out loss ") for line in lines)
    assert any(line.startswith("held out explained variance ") for line in lines)
    assert "weights of the last step, after 4 steps" in lines
    info = open_run(out).info
    assert info["options"]["width"] == 6
    assert info["options"]["blocks"] == 1
    assert info["config"]["losses"] == {"mse": 1, "task": 0.5}
    again = invoke(*arguments, f"--out={out}")
    assert again.exit_code == 2
    assert "--overwrite replaces it" in again.output


def test_a_dry_run_needs_no_out_and_writes_nothing(arguments):
    done = invoke(*arguments, "--dry-run", "--feed=stream")
    assert done.exit_code == 0, done.output
    assert "multiply-accumulates a sample" in done.stdout
    assert "feed: stream, as asked for" in done.stdout


def test_the_list_shows_every_architecture_with_its_costs(arguments, ground):
    done = invoke(*arguments, "--list", f"--target-run={ground.n2}")
    assert done.exit_code == 0, done.output
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == [*ARCHITECTURES, "head"]
    assert all("parameters" in line for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "Missing option '--out'"),
        (["--dry-run", "--memory-budget=much"], "such as 8GB"),
        (["--dry-run", "--loss=mse"], "write KEY=VALUE"),
        (["--dry-run", "--loss=l2=1"], "--loss l2=1: choose among"),
        (["--dry-run", "--architecture=best"], "choose one of attention, bottleneck"),
    ],
)
def test_a_mistake_ends_with_2(arguments, more, message):
    done = invoke(*arguments, *more)
    assert done.exit_code == 2
    assert message in done.output
