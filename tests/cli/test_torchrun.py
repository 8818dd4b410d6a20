"""Trainings as torchrun starts them: what a user sees, and what is left of one that ended early."""

import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.runs import CHECKPOINT, open_run
from tests.made_ground import make_ground
from tests.made_ranks import ROOT, ended, fork
from tests.run_contents import check_alike
from tests.training.conftest import write_domain


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    return make_ground(tmp_path_factory.mktemp("ground"))


ATDT = "from atdt.cli import main; main(prog_name='atdt')"


def lines(ends) -> list[str]:
    """All that was printed to stderr."""
    return [line for _, _, errors in ends for line in errors.splitlines() if line]


def test_torchrun_trains_one_run_and_says_so_once(ground, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "atdt"]
    options = ["--from", "depth", "--to", "semantic", "--width", "8", "--steps", "4"]
    options += ["--batch", "4"]
    done = subprocess.run(
        [*command, "train", str(ground.store), *options, "--out", str(tmp_path / "g")],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # On a busy machine zarr's thread may not end in the 0.2 s that zarr gives it, and zarr says so.
    assert not done.stderr.partition("Thread did not finish cleanly")[0]
    said = done.stdout.splitlines()
    assert len(said) == len(set(said))
    assert said[-1] == str(tmp_path / "g")
    assert "2 ranks, which take 2 of the 4 samples of a batch each" in said
    assert open_run(tmp_path / "g").info["provenance"]["ranks"] == 2


def test_a_mistake_ends_all_ranks_with_one_line_of_one_of_them(ground, tmp_path):
    other = ended(fork(2, ATDT, ["inspect", str(ground.store)]))
    assert [(code, out) for code, out, _ in other] == [(2, "")] * 2
    assert lines(other) == ["Error: inspect: is for one process; torchrun is for train, train-task"]
    # A block that is damaged, which one of two ranks reads.
    store = ground.extracted("damaged")
    shard = next(path for path in store.glob("level4/depth/c/1/**/*") if path.is_file())
    content = bytearray(shard.read_bytes())
    content[len(content) // 3] ^= 1
    shard.write_bytes(content)
    train = ["train", str(store), "--from", "depth", "--to", "semantic", "--device", "cpu"]
    ends = ended(fork(2, ATDT, [*train, "--batch", "4", "--out", str(tmp_path / "g")]))
    assert [code for code, _, _ in ends] == [2, 2]
    (line,) = lines(ends)
    assert line.startswith(f"Error: {shard}: ")
    assert ends[1][1] == ""


PROGRAM = """
import signal, sys, time
from datetime import timedelta
import atdt.ranks
from atdt.cli import main

meet = atdt.ranks.Ranks.meet

def at_leisure(*arguments):  # no training is over before it can be disturbed
    time.sleep(0.1)
    meet(*arguments)

atdt.ranks.Ranks.meet = at_leisure
atdt.ranks.PATIENCE = timedelta(seconds=8)
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background ignore it
main(sys.argv[1:], prog_name="atdt")
"""


def signal_rank_1(number: int):
    return lambda ranks: ranks[1].send_signal(number)


def test_whatever_ends_a_rank_ends_all_and_the_run_goes_on(tmp_path):
    """Ctrl-C, then a rank that is killed, then one that hangs; the rest by one process."""
    domain, run, checkpoint = tmp_path / "a", tmp_path / "run", tmp_path / "run" / CHECKPOINT
    write_domain(domain, "a")
    options = ["train-task", "--task", "depth", "--train", f"{domain}:train", "--crop", "8x16"]
    options += ["--network-option", "norm=none", "--steps", "24", "--batch", "4", "--device", "cpu"]
    options += ["--checkpoint-every", "1", "--out"]

    def written() -> int:
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    def disturbed(disturb, *more):
        before = written()
        ranks = fork(2, PROGRAM, [*options, str(run), *more])
        while written() == before:
            assert all(rank.poll() is None for rank in ranks)
            time.sleep(0.01)
        disturb(ranks)
        return ranks

    ends = ended(disturbed(lambda ranks: [rank.send_signal(signal.SIGINT) for rank in ranks]))
    assert [code for code, _, _ in ends] == [130, 130]
    assert lines(ends)[1:] == ["stopped; go on by the same command with --resume"]
    for number in (signal.SIGKILL, signal.SIGSTOP):
        left, gone = disturbed(signal_rank_1(number), "--resume")
        left.wait(timeout=60)
        gone.kill()
        (code, _, errors), _ = ended([left, gone])
        assert code == 2
        (_, line) = errors.splitlines()
        assert line.startswith("Error: another rank is gone, or did not answer for 0:00:08")
        assert line.endswith("The same command with --resume goes on")
    for more in ([str(run), "--resume"], [str(tmp_path / "whole")]):
        result = CliRunner().invoke(main, [*options, *more])
        assert result.exit_code == 0, result.output
    check_alike(tmp_path / "whole", run, rel=1e-3)
    assert len(open_run(run).info["provenance"]["resumed"]) == 3
