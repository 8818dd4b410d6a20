"""Extraction by workers that die, come late, are slow or lose their client: nothing is lost."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from distributed import Client, LocalCluster

from atdt.cluster import Cluster
from atdt.errors import UserError
from atdt.extract import Extraction, extract
from atdt.places import place
from atdt.stores import FeatureWriter, verify_store
from atdt.stores.ledger import read_ledger
from benchmarks.s3 import Fault
from tests.extract.store_content import content
from tests.made_forks import Fork


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

    def partial() -> list[Path]:
        return list((tmp_path / "a.zarr").rglob("*.partial"))

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
            until(lambda: len(partial()) == len(names) * blocks_by(own)[dead])  # it is done
            late.extend(partial())

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
