"""Work that several processes or machines share, by dask.distributed (the extra `atdt[cluster]`).

A verb cuts its work into units. A scheduler hands them to workers, each of which loads what it
needs once; this process, the client, asks, checks that all of them are fit for it, and takes the
results in.
"""

from atdt.cluster.client import Crew, crew
from atdt.cluster.config import Cluster, threads_of
from atdt.cluster.worker import Bench

__all__ = ["Bench", "Cluster", "Crew", "crew", "threads_of"]
