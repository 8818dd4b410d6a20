"""Extraction by worker processes: the bits of a single process, whoever is killed on the way."""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import dask
import psutil
import pytest
from click.testing import CliRunner
from distributed import Client, LocalCluster

from atdt.cli import main
from atdt.cluster import Cluster, client
from atdt.domains import Domain
from atdt.errors import DomainError, MismatchError, UserError, WorkerError
from atdt.extract import Extraction, extract
from atdt.places import is_remote, place
from atdt.stores import FeatureWriter, compare_stores, verify_store
from atdt.stores.ledger import block_lines, read_ledger
from benchmarks.s3 import Fault
from tests.made_forks import Fork
from tests.made_objects import download

PROGRESS = r"extract: (?P<done>\d+)/14 samples, \d+:\d\d left"


@pytest.fixture
def own(watched_run) -> Path:
    """The folder of a user's own network, whose files say what it does in a worker."""
    (watched_run.parent / "seen").write_text("")
    return watched_run.parent


@pytest.fixture
def watched(own, config, monkeypatch):
    """An extraction by that network and a built-in one; its relative paths are of its folder."""
    monkeypatch.chdir(own)
    encoders = (("mine", Path("run")), *config().encoders)
    return lambda **changes: config(
        **{"encoders": encoders, "allow_import": True, "samples_per_shard": 2, **changes}
    )


@pytest.fixture
def theirs(dask_workers) -> Cluster:
    return Cluster(address=dask_workers.scheduler_address)


def content(path: Path) -> dict[str, object]:
    """Every file of a store, without what says when and by which command it was made."""
    if is_remote(path):
        with TemporaryDirectory() as here:
            return content(download(str(path), Path(here)))
    found = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.name == "ledger.jsonl":
            ledger = read_ledger(file)
            assert ledger.problem is None
            lines = list(block_lines(file, ledger.places.values()))
            found[name] = lines, (ledger.complete or {}).get("statistics")
        elif file.name == "zarr.json":
            metadata = json.loads(file.read_bytes())
            for note in ("created", "command"):
                metadata["attributes"].pop(note, None)
            found[name] = metadata
        elif file.is_file():
            found[name] = file.read_bytes()
    return found


@pytest.fixture
def alone(watched, tmp_path) -> dict[str, object]:
    """What a single process makes of it."""
    return content(extract(watched(out=tmp_path / "alone.zarr")))


def test_workers_make_the_bits_of_a_single_process(
    watched, alone, theirs, own, monkeypatch, capsys
):
    monkeypatch.setattr("atdt.progress.LINE_EVERY_SECONDS", 0.0)
    said = []
    path = extract(watched(cluster=theirs), said.append)
    assert content(path) == alone
    lines = [re.fullmatch(PROGRESS, line) for line in capsys.readouterr().err.splitlines()]
    done = [int(line["done"]) for line in lines if line]
    assert len(done) == 7  # a line for each block
    assert done == sorted(done) and done[-1] == 14
    assert "2 workers of 1 thread; dashboard: " in said[-1]
    assert os.getpid() not in {int(pid) for pid in (own / "seen").read_text().split()}
    again = extract(watched(cluster=theirs))  # nothing to do: no worker is asked
    assert content(again) == alone


def test_compressed_shards_too(config, theirs, tmp_path):
    chosen = config(compressor="zstd", keep_bits=4)
    alone = content(extract(replace(chosen, out=tmp_path / "alone.zarr")))
    assert content(extract(replace(chosen, cluster=theirs))) == alone


def test_killed_workers_cost_nothing(watched, alone, theirs, own):
    deaths = [own / "die computing", own / "die writing"]
    for death in deaths:
        death.touch()
    path = extract(watched(cluster=theirs))
    assert not any(death.exists() for death in deaths)
    assert content(path) == alone  # no half-written file of the dead one either
    assert not verify_store(path).problems


def test_in_a_bucket_neither_a_death_nor_requests_that_go_wrong_change_anything(
    watched, theirs, own, bucket, s3, s3_options, tmp_path
):
    chosen = watched(samples_per_shard=7)
    alone = content(extract(replace(chosen, out=tmp_path / "alone.zarr")))
    death = own / "die writing"
    death.touch()
    shard, its_place, commit = r"/c/.*\.partial$", r"/c/[\d/]+$", "/commits/"
    s3.faults += [
        Fault("busy", "PUT", shard),
        Fault("failed", "PUT", shard),
        Fault("lost", "PUT", its_place),  # a copy, done or not
        Fault("dropped", "PUT", its_place),
        Fault("lost", "DELETE", shard),
        Fault("lost", "PUT", commit),
        Fault("busy", "PUT", commit),
        Fault("failed", "PUT", "/ledger.jsonl$"),
    ]
    path = extract(replace(chosen, cluster=theirs, out=place(f"{bucket}/a.zarr")))
    assert content(path) == alone
    assert not death.exists()
    assert all(fault.happened for fault in s3.faults)


@pytest.fixture
def workers(forked_workers) -> Iterator[Callable[[int], LocalCluster]]:
    """So many processes of a test's own, each of which takes a block at a time."""
    with ExitStack() as stack:
        yield lambda count: stack.enter_context(
            LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",
            )
        )


@pytest.fixture
def slow(own) -> Iterator[Path]:
    """The file that says who waits."""
    yield own / "slow"
    (own / "slow").unlink(missing_ok=True)


def pids(cluster: LocalCluster) -> dict[str, int]:
    """Of the workers, by their addresses."""
    with Client(cluster, set_as_default=False) as client:
        return client.run(os.getpid)


def blocks_by(own: Path) -> Counter[int]:
    """How many blocks each process has begun, of one batch each."""
    return Counter(int(pid) for pid in (own / "seen").read_text().split())


def until(happened: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    for _ in range(6000):
        if happened():
            return
        time.sleep(0.02)
    raise TimeoutError


AtCommit = Callable[[set[tuple[str, int]]], None]


@pytest.fixture
def by_many(watched, tmp_path, monkeypatch) -> Callable[[LocalCluster, AtCommit], None]:
    """Extracts 14 blocks by the workers of a cluster, to the bits of one process; has a function
    called after each commit, with the arrays and blocks that are committed."""

    def made(cluster: LocalCluster, at_commit: AtCommit) -> None:
        chosen = watched(samples_per_shard=1)
        alone = content(extract(replace(chosen, out=tmp_path / "alone.zarr")))
        commit, committed = FeatureWriter.commit, set()

        def calling(self, shard):
            commit(self, shard)
            committed.add((self.name, shard.block))
            at_commit(committed)

        monkeypatch.setattr(FeatureWriter, "commit", calling)
        path = extract(replace(chosen, cluster=Cluster(address=cluster.scheduler_address)))
        assert content(path) == alone

    return made


def test_a_worker_that_comes_late_takes_its_share(by_many, workers, own, slow):
    cluster = workers(1)
    (first,) = pids(cluster).values()

    def add_another(committed):
        if cluster.workers.keys() == {0}:
            slow.write_text(str(first))  # until the other has done some
            cluster.scale(2)
        if blocks_by(own).total() - blocks_by(own)[first] > 2:
            slow.unlink(missing_ok=True)

    by_many(cluster, add_another)
    done = blocks_by(own)
    assert set(done) == set(pids(cluster).values())
    assert len(done) == 2
    assert done.total() == 14  # none twice


def test_a_slow_worker_leaves_the_work_to_the_other(by_many, dask_workers, own, slow):
    tortoise, hare = pids(dask_workers).values()
    slow.write_text(str(tortoise))

    def release(committed):
        if len({block for _, block in committed}) > 10:
            slow.unlink(missing_ok=True)

    by_many(dask_workers, release)
    done = blocks_by(own)
    assert done[hare] > done[tortoise] > 0
    assert done.total() == 14


def test_what_a_worker_writes_that_was_taken_for_dead_gets_no_name(
    by_many, workers, own, slow, tmp_path
):
    cluster = workers(2)
    (address, dead), (_, alive) = pids(cluster).items()
    slow.write_text(str(dead))
    late: list[Path] = []

    async def give_up(dask_scheduler):
        await dask_scheduler.remove_worker(address, stimulus_id="test", close=False)

    def go_on(committed):
        if len(committed) == 1:
            until(lambda: dead in blocks_by(own))
            with Client(cluster, set_as_default=False) as client:
                client.run_on_scheduler(give_up)
        names = {name for name, _ in committed}
        if len(committed) == 14 * len(names):  # that one's block too, by the other
            slow.unlink()
            until(lambda: late.extend((tmp_path / "a.zarr").rglob("*.partial")) or bool(late))

    by_many(cluster, go_on)  # without what is late
    assert late
    done = blocks_by(own)
    assert done[alive] == 14
    assert done[dead] > 0  # it may have been given a second one before


def test_a_unit_that_kills_its_workers_is_given_up(watched, theirs, own, dask_workers, monkeypatch):
    monkeypatch.setattr(dask_workers.scheduler, "allowed_failures", 0)
    (own / "deadly").touch()
    try:
        with pytest.raises(UserError, match=r"workers died of it.*--resume"):
            extract(watched(cluster=theirs))
    finally:
        (own / "deadly").unlink()


ATDT = "from atdt.cli import main; main(prog_name='atdt')"
Interrupt = Callable[..., list[psutil.Process]]


@pytest.fixture
def interrupt(own) -> Interrupt:
    """Has a command extract as a config says, and kills it at the second commit; gives back the
    processes that it had started."""

    def interrupted(chosen: Extraction, *where: str) -> list[psutil.Process]:
        arguments = [
            *("extract", chosen.domain, "--out", chosen.out, "--labels", "semantic", "--flip"),
            *("--encoder", "mine=run", "--encoder", chosen.encoders[1][1], "--allow-import"),
            *("--encoder", chosen.encoders[2][1], "--views", 2, "--seed", 3, "--crop", "16x20"),
            *("--photometric", "strong", "--samples-per-shard", 2, "--batch", 3),
            *("--device", "cpu", "--threads", 1, *where),
        ]
        (own / "seconds").write_text("0.2")
        killed = Fork(ATDT, list(map(str, arguments)), os.environ, own)
        ledger = chosen.out / "labels/semantic/ledger.jsonl"
        while not ledger.is_file() or len(read_ledger(ledger).blocks) < 2:
            assert killed.poll() is None, killed.communicate()
            time.sleep(0.02)
        started = psutil.Process(killed.pid).children(recursive=True)
        killed.kill()
        killed.communicate()
        assert read_ledger(ledger).complete is None
        (own / "seconds").write_text("0")
        return started

    return interrupted


def has_ended(process: psutil.Process) -> bool:
    """Also if nobody has asked how."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_killed_client_is_resumed_while_its_workers_go_on(watched, alone, theirs, interrupt):
    chosen = watched(cluster=theirs, threads=1)
    interrupt(chosen, "--dask", theirs.address)
    assert content(extract(replace(chosen, resume=True))) == alone


def test_workers_of_its_own_end_with_a_killed_client(watched, alone, own, interrupt):
    chosen = watched(threads=1)
    started = interrupt(chosen, "--workers", "2")
    assert set(blocks_by(own)) <= {process.pid for process in started}
    assert len(started) >= 2
    until(lambda: all(map(has_ended, started)))
    assert content(extract(replace(chosen, resume=True))) == alone


def test_resume_takes_the_threads_that_it_was_begun_with(watched, theirs, own):
    def stop(self, shard):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("atdt.stores.writer.FeatureWriter.commit", stop)
        extract(watched(cluster=theirs))
    said = []
    with pytest.raises(MismatchError, match="threads: store has 1, run has 2"):
        extract(watched(cluster=theirs, resume=True, threads=2), said.append)
    assert any("--threads 2: this process alone would take 1" in line for line in said)


def test_other_images_or_weights_on_a_worker_are_refused(watched, theirs, monkeypatch):
    chosen = watched(cluster=theirs)
    monkeypatch.setattr(Domain, "digest", lambda self: "0" * 64)
    with pytest.raises(WorkerError, match="domain: the client has 000000000000…, the worker has"):
        extract(chosen)
    assert not chosen.out.exists()


def test_a_mistake_in_the_data_is_the_clients_own(new_domain, config, theirs, tmp_path):
    domain = new_domain(tmp_path / "bad", [(18, 26)] * 7)
    (tmp_path / "bad/image/3.png").write_bytes((tmp_path / "bad/image/3.png").read_bytes()[:200])
    chosen = config(domain=domain, labels=(), cluster=theirs)
    with pytest.raises(DomainError, match=r"train\.txt:4: .*3\.png"):
        extract(chosen)
    alone = content(extract(replace(chosen, skip_bad=True, cluster=None, out=tmp_path / "o.zarr")))
    skipped = replace(chosen, skip_bad=True, resume=True, out=tmp_path / "skipped.zarr")
    assert content(extract(skipped)) == alone


def test_own_workers_by_the_command_line_and_their_dashboard(config, networks, monkeypatch):
    said, pages, tell, commit = [], {}, client._dashboard, FeatureWriter.commit

    def telling(*arguments):
        said.append(tell(*arguments))
        return said[-1]

    def look(self, shard):
        """While they extract."""
        commit(self, shard)
        address = said[0].removeprefix("dashboard: ").removesuffix("/status")
        for page in ("/status", "/info/main/workers.html"):
            with urlopen(address + page, timeout=60) as answer:
                assert answer.status == 200
                pages[page] = answer.read().decode()

    monkeypatch.setattr(client, "_dashboard", telling)
    monkeypatch.setattr(FeatureWriter, "commit", look)
    monkeypatch.setitem(dask.config.get("distributed.worker"), "multiprocessing-method", "spawn")
    chosen = config()
    arguments = [
        *("extract", chosen.domain, "--encoder", str(networks["n1"]), "--views", "1"),
        *("--out", str(chosen.out), "--workers", "2", "--device", "cpu"),
    ]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "2 workers of" in done.stdout
    assert said[0].startswith("dashboard: http://127.0.0.1:")
    assert said[0] in done.stdout
    assert "<title>Dask Diagnostic UI</title>" in pages["/status"]
    assert "Bokeh" in pages["/status"]  # draws it; a page that asks for bokeh has none
    shown = re.findall(r'href="[^"]*worker/([^"]+)\.html"', pages["/info/main/workers.html"])
    assert len(set(shown)) == 2
    assert not verify_store(chosen.out).problems


def test_other_threads_differ_within_the_rounding_of_float16(watched, theirs, tmp_path):
    stores = [
        extract(watched(cluster=theirs, threads=n, out=tmp_path / f"{n}.zarr")) for n in (1, 2)
    ]
    found = compare_stores(*stores)
    assert {"level4/mine", "level4/depth", "labels/semantic"} <= {a.name for a in found.arrays}
    assert not found.alone
    assert not any(array.is_beyond(1) for array in found.arrays)
