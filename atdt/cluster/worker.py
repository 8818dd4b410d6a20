"""What runs in a worker: it opens what a job needs once, proves itself fit, and does units.

Nothing here is ever called in the client's process.
"""

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from atdt.errors import UserError, WorkerError
from atdt.places import use_storage_options
from atdt.process import keep_freed_memory
from atdt.provenance import provenance
from atdt.stores.provenance import differences

KEPT = 2  # jobs whose networks stay loaded: those of clients that share the workers
REFUSAL_SECONDS = 1.0  # an unfit worker is always free: it must not take units faster than that
SIDES = ("the client has", "the worker has")


class Bench(Protocol):
    """What a worker keeps of a job: networks that are loaded, a domain that is open.

    Attributes:
        description: all that results depend on, as JSON; the same for every worker.
    """

    description: dict[str, Any]

    def work(self, unit: Any) -> Any:
        """Do a unit; threads may call this at the same time.

        Raises:
            WorkerError: it cannot be done here, but elsewhere perhaps.
        """
        ...


@dataclass(frozen=True)
class Job:
    """What a worker is told of a call of a verb.

    Attributes:
        token: of this call alone.
        open: makes the bench of `config`; a function of a module.
        config: paths in it are absolute.
        folder: the client's current one, in which modules of a user's own may lie.
        threads: that a unit computes with.
        versions: of Python and of every library that results depend on.
        storage: options that URLs are opened with; no repr shows them.
        description: that the bench must have; None before the client knows.
    """

    token: str
    open: Callable[[Any], Bench]
    config: Any
    folder: Path
    threads: int
    versions: dict[str, str]
    storage: dict[str, Any] = field(default_factory=dict, repr=False)
    description: dict[str, Any] | None = None


@dataclass(frozen=True)
class Refused:
    """Instead of a result, from a worker that is not fit; `reason` names it."""

    worker: str
    reason: str


_benches: dict[str, Bench | WorkerError] = {}
_opening = threading.Lock()


async def hello(job: Job) -> dict[str, Any]:
    """Open the job's bench, beside the loop that answers the scheduler; its description.

    Raises:
        WorkerError: this worker is not fit.
    """
    return (await asyncio.to_thread(_bench, job)).description


def work(job: Job, unit: Any) -> Any:
    """A unit's result, or `Refused`; a user's mistake comes back as it is, since dask would print
    a traceback of what is raised."""
    from distributed import get_worker

    try:
        bench = _bench(job)
        _compute_with(job.threads)
        return bench.work(unit)
    except WorkerError as error:
        time.sleep(REFUSAL_SECONDS)
        return Refused(get_worker().address, f"{_name()}: {error}")
    except UserError as error:
        return error


def release(token: str) -> None:
    """Let go of what was opened for a job."""
    _benches.pop(token, None)


def _bench(job: Job) -> Bench:
    with _opening:  # one thread loads, the others wait
        if job.token not in _benches:
            while len(_benches) >= KEPT:
                del _benches[next(iter(_benches))]
            _benches[job.token] = _opened(job)
        found = _benches[job.token]
    if isinstance(found, WorkerError):
        raise found
    if job.description is not None:
        _refuse(job.description, found.description)
    return found


def _opened(job: Job) -> Bench | WorkerError:
    """The bench, or why it cannot be: whatever that is must not end in a unit's traceback."""
    try:
        _refuse({"versions": job.versions}, {"versions": provenance()["versions"]})
        here = str(job.folder)
        if here not in sys.path:  # behind all that is installed, as for the client
            sys.path.append(here)
        keep_freed_memory()
        use_storage_options(job.storage)
        _compute_with(job.threads)
        return job.open(job.config)
    except WorkerError as error:
        return error
    except Exception as error:  # noqa: BLE001 – a user's module may raise anything
        return WorkerError(f"{error or type(error).__name__}")


def _compute_with(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)  # counts for the thread that says it


def _refuse(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    lines = differences(wanted, found, {**wanted, **found}, SIDES)
    if lines:
        raise WorkerError("; ".join(lines))


def _name() -> str:
    return f"worker {os.getpid()} on {socket.gethostname()}"
