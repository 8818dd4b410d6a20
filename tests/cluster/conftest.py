"""Workers that are threads of this process, for what needs no processes of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from distributed import LocalCluster

from atdt.cluster import Cluster, Crew, crew


@pytest.fixture
def threads() -> Iterator[Callable[..., LocalCluster]]:
    """A cluster of so many workers, each a thread."""
    made: list[LocalCluster] = []

    def make(workers: int) -> LocalCluster:
        made.append(
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=False,
                dashboard_address="127.0.0.1:0",
            )
        )
        return made[-1]

    yield make
    for cluster in made:
        cluster.close()


@pytest.fixture
def hire() -> Callable[..., Any]:
    """A crew of a cluster's workers, for a bench; what it says goes to `said`."""

    @contextmanager
    def hired(cluster: LocalCluster, bench: type, config: Any = None, said=print) -> Iterator[Crew]:
        where = Cluster(address=cluster.scheduler_address)
        with crew(where, "toy", bench, config, 1, said) as workers:
            yield workers

    return hired
