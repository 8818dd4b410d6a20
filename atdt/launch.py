"""What torchrun tells each of the processes that it starts."""

import os
from dataclasses import dataclass

TOLD = "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"


@dataclass(frozen=True)
class Launch:
    """This process among those that train one network together; alone unless torchrun says more.

    Attributes:
        rank, size: its number, and how many there are.
        local_rank, local_size: the same among those of this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it writes, shows progress and prints for all."""
        return self.rank == 0


def launch() -> Launch:
    """Of this process, by the environment."""
    try:
        return Launch(*(int(os.environ[name]) for name in TOLD))
    except (KeyError, ValueError):
        return Launch()
