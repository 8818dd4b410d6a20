"""Verbs in processes of their own, forked from one that has imported everything.

A kill must hit a real process, and an import of torch for each of a hundred would take minutes.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

WIND_DOWN = 2  # seconds in which a thread must have ended
PATIENCE = 120  # seconds after which a verb hangs
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(
    [
        *(f"atdt.cli.{verb}" for verb in ("extract", "train_task", "train", "decode")),
        *(f"atdt.{room}" for room in ("extract", "training", "transfer", "decode")),
        *(f"atdt.stores.{file}" for file in ("create", "writer", "reader")),
        *("atdt.networks.tiny", "atdt.tasks.semantic", "atdt.tasks.edges"),
        *("numpy.random", "PIL.PngImagePlugin", "atdt.events", "torch._dynamo"),
        __name__,
    ]
)


class Child:
    """One verb at work, from the moment that the command line takes over.

    Args:
        arguments: verb and options.
        log: file for what it prints.
    """

    def __init__(self, arguments: list[str], log: Path):
        self.log, self._left = log, log.with_suffix(".threads")
        ours, theirs = forks.Pipe(duplex=False)
        self._process = forks.Process(target=_work, args=(arguments, log, self._left, theirs))
        self._process.start()
        theirs.close()
        ours.recv_bytes()
        ours.close()
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ends_within(self, seconds: float) -> bool:
        """Whether it ends by itself in that time."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def kill(self) -> None:
        """End it by SIGKILL, which no program can see coming."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.join()

    def hold(self) -> None:
        """Stop it where it is, until `go_on`."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it work again."""
        os.kill(self.pid, signal.SIGCONT)

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.kill(self.pid, signal.SIGINT)

    def code(self) -> int:
        """Its exit code, once it has ended; -9 after a kill.

        Raises:
            TimeoutError: it hangs.
        """
        if not self.ends_within(PATIENCE):
            self.kill()
            raise TimeoutError(f"it hangs; it printed: {self.printed()}")
        return self._process.exitcode

    def printed(self) -> str:
        """All that it printed, errors too."""
        return self.log.read_text()

    def threads_left(self) -> list[str]:
        """Threads that were still there when the command line was done."""
        return json.loads(self._left.read_text())


def _work(arguments: list[str], log: Path, left: Path, go: Connection) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    # a shell's background job ignores Ctrl-C, and so would all that it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import torch

    from atdt.cli import main

    torch.set_num_threads(1)
    go.send_bytes(b"go")
    try:
        main(arguments, prog_name="atdt")
    finally:
        others = [t for t in threading.enumerate() if t is not threading.main_thread()]
        for thread in (mortal := [t for t in others if not t.daemon]):
            thread.join(WIND_DOWN)  # Ctrl-C may cut the wait for one that was told to end
        left.write_text(json.dumps([t.name for t in mortal if t.is_alive()]))
        sys.stdout.flush()
