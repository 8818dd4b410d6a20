"""`atdt train` from a store in a bucket, to a run in a bucket."""

import pytest
import torch
from click.testing import CliRunner

from atdt import objects
from atdt.cli import main
from atdt.places import place
from atdt.runs import open_run
from atdt.transfer import train
from atdt.transfer.trainee import Trainee
from benchmarks.s3 import Fault
from tests.made_kills import dying_after
from tests.made_objects import upload

COMMON = ["--from=depth", "--to=semantic", "--device=cpu", "--steps=9", "--batch=5", "--width=8"]


def weights(run) -> dict[str, torch.Tensor]:
    return open_run(run).weights()


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.fixture
def away(ground, bucket) -> str:
    return upload(ground.store, f"{bucket}/a.zarr")


@pytest.mark.parametrize("feed", ["resident", "stream"])
def test_the_weights_are_those_of_the_store_on_the_disk(away, ground, bucket, tmp_path, feed):
    for store, out in ((away, f"{bucket}/g"), (str(ground.store), str(tmp_path / "g"))):
        given = ["train", store, *COMMON, f"--feed={feed}", f"--out={out}"]
        done = CliRunner().invoke(main, given, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert done.stdout.splitlines()[-1] == out
    assert same(weights(f"{bucket}/g"), weights(tmp_path / "g"))
    assert open_run(f"{bucket}/g").info["store"]["path"] == away
    there = objects.below(place(f"{bucket}/g"))
    assert {"run.json", "weights.safetensors", "curves.csv"} <= set(there)
    assert any(name.startswith("tensorboard/") for name in there)
    assert len(there) == 4
    assert objects.get(place(f"{bucket}/g/curves.csv")) == (tmp_path / "g/curves.csv").read_bytes()
    again = CliRunner().invoke(main, ["train", away, *COMMON, f"--out={bucket}/g"])
    assert again.exit_code == 2
    assert "holds a finished run; --overwrite replaces it" in again.output


def test_training_asks_for_each_block_once_an_epoch(away, ground, config, s3, tmp_path):
    from atdt.stores import open_store

    store = open_store(ground.store)
    chosen = config(store=place(away), feed="resident", out=tmp_path / "g")
    s3.forget()
    train(chosen)
    of_shards = [path for _, path in s3.requests if "/c/" in path and "/level" in path]
    assert len(of_shards) == 2 * store.blocks
    s3.forget()
    train(config(store=place(away), feed="stream", window=2, out=tmp_path / "h"))
    of_shards = [path for _, path in s3.requests if "/c/" in path and "/level" in path]
    epochs = -(-9 // -(-len(store.samples) // 5)) + 1
    assert len(of_shards) <= 2 * store.blocks * (epochs + 1)  # and the held-out ones, once


def test_a_training_that_was_cut_off_goes_on_to_the_same_bits(away, bucket, config, monkeypatch):
    chosen = config(store=place(away), out=place(f"{bucket}/g"))
    whole = weights(train(config(store=place(away), out=place(f"{bucket}/whole"))))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainee, "step", dying_after(5, KeyboardInterrupt)(Trainee.step))
        train(chosen)
    assert "checkpoint.safetensors" in objects.below(place(f"{bucket}/g"))
    train(config(store=place(away), out=place(f"{bucket}/g"), resume=True))
    assert same(weights(f"{bucket}/g"), whole)
    left = objects.below(place(f"{bucket}/g"))
    assert not [name for name in left if "checkpoint" in name or "lock" in name]


def test_two_trainings_of_one_run_are_refused(away, bucket, config):
    from atdt.errors import RunError
    from atdt.hold import exclusive

    out = place(f"{bucket}/g")
    with exclusive(out), pytest.raises(RunError, match="is writing it"):
        train(config(store=place(away), out=out))


@pytest.mark.parametrize("what", ["busy", "dropped", "failed"])
def test_a_training_that_waits_for_a_server_gives_the_same_weights(
    away, ground, config, s3, tmp_path, what
):
    s3.faults += [Fault(what, "GET", f"/level./.*/c/{block}/", times=2) for block in (0, 1)]
    out = train(config(store=place(away), feed="stream", window=2, out=tmp_path / "g"))
    assert [fault.happened for fault in s3.faults] == [2, 2]
    assert same(weights(out), weights(train(config(window=2, out=tmp_path / "h"))))


@pytest.mark.parametrize("what", ["busy", "lost", "failed"])
def test_a_run_that_a_server_takes_at_the_second_request_is_the_same(
    away, bucket, config, s3, tmp_path, what
):
    files = "checkpoint.safetensors", "curves.csv", "run.json", "weights.safetensors"
    s3.faults += [Fault(what, "PUT", f"/g/{file}") for file in files]
    out = train(config(store=place(away), out=place(f"{bucket}/g")))
    assert [fault.happened for fault in s3.faults] == [1] * len(files)
    here = train(config(out=tmp_path / "g"))
    assert same(weights(out), weights(here))
    assert objects.get(out / "curves.csv") == (here / "curves.csv").read_bytes()
    assert not [name for name in objects.below(out) if "checkpoint" in name or "lock" in name]


def test_diagnose_reads_stores_and_runs_in_a_bucket(away, ground, tmp_path):
    done = CliRunner().invoke(
        main, ["diagnose", away, str(ground.store), "--from=depth", f"--out={tmp_path / 'd'}"]
    )
    here = CliRunner().invoke(
        main,
        ["diagnose", *[str(ground.store)] * 2, "--from=depth", f"--out={tmp_path / 'e'}"],
    )
    assert done.exit_code == here.exit_code, done.output
    assert done.exit_code == 0, done.output
