"""Where a verb computes, if not in the process that it was called in."""

import os
from dataclasses import dataclass

from atdt.errors import UserError


@dataclass(frozen=True)
class Cluster:
    """Workers, of one of two kinds.

    Attributes:
        address: of a dask scheduler, "tcp://HOST:8786", and its workers.
        workers: how many processes to start on this machine.
    """

    address: str | None = None
    workers: int | None = None

    def check(self, device: str) -> None:
        """Refuse values that cannot be meant.

        Args:
            device: that workers are told to compute on.

        Raises:
            UserError: naming the option and the value.
        """
        if (self.address is None) == (self.workers is None):
            raise UserError("--dask and --workers exclude each other: whose workers?")
        if self.workers is not None and self.workers < 1:
            raise UserError(f"--workers {self.workers}: must be ≥ 1")
        if self.workers is not None and device.startswith("cuda:"):
            raise UserError(
                f"--device {device}: each of --workers has a GPU of its own; say cuda, and by "
                "CUDA_VISIBLE_DEVICES which of them may be taken"
            )

    @property
    def threads(self) -> int:
        """Threads that a worker computes with unless it is said: a fair share of this machine, or
        one, which is also what dask's own workers are told."""
        return 1 if self.workers is None else max(1, processors() // self.workers)


def threads_of(threads: int | None, cluster: Cluster | None) -> int | None:
    """Threads that a verb computes with: as it was told, else its workers' own, else None (torch's
    choice)."""
    return cluster.threads if threads is None and cluster is not None else threads


def processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
