"""The client's side: finds workers, proves them fit, hands units out and takes results in."""

import itertools
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atdt.cluster.config import Cluster
from atdt.cluster.worker import SIDES, Bench, Job, Refused, hello, release, work
from atdt.errors import UserError, WorkerError
from atdt.places import storage_options
from atdt.provenance import provenance
from atdt.stores.provenance import differences

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

FEWEST = 64  # units that the scheduler knows of, or twice as many as the workers do at a time
COUNTED = 64  # units between two looks at how many those are
PATIENCE = 30  # seconds until somebody must have answered
LETTING_GO = 5  # seconds for workers to hear that a job is over; it is no harm if they do not
STARTING = 300  # seconds until a busy machine must have started our own workers
OWN = {
    # Dask looks into all threads' stacks a hundred times a second: 6 % of a small network's time.
    "distributed.worker.profile.enabled": False,
    # A worker that was killed is started anew. By default its place is given up after 15 seconds,
    # too few on a busy machine.
    "distributed.deploy.lost-worker-timeout": f"{STARTING}s",
}
SLOTS = 2  # units in a worker of ours: one is computed while another is read or written
EXTRA = "install it with `pip install 'atdt[cluster]'`"


class Crew:
    """Workers that have opened a job. Made by `crew`.

    Attributes:
        description: of the benches of all workers.
    """

    def __init__(self, client: "Client", name: str, job: Job, say: Callable[[str], Any]):
        self._client = client
        self._name = name
        self._job = replace(job, description=_greeted(client, job))
        self._say = say
        self._refused: set[str] = set()

    @property
    def size(self) -> int:
        """How many workers there are now."""
        return len(_addresses(self._client))

    @property
    def description(self) -> dict[str, Any]:
        return self._job.description

    def expect(self, description: dict[str, Any]) -> None:
        """Prove that the workers have what this process has.

        Raises:
            WorkerError: naming the differences.
        """
        lines = differences(
            description, self.description, {**description, **self.description}, SIDES
        )
        if lines:
            raise WorkerError("; ".join(lines))

    def results[Unit](self, units: Iterable[Unit]) -> Iterator[tuple[Unit, Any]]:
        """Have all units done; yields each with its result, as they come.

        A unit whose worker dies is given to another one. Close the iterator to call off what is
        under way (`contextlib.closing`).

        Raises:
            UserError: of a unit, as its worker raised it; or the scheduler is gone, or a unit took
                several workers with it.
            WorkerError: no worker is fit any more.
        """
        from distributed import as_completed

        waiting = ((number, 0, unit) for number, unit in enumerate(units))
        done = as_completed(with_results=True, raise_errors=False, loop=self._client.loop)
        under_way: dict[Any, tuple[Any, tuple[int, int, Unit]]] = {}

        def hand_out(number: int, attempt: int, unit: Unit) -> None:
            key = (f"{self._name}-{self._job.token}", number, attempt)
            # Not a must: those who are fit now may be gone when others have come.
            terms = {"workers": self._fit(), "allow_other_workers": True} if attempt else {}
            future = self._client.submit(work, self._job, unit, key=key, pure=False, **terms)
            under_way[key] = future, (number, attempt, unit)
            done.add(future)

        room = self._room()
        try:
            for entry in itertools.islice(waiting, room):
                hand_out(*entry)
            for future, result in done:
                _, (number, attempt, unit) = under_way.pop(future.key)
                _raise_failure(future.status, result)
                if isinstance(result, Refused):
                    self._refuse(result)
                    hand_out(number, attempt + 1, unit)
                    continue
                if isinstance(result, UserError):
                    raise result
                if number % COUNTED == 0:
                    room = self._room()
                for entry in itertools.islice(waiting, max(0, room - len(under_way))):
                    hand_out(*entry)
                yield unit, result
        finally:
            if self._client.status == "running":
                self._client.cancel([future for future, _ in under_way.values()])

    def _refuse(self, refused: Refused) -> None:
        """Say it once of each worker; the unit goes to others as long as there are any."""
        if refused.worker not in self._refused:
            self._refused.add(refused.worker)
            self._say(f"{refused.reason}; it is given no work")
        if not self._fit():
            raise WorkerError(f"no worker is fit: {refused.reason}")

    def _room(self) -> int:
        """More would be results that wait in memory for this process."""
        return max(FEWEST, 2 * sum(self._client.nthreads().values()))

    def _fit(self) -> list[str]:
        return sorted(_addresses(self._client) - self._refused)


@contextmanager
def crew(
    cluster: Cluster,
    name: str,
    open_bench: Callable[[Any], Bench],
    config: Any,
    threads: int,
    say: Callable[[str], Any],
) -> Iterator[Crew]:
    """Workers of `cluster`, each of which has opened the bench of `config`.

    Args:
        name: of the verb; dask's dashboard shows it.
        open_bench: function of a module that all workers can import.
        config: as `open_bench` takes it; paths in it are absolute.
        threads: that a unit computes with.
        say: called with each line that a user should see.

    Raises:
        UserError: dask.distributed is not installed, nobody answers at the address, or no worker
            is there.
        WorkerError: a worker is not fit; says which and why.
    """
    with ExitStack() as stack:
        # A scheduler that is gone is said in one line, not also by a traceback.
        stack.enter_context(_quiet("distributed.client", logging.CRITICAL))
        client = _connected(cluster, stack)
        versions = provenance()["versions"]
        token, storage = secrets.token_hex(8), storage_options()
        job = Job(token, open_bench, config, Path.cwd(), threads, versions, storage)
        stack.callback(_let_go, client, job.token)
        made = Crew(client, name, job, say)
        count = len(_addresses(client))
        say(
            f"{count} worker{'s' * (count > 1)} of {threads} thread{'s' * (threads > 1)}; "
            f"{_dashboard(client, cluster)}"
        )
        yield made


def _dashboard(client: "Client", cluster: Cluster) -> str:
    """Where it is, or why there is none; of others' schedulers its page says so."""
    if cluster.address is None:
        try:
            import distributed.dashboard.scheduler  # noqa: F401 – as our scheduler does
        except ImportError as error:
            return f"no dashboard ({error}); {EXTRA}"
    return f"dashboard: {client.dashboard_link}"


def _connected(cluster: Cluster, stack: ExitStack) -> "Client":
    address, workers = cluster.address, cluster.workers
    option = f"--workers {workers}" if address is None else f"--dask {address}"
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(f"{option} needs dask.distributed ({error}); {EXTRA}") from None
    try:
        place = stack.enter_context(own_workers(workers)) if address is None else address
        client = Client(place, timeout=PATIENCE, set_as_default=False, name="atdt")
        stack.enter_context(client)
        if address is None:
            client.wait_for_workers(workers, timeout=STARTING)
        else:
            client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise UserError(
            f"{option}: no worker answers ({error}); start one with "
            f"`dask worker {address or 'ADDRESS'} --nthreads {SLOTS}`"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{option}: no scheduler answers ({error}); start one with `dask scheduler`, and give "
            "the address that it prints"
        ) from None
    return client


@contextmanager
def own_workers(count: int) -> Iterator["LocalCluster"]:
    """A cluster of so many processes on this machine, as --workers has it."""
    import dask
    from distributed import LocalCluster

    with dask.config.set(OWN):  # as long as it is there: it looks them up when a worker is lost
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=SLOTS,
            memory_limit=0,  # of a worker: dask would stop it where a network is large
            dashboard_address="127.0.0.1:0",
            preload=["atdt.cluster.own"],
        )
        try:
            yield cluster
        finally:
            with _quiet("distributed.nanny", logging.ERROR):  # whom it ends by force is no news
                cluster.close()


@contextmanager
def _quiet(logger: str, level: int) -> Iterator[None]:
    """Within it dask says less."""
    speaker = logging.getLogger(logger)
    before = speaker.level
    speaker.setLevel(level)
    try:
        yield
    finally:
        speaker.setLevel(before)


def _greeted(client: "Client", job: Job) -> dict[str, Any]:
    """What all workers have opened.

    Raises:
        WorkerError: one could not, or has other things than the others.
    """
    found = client.run(hello, job, on_error="return")
    for worker, answer in found.items():
        if isinstance(answer, Exception):
            raise WorkerError(f"worker {worker}: {answer or type(answer).__name__}")
    (first, description), *others = found.items()
    for worker, answer in others:
        lines = differences(description, answer, description, (f"{first} has", "it has"))
        if lines:
            raise WorkerError(f"worker {worker}: {'; '.join(lines)}")
    return description


def _raise_failure(status: str, result: Any) -> None:
    from distributed import KilledWorker

    if status == "finished":
        return
    if status != "error":
        raise UserError("the scheduler is gone, or called the work off; go on with --resume")
    _, error, trace = result
    if isinstance(error, KilledWorker):
        raise UserError(
            f"workers died of it ({error}); was there memory enough? See their logs, and go on "
            "with --resume"
        ) from error
    raise error.with_traceback(trace)


def _addresses(client: "Client") -> set[str]:
    return set(client.nthreads())


def _let_go(client: "Client", token: str) -> None:
    if client.status == "running":
        # A worker that is gone has let go already, but dask tries for 30 s to reach one that has
        # died just now.
        with suppress(OSError):
            client.sync(client.run, release, token, on_error="ignore", callback_timeout=LETTING_GO)
