"""Ranks to test with: threads that meet in one process, and real processes."""

import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from atdt.launch import Launch
from atdt.ranks import Ranks
from tests.made_forks import Fork

ROOT = Path(__file__).parent.parent
CPU = torch.device("cpu")


class Meeting:
    """Where threads show each other what they have."""

    def __init__(self, size: int):
        self._barrier = threading.Barrier(size, timeout=60)
        self._shown: list[Any] = [None] * size

    def exchange(self, rank: int, value: Any) -> list[Any]:
        self._shown[rank] = value
        self._barrier.wait()
        found = list(self._shown)
        self._barrier.wait()
        return found

    def leave(self) -> None:
        self._barrier.abort()


@dataclass(frozen=True)
class ThreadRanks(Ranks):
    """One of some threads, all on one machine."""

    meeting: Meeting

    def add_up(self, tensors):
        found = self.gathered([tensor.detach().clone() for tensor in tensors])
        with torch.no_grad():
            for tensor, *parts in zip(tensors, *found, strict=True):
                tensor.copy_(torch.stack(parts).sum(dim=0))

    def gathered(self, value):
        return self.meeting.exchange(self.launch.rank, value)

    def empty(self, shape, dtype, pinned=False):
        own = torch.empty(shape, dtype=dtype) if self.is_first else None
        return self.gathered(own)[0]

    def draw_apart(self, *words):
        """Nothing: threads have one generator."""


def together[Made](size: int, work: Callable[[Ranks], Made]) -> list[Made]:
    """What `work` makes in each of so many threads, in the order of ranks."""
    meeting = Meeting(size)

    def one(rank: int) -> Made:
        try:
            return work(ThreadRanks(Launch(rank, size, rank, size), CPU, meeting))
        except BaseException:
            meeting.leave()
            raise

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(one, range(size)))


def start(size: int, arguments: Sequence[str], cwd: Path = ROOT) -> list[subprocess.Popen]:
    """Python processes that torchrun would start, of one thread each."""
    return [
        subprocess.Popen(
            [sys.executable, *arguments],
            env=environment,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for environment in environments(size)
    ]


def fork(size: int, program: str, arguments: Sequence[str] = ()) -> list[Fork]:
    """The same, without the time that Python takes to import what they need."""
    program = f"import torch\ntorch.set_num_threads(1)\n{program}"
    return [Fork(program, arguments, each, ROOT) for each in environments(size)]


def environments(size: int) -> list[dict[str, str]]:
    """What torchrun tells each of so many ranks."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shared = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
    }
    return [shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(size)]


def ended(
    processes: Sequence[subprocess.Popen | Fork], seconds: float = 120
) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each; none is left behind."""
    try:
        with ThreadPoolExecutor(len(processes)) as pool:
            texts = list(pool.map(lambda process: process.communicate(timeout=seconds), processes))
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return [(process.returncode, *text) for process, text in zip(processes, texts, strict=True)]


# The first rank is the last to leave a training, so that the others begin the next one before it.
PROGRAM = """
import os, pickle, sys, time
from pathlib import Path
import torch
import torch.distributed as dist
import atdt.training.loop, atdt.transfer.trainee
atdt.training.loop.LOG_EVERY = atdt.transfer.trainee.LOG_EVERY = 1
leave = dist.destroy_process_group
if os.environ["RANK"] == "0":
    dist.destroy_process_group = lambda: (time.sleep(0.2), leave())
for verb, config in pickle.loads(Path(sys.argv[1]).read_bytes()):
    verb(config, say=lambda line: print(config.out.name, line))
"""


def trained(size: int, work: Sequence[tuple[Callable, Any]], folder: Path) -> list[tuple]:
    """Have so many processes do pairs (verb, config) one after the other; see `ended`."""
    (folder / "work.pickle").write_bytes(pickle.dumps(list(work)))
    return ended(fork(size, PROGRAM, [str(folder / "work.pickle")]))
