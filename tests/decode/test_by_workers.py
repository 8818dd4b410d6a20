"""Decoding by worker processes: the files of a single process, whoever is killed on the way."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.cluster import Cluster
from atdt.decode import Decoding, Prediction, decode, predict
from atdt.decode.folder import STAGING, PredictionsWriter
from atdt.decode.output import Sink
from atdt.errors import MismatchError, UserError


@pytest.fixture
def theirs(dask_workers) -> Cluster:
    return Cluster(address=dask_workers.scheduler_address)


@pytest.fixture
def config(road, tmp_path: Path, monkeypatch) -> Decoding:
    """Relative paths, which mean nothing to a worker."""
    monkeypatch.chdir(road.folder)
    return Decoding(
        transfer=Path("g"),
        domain="b:test",
        encoder=Path("n1"),
        out=tmp_path / "p",
        batch=2,
        device="cpu",
        save_logits=True,
        save_features=True,
    )


def content(folder: Path) -> dict[str, object]:
    """Every file of a predictions folder, without what says when and by which command."""
    found: dict[str, object] = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if name == "predictions.json":
            found[name] = json.loads(file.read_text()) | {"provenance": None}
        else:
            found[name] = file.is_dir() or file.read_bytes()
    return found


def aside(config, **changes):
    """The same by this process alone, elsewhere."""
    return replace(config, out=config.out.with_name("alone"), cluster=None, **changes)


def test_workers_make_the_files_of_a_single_process(config, theirs, road) -> None:
    alone = content(decode(aside(config)))
    said = []
    assert content(decode(replace(config, cluster=theirs), said.append)) == alone
    assert "2 workers of 1 thread" in said[-1]
    assert content(decode(replace(config, cluster=theirs, resume=True))) == alone
    with pytest.raises(UserError, match="--resume goes on with them"):
        decode(replace(config, cluster=theirs))


def test_from_a_store_and_a_network_alone(config, theirs, road) -> None:
    stored = replace(config, domain=None, encoder=None, store=Path("b.zarr"))
    alone = content(decode(aside(stored)))
    assert content(decode(replace(stored, cluster=theirs))) == alone
    network = Prediction(run=Path("n2"), domain="b:test@3", out=config.out, overwrite=True)
    network = replace(network, batch=2, device="cpu")
    alone = content(predict(aside(network)))
    assert content(predict(replace(network, cluster=theirs))) == alone


def test_a_killed_worker_costs_nothing(config, theirs, road, watched_run, monkeypatch) -> None:
    monkeypatch.chdir(watched_run.parent)  # where the network's module lies
    own = replace(
        config,
        transfer=road.transfer,
        domain=road.domain,
        encoder=watched_run,
        decoder=road.n2,
        allow_mismatch=("encoder",),
        allow_import=True,
    )
    alone = content(decode(aside(own)))
    death = watched_run.parent / "die computing"
    death.touch()
    assert content(decode(replace(own, cluster=theirs))) == alone
    assert not death.exists()


def test_what_was_done_alone_is_finished_by_workers(config, theirs, monkeypatch) -> None:
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


def test_files_of_a_worker_that_was_given_up_are_taken_by_nobody(config, theirs, monkeypatch):
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


def test_a_device_that_a_worker_lacks_is_one_line(config, theirs) -> None:
    given = ["--encoder", "n1", "--decoder", "n2", "--domain", "b:test", "--out", str(config.out)]
    where = ["--dask", theirs.address, "--device", "cuda:7"]
    done = CliRunner().invoke(main, ["decode", "g", *given, *where])
    assert done.exit_code == 2
    assert "worker tcp://" in done.output
    assert "--device cuda:7: this machine has" in done.output
    assert not config.out.exists()
