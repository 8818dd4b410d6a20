"""Units that are done once each, whatever workers do, and what a user is told otherwise."""

import logging
import os
import signal
import sys
import time
from contextlib import closing, nullcontext
from types import SimpleNamespace
from typing import Any

import dask
import pytest
from distributed import Client, get_worker

from atdt.cluster import Cluster, client, crew, own, worker
from atdt.errors import NumericsError, UserError, WorkerError


class Toy:
    """A bench whose result is the unit and who did it; `config` says how, by worker."""

    opened = 0

    def __init__(self, config: Any):
        Toy.opened += 1
        self.config = config
        self.description = {"what": "toy"}

    def work(self, unit: int) -> tuple[int, str]:
        address = get_worker().address
        if self.config:
            self.config(address, unit)
        return unit, address


def units_of(workers, units) -> dict[int, str]:
    """Who did which unit; every result belongs to its unit, and comes once."""
    done = {}
    with closing(workers.results(units)) as results:
        for unit, (same, address) in results:
            assert unit == same
            assert unit not in done
            done[unit] = address
    return done


def test_every_unit_is_done_once_and_the_bench_is_opened_once(threads, hire, monkeypatch):
    monkeypatch.setattr(client, "FEWEST", 1)  # two workers do fewer at a time than there are
    monkeypatch.setattr(client, "COUNTED", 3)
    Toy.opened = 0
    with hire(threads(2), Toy) as workers:
        assert (workers.size, workers.description) == (2, {"what": "toy"})
        assert set(units_of(workers, range(20))) == set(range(20))
        assert Toy.opened == 1  # the workers share a process here
        assert set(units_of(workers, [])) == set()
    assert not worker._benches


def test_a_worker_that_comes_late_takes_its_share(threads, hire):
    cluster = threads(1)
    with hire(cluster, Toy, lambda address, unit: time.sleep(0.05)) as workers:
        done = {}
        with closing(workers.results(range(40))) as results:
            for unit, (_, address) in results:
                if not done:
                    cluster.scale(2)
                done[unit] = address
    assert set(done) == set(range(40))
    assert len(set(done.values())) == 2


def test_a_slow_worker_keeps_nobody_waiting(threads, hire):
    cluster = threads(2)
    slow = next(iter(cluster.scheduler_info["workers"]))

    def work(address, unit):
        time.sleep(1 if address == slow else 0.01)

    with hire(cluster, Toy, work) as workers:
        done = units_of(workers, range(40))
    assert set(done) == set(range(40))
    assert 1 <= list(done.values()).count(slow) <= 4


def test_an_unfit_worker_is_said_once_and_given_no_more_than_it_refuses(threads, hire, monkeypatch):
    monkeypatch.setattr(worker, "REFUSAL_SECONDS", 0.01)
    cluster = threads(2)
    unfit = next(iter(cluster.scheduler_info["workers"]))
    said = []

    def work(address, unit):
        time.sleep(0.02)
        if address == unfit:
            raise WorkerError("its disk is another")

    with hire(cluster, Toy, work, said.append) as workers:
        done = units_of(workers, range(10))
    assert set(done) == set(range(10))
    assert set(done.values()) == set(cluster.scheduler_info["workers"]) - {unfit}
    told = [line for line in said if "its disk is another" in line]
    assert len(told) == 1
    assert "given no work" in told[0]


def test_where_nobody_is_fit_it_ends(threads, hire, monkeypatch):
    monkeypatch.setattr(worker, "REFUSAL_SECONDS", 0.01)

    def work(address, unit):
        raise WorkerError("its disk is another")

    with hire(threads(2), Toy, work) as workers, pytest.raises(WorkerError, match="no worker is"):
        units_of(workers, range(10))


def test_a_mistake_in_a_unit_is_what_the_caller_sees(threads, hire):
    done = []

    def work(address, unit):
        done.append(unit)
        time.sleep(0.01)
        if unit == 3:
            raise NumericsError("sample 'x' has values that are not finite")

    with hire(threads(2), Toy, work) as workers:
        with pytest.raises(NumericsError, match="sample 'x'"):
            units_of(workers, range(500))
        time.sleep(0.2)
    assert len(done) < 100  # the others were called off


def test_workers_with_other_software_are_refused_before_anything_is_done(
    threads, hire, monkeypatch
):
    monkeypatch.setattr(client, "provenance", lambda: {"versions": {"torch": "1.0"}})
    message = r"worker inproc\S+: .*versions.torch: the client has 1\.0, the worker has "
    with pytest.raises(WorkerError, match=message), hire(threads(1), Toy):
        pass


class Broken:
    def __init__(self, config):
        raise KeyError("label_space")


def test_what_a_worker_cannot_open_is_said_in_one_line(threads, hire):
    with (
        pytest.raises(WorkerError, match=r"worker inproc\S+: .*label_space"),
        hire(threads(1), Broken),
    ):
        pass


def test_a_client_that_has_other_things_than_its_workers_says_in_what(threads, hire):
    with hire(threads(1), Toy) as workers, pytest.raises(WorkerError, match="what: the client has"):
        workers.expect({"what": "other"})


def test_nobody_at_the_address_and_nobody_who_works(threads, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", 0.5)
    for address, message in (
        ("tcp://127.0.0.1:9", "no scheduler answers"),
        ("nonsense://1", "no scheduler answers"),
        (threads(0).scheduler_address, "no worker answers"),
    ):
        where = Cluster(address=address)
        with (
            pytest.raises(UserError, match=f"--dask {address}: {message}"),
            crew(where, "toy", Toy, None, 1, print),
        ):
            pass


def test_a_scheduler_that_goes_away_ends_it_in_one_line(threads, hire):
    cluster = threads(1)
    with (
        hire(cluster, Toy, lambda address, unit: time.sleep(0.05)) as workers,
        closing(workers.results(range(100))) as results,
    ):
        next(results)
        cluster.close()
        with pytest.raises(UserError, match=r"the scheduler is gone.*--resume"):
            list(results)


def test_ctrl_c_is_left_to_the_client():
    logger = logging.getLogger("distributed.worker.state_machine")
    level, handler = logger.level, signal.getsignal(signal.SIGINT)
    try:
        own.dask_setup(SimpleNamespace(name=0))
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, handler)
        logger.setLevel(level)


@pytest.mark.parametrize(
    ("visible", "count", "taken"),
    [
        (None, 0, [None, None]),
        ("", 0, ["", ""]),
        (None, 2, ["0", "1", "0"]),
        ("5,GPU-8932,-1,1", 2, ["5", "GPU-8932", "5"]),  # CUDA stops at the first that is not there
    ],
)
def test_own_workers_take_gpus_in_turns(monkeypatch, visible, count, taken):
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    for number, gpu in enumerate(taken):
        monkeypatch.delenv(own.VISIBLE, raising=False)
        if visible is not None:
            monkeypatch.setenv(own.VISIBLE, visible)
        own.take_gpu(number)
        assert os.environ.get(own.VISIBLE) == gpu


def test_an_own_worker_that_was_killed_comes_back_however_long_that_takes(forked_workers):
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1ms"}),  # as a user may have it
        client.own_workers(1) as cluster,
        Client(cluster, set_as_default=False) as asking,
    ):
        (killed,) = asking.run(os.getpid).values()
        os.kill(killed, signal.SIGKILL)
        while killed in asking.run(os.getpid, on_error="ignore").values():
            time.sleep(0.02)
        asking.wait_for_workers(1, timeout=client.STARTING)
        (another,) = asking.run(os.getpid).values()
    assert another != killed


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = r"--workers 2 needs .*pip install 'atdt\[cluster\]'"
    with (
        pytest.raises(UserError, match=message),
        crew(Cluster(None, 2), "toy", Toy, None, 1, print),
    ):
        pass


def test_without_bokeh_it_says_so_instead_of_an_address(threads, monkeypatch):
    mine = threads(1)
    monkeypatch.setitem(sys.modules, "distributed.dashboard.scheduler", None)
    monkeypatch.setattr(client, "own_workers", lambda count: nullcontext(mine))
    said = []
    with crew(Cluster(workers=1), "toy", Toy, None, 1, said.append):
        pass
    assert "no dashboard (" in said[0]
    assert "pip install 'atdt[cluster]'" in said[0]


@pytest.mark.parametrize(
    ("cluster", "device", "message"),
    [
        (Cluster(), "auto", "exclude each other"),
        (Cluster("tcp://a:1", 2), "auto", "exclude each other"),
        (Cluster(workers=0), "auto", "--workers 0"),
        (Cluster(workers=2), "cuda:1", "--device cuda:1: each of --workers has a GPU of its own"),
    ],
)
def test_a_cluster_that_cannot_be_meant(cluster, device, message):
    with pytest.raises(UserError, match=message):
        cluster.check(device)
