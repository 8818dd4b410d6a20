"""`atdt extract --out s3://…`: the bytes of a store on the disk, also after a kill."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt import objects
from atdt.cli import main
from atdt.places import place
from atdt.stores import open_store, verify_store
from benchmarks.s3 import Fault
from tests.made_objects import download, upload


@pytest.fixture
def arguments(domain, networks) -> list[str]:
    encoders = [f"--encoder={networks['n1']}", f"--encoder={networks['n2']}"]
    view = ["--views=2", "--crop=16x20", "--labels=depth"]
    how = ["--samples-per-shard=4", "--batch=3", "--device=cpu", "--threads=1"]
    return ["extract", domain, *encoders, *view, *how]


def shards(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "/c/" in str(file)
    }


def test_the_shards_are_those_of_a_store_on_the_disk(arguments, bucket, tmp_path, s3):
    out = f"{bucket}/a.zarr"
    done = CliRunner().invoke(main, [*arguments, f"--out={out}"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == out
    assert "free" not in done.stdout
    assert CliRunner().invoke(main, [*arguments, f"--out={tmp_path / 'a.zarr'}"]).exit_code == 0
    assert shards(download(out, tmp_path / "down")) == shards(tmp_path / "a.zarr")
    assert verify_store(tmp_path / "down").problems == ()
    again = CliRunner().invoke(main, [*arguments, f"--out={out}"], catch_exceptions=False)
    assert again.stdout.count("complete, nothing to do") == 3


def test_an_encoder_may_lie_there_too(domain, networks, bucket):
    run = upload(networks["n1"], f"{bucket}/n1")
    out = f"{bucket}/a.zarr"
    given = ["extract", domain, f"--encoder=e={run}", f"--out={out}", "--views=1", "--crop=16x20"]
    done = CliRunner().invoke(main, given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    store = open_store(out)
    (level,) = store.levels()
    assert store.features(level, "e").attrs["run"] == run


def test_after_a_kill_the_same_command_with_resume_ends_in_the_same_store(
    arguments, bucket, tmp_path, s3
):
    out = f"{bucket}/a.zarr"
    command = [sys.executable, "-m", "atdt", *arguments, f"--out={out}"]
    s3.latency = 0.02
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not any(m == "PUT" and "/commits/" in path for m, path in s3.requests):
        assert killed.poll() is None
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    s3.forget()
    left = objects.below(place(out))
    assert any("writer.lock" in name for name in left)
    done = CliRunner().invoke(
        main, [*arguments, f"--out={out}", "--resume"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    assert CliRunner().invoke(main, [*arguments, f"--out={tmp_path / 'a.zarr'}"]).exit_code == 0
    found = shards(download(out, tmp_path / "down"))
    assert found == shards(tmp_path / "a.zarr")
    assert not [n for n in objects.below(place(out)) if "lock" in n or "commits" in n]


def test_a_server_that_stays_busy_ends_with_2_and_how_to_go_on(arguments, bucket, s3, monkeypatch):
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3.faults.append(Fault("busy", "PUT", "/commits/1", times=1000))
    options = ["--storage-options", json.dumps({"config_kwargs": {"user_agent_extra": "t"}})]
    out = f"{bucket}/a.zarr"
    done = CliRunner().invoke(main, [*arguments, f"--out={out}", *options])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert out in line and "--resume" in line
    s3.forget()
    again = CliRunner().invoke(main, [*arguments, f"--out={out}", "--resume"])
    assert again.exit_code == 0, again.output
    assert verify_store(out).problems == ()


def test_workers_write_there_too(config, dask_workers, s3_options, bucket, tmp_path):
    from atdt.cluster import Cluster
    from atdt.extract import extract

    out = place(f"{bucket}/a.zarr")
    extract(config(out=out, cluster=Cluster(address=dask_workers.scheduler_address)))
    here = extract(config(out=tmp_path / "b.zarr"))
    down = download(str(out), tmp_path / "down")
    assert shards(down) == shards(here)
    assert verify_store(down).problems == ()
    left = objects.below(out)
    assert not [name for name in left if "partial" in name or "lock" in name or "commits" in name]


def test_credentials_are_in_nothing_that_is_written(arguments, bucket, s3, monkeypatch):
    from benchmarks.s3 import CREDENTIALS

    key, secret = CREDENTIALS.values()
    out = f"{bucket}/a.zarr"
    options = ["--storage-options", f"key={key}", f"--storage-options=secret={secret}"]
    monkeypatch.setattr(sys, "argv", ["atdt", *arguments, *options])
    done = CliRunner().invoke(main, [*arguments, f"--out={out}", *options], catch_exceptions=False)
    assert done.exit_code == 0
    texts = [objects.get(place(out) / n) for n in objects.below(place(out)) if "/c/" not in n]
    assert any(b"--storage-options=" in text for text in texts)
    assert not any(secret.encode() in text for text in texts)
