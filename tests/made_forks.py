"""Python processes that need not import first what a test is not about: two to four seconds of a
processor each. They are forked from one that has imported it, which starts when it is first asked.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

IMPORTED = (
    *("distributed", "s3fs", "atdt.extract", "atdt.decode", "atdt.training", "atdt.transfer"),
    *("atdt.cli.main", "tests.made_forks"),
)


def forks() -> ForkServerContext:
    """Where they come from; multiprocessing has one of it in a process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


class Fork:
    """`python -W error -c PROGRAM ARGUMENTS` with pipes, as far as tests use subprocess.Popen."""

    def __init__(
        self, program: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path
    ):
        self._folder = tempfile.TemporaryDirectory()
        self._texts = [Path(self._folder.name) / name for name in ("stdout", "stderr")]
        self._said: tuple[str, str] | None = None
        self._process = forks().Process(
            target=_run, args=(program, list(arguments), dict(environment), cwd, self._texts)
        )
        self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        if self._said is None:
            out, err = (text.read_text() if text.exists() else "" for text in self._texts)
            self._said = out, err
            self._folder.cleanup()
        return self._said


def _run(
    program: str, arguments: list[str], environment: dict[str, str], cwd: Path, texts: list[Path]
) -> None:
    for number, text in enumerate(texts, start=1):
        os.dup2(os.open(text, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = ["-c", *arguments]
    warnings.simplefilter("error")
    exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
