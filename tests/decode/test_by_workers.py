"""Decoding by worker processes, to a disk and to a bucket: the files of a single process on a disk,
whoever is killed on the way."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from click.testing import CliRunner

from atdt.cli import main
from atdt.cluster import Cluster
from atdt.decode import Decoding, Prediction, decode, ledger, predict
from atdt.decode.bench import DecodingBench, Order, Unit
from atdt.decode.config import Output
from atdt.decode.decode import prepare
from atdt.decode.folder import STAGING, PredictionsWriter
from atdt.decode.output import Sink, open_folder
from atdt.decode.pipeline import predicted
from atdt.errors import MismatchError, UserError, WorkerError
from atdt.files import write_atomic
from atdt.places import is_remote, place, storage_options
from atdt.predictions import INDEX, LEDGER
from benchmarks.s3 import Fault
from tests.made_objects import download


@pytest.fixture
def theirs(dask_workers) -> Cluster:
    return Cluster(address=dask_workers.scheduler_address)


@pytest.fixture(params=["disk", "bucket"])
def out(request, tmp_path: Path) -> Path:
    """Where predictions go."""
    if request.param == "disk":
        return tmp_path / "p"
    request.getfixturevalue("s3_options")
    return place(f"{request.getfixturevalue('bucket')}/p")


@pytest.fixture
def config(road, out: Path, monkeypatch) -> Decoding:
    """Relative paths, which mean nothing to a worker."""
    monkeypatch.chdir(road.folder)
    return Decoding(
        transfer=Path("g"),
        domain="b:test",
        encoder=Path("n1"),
        out=out,
        batch=2,
        device="cpu",
        save_logits=True,
        save_features=True,
    )


@pytest.fixture
def aside(tmp_path: Path) -> Callable[..., Output]:
    """The same by this process alone, on the disk."""
    return lambda config: replace(config, out=tmp_path / "alone", cluster=None)


def content(folder: Path) -> dict[str, object]:
    """Every file of a predictions folder, without what says when and by which command."""
    if is_remote(folder):
        with TemporaryDirectory() as here:
            return content(download(str(folder), Path(here)))
    found: dict[str, object] = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if name == "predictions.json":
            found[name] = json.loads(file.read_text()) | {"provenance": None}
        else:
            found[name] = file.is_dir() or file.read_bytes()
    return found


def test_workers_make_the_files_of_a_single_process(config, aside, theirs, road) -> None:
    alone = content(decode(aside(config)))
    said = []
    assert content(decode(replace(config, cluster=theirs), said.append)) == alone
    assert "2 workers of 1 thread" in said[-1]
    assert content(decode(replace(config, cluster=theirs, resume=True))) == alone
    with pytest.raises(UserError, match="--resume goes on with them"):
        decode(replace(config, cluster=theirs))


def test_from_a_store_and_a_network_alone(config, aside, theirs, road) -> None:
    stored = replace(config, domain=None, encoder=None, store=Path("b.zarr"))
    alone = content(decode(aside(stored)))
    assert content(decode(replace(stored, cluster=theirs))) == alone
    network = Prediction(run=Path("n2"), domain="b:test@3", out=config.out, overwrite=True)
    network = replace(network, batch=2, device="cpu")
    alone = content(predict(aside(network)))
    assert content(predict(replace(network, cluster=theirs))) == alone


@pytest.fixture
def watched(config, road, watched_run, monkeypatch) -> Decoding:
    """By a network that does what the files of its folder say."""
    monkeypatch.chdir(watched_run.parent)  # where its module lies
    return replace(
        config,
        transfer=road.transfer,
        domain=road.domain,
        encoder=watched_run,
        decoder=road.n2,
        allow_mismatch=("encoder",),
        allow_import=True,
    )


def test_a_killed_worker_costs_nothing(watched, aside, theirs, watched_run) -> None:
    alone = content(decode(aside(watched)))
    death = watched_run.parent / "die computing"
    death.touch()
    assert content(decode(replace(watched, cluster=theirs))) == alone
    assert not death.exists()


def test_a_killed_client_is_resumed_while_its_workers_go_on(watched, aside, theirs, watched_run):
    alone = content(decode(aside(watched)))
    seconds = watched_run.parent / "seconds"
    seconds.write_text("0.3")
    arguments = [
        *("decode", watched.transfer, "--domain", watched.domain, "--out", watched.out),
        *("--encoder", watched_run, "--decoder", watched.decoder, "--allow-import"),
        *("--allow-mismatch", "encoder", "--batch", 2, "--device", "cpu", "--save-logits"),
        *("--save-features", "--dask", theirs.address),
        *("--storage-options", json.dumps(storage_options())),
    ]
    try:
        with subprocess.Popen([sys.executable, "-m", "atdt", *map(str, arguments)]) as killed:
            while not place(str(watched.out / "predictions")).exists():
                assert killed.poll() is None
                time.sleep(0.02)
            killed.kill()
    finally:
        seconds.write_text("0")
    assert not (watched.out / INDEX).exists()
    assert content(decode(replace(watched, cluster=theirs, resume=True))) == alone


def test_what_was_done_alone_is_finished_by_workers(config, aside, theirs, monkeypatch) -> None:
    monkeypatch.setattr(ledger, "SEND_EVERY", 0.0)
    alone = content(decode(aside(config)))
    real = Sink.save

    def dying(self, image, arrays):
        if image == "x/z.0001.png":
            raise KeyboardInterrupt
        return real(self, image, arrays)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Sink, "save", dying)
        decode(config)
    finish = replace(config, cluster=theirs, resume=True)
    with pytest.raises(MismatchError, match=r"computed\.threads"):
        decode(replace(finish, threads=2))
    assert content(decode(finish)) == alone


def test_files_of_a_worker_that_was_given_up_are_taken_by_nobody(
    config, aside, theirs, monkeypatch
):
    """A client dies; its workers go on writing, while others begin anew with something else."""
    take_in, left = PredictionsWriter.take_in, []

    def dying(self, written):
        left.extend(file for files in written.values() for file in files.values())
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(PredictionsWriter, "take_in", dying)
        decode(replace(config, cluster=theirs))
    assert all(file.is_file() and file.parent.parent.name == STAGING for file in left)

    def with_a_late_one(self, written):
        late = left[0]
        late.parent.mkdir(parents=True, exist_ok=True)
        late.write_bytes(b"late")
        take_in(self, written)

    other = replace(config, transfer=Path("head"), overwrite=True, cluster=theirs)
    alone = content(decode(aside(other)))
    monkeypatch.setattr(PredictionsWriter, "take_in", with_a_late_one)
    assert content(decode(other)) == alone


def test_a_worker_that_is_too_late_deletes_what_it_has_written(config, aside, monkeypatch):
    """And what one leaves that is killed then is deleted by --resume."""
    made = prepare(config, torch.device("cpu"))
    with open_folder(made.task, made.header, made.source, config):
        pass  # begun
    bench = DecodingBench(Order(prepare, config, made.known))
    unit = Unit(made.source.batches, ledger.ledger_digest(config.out / LEDGER))
    files = bench.work(unit)
    assert all(file.is_file() for parts in files.values() for file in parts.values())
    alone = content(decode(aside(config)))

    def late(*arguments):
        yield from predicted(*arguments)
        decode(replace(config, resume=True))

    monkeypatch.setattr("atdt.decode.bench.predicted", late)
    with pytest.raises(WorkerError, match="not the folder"):
        bench.work(unit)
    assert {n: c for n, c in content(config.out).items() if n != STAGING} == alone
    write_atomic(config.out / STAGING / "0" / "predictions-0.png", b"late")
    assert content(decode(replace(config, resume=True))) == alone


@pytest.mark.parametrize("out", ["bucket"], indirect=True)
def test_requests_that_go_wrong_change_nothing(config, aside, theirs, s3) -> None:
    alone = content(decode(aside(config)))
    s3.faults += [
        Fault("busy", "PUT", f"{STAGING}/"),
        Fault("failed", "PUT", f"{STAGING}/"),
        Fault("lost", "PUT", "/p/predictions/"),  # a copy, done or not
        Fault("dropped", "PUT", "/p/logits/"),
        Fault("lost", "DELETE", f"{STAGING}/"),
    ]
    assert content(decode(replace(config, cluster=theirs))) == alone
    assert all(fault.happened for fault in s3.faults)


def test_a_device_that_a_worker_lacks_is_one_line(config, theirs) -> None:
    given = ["--encoder", "n1", "--decoder", "n2", "--domain", "b:test", "--out", str(config.out)]
    where = ["--dask", theirs.address, "--device", "cuda:7"]
    done = CliRunner().invoke(main, ["decode", "g", *given, *where])
    assert done.exit_code == 2
    assert "worker tcp://" in done.output
    assert "--device cuda:7: this machine has" in done.output
    assert not config.out.exists()
