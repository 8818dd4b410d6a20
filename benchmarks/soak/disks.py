"""Verbs on a disk that fails at its k-th write, for every k until they pass."""

import errno
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.soak.faults import Disk, failing
from benchmarks.soak.jobs import Job, same, stray
from benchmarks.soak.world import World, run

CODES = (errno.ENOSPC, errno.EIO)


def fill(world: World, job: Job, every: int = 1, first: int = 1) -> tuple[int, str]:
    """Fail each `every`-th call from `first` on, once by a full disk and once by a broken one.

    Returns:
        how many failures, and of how many calls.

    Raises:
        AssertionError: a failure is not told as it should be, something committed is lost,
            something lost is committed, or a resume ends otherwise.
    """
    calls = _calls(world, job)
    failures = 0
    for at in range(first, calls + 1, every):
        for code in CODES:
            out = world.new("disk")
            check_failure(job, out, at, code)
            resume(job, out)
            shutil.rmtree(out)
            failures += 1
    return failures, f"{calls} calls, each failed by {' and '.join(map(_name, CODES))}"


def check_failure(job: Job, out: Path, at: int, code: int) -> None:
    """Run a verb on a disk that fails, and look at what it says and leaves."""
    where = f"call {at}, {_name(code)}"
    with failing(Disk(out, at, code)) as disk, left_open() as files:
        done = run(*job.arguments, "--out", out)
    assert not files, f"{where}: left open: {files}"
    assert disk.failed, f"{where}: was not reached"
    assert done.exit_code == 2, f"{where}: ended with {done.exit_code}: {done.exception!r}"
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, f"{where}: {lines}"
    assert str(out) in lines[0] and "free on its disk" in lines[0], f"{where}: {lines[0]}"
    assert os.strerror(code) in lines[0], f"{where}: {lines[0]}"
    assert not stray(out.rglob("*")), f"{where}: {stray(out.rglob('*'))}"
    try:
        job.check_stopped(out)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error


@contextmanager
def left_open() -> Iterator[list[str]]:
    """What is collected without having been closed."""
    found: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda args: found.append(str(args.exc_value))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            yield found
    finally:
        sys.unraisablehook = before


def resume(job: Job, out: Path) -> None:
    """Finish what was stopped, in this process, and compare."""
    done = run(*job.arguments, "--out", out, "--resume")
    assert done.exit_code == 0, f"{out}: is not resumed: {done.output} {done.exception!r}"
    same(job, out)


def stopped(world: World, job: Job, parts: int) -> Iterator[Path]:
    """Stores whose making was stopped, `parts` of them, ever later."""
    calls = _calls(world, job)
    for part in range(parts):
        out = world.new("stopped")
        with failing(Disk(out, (1 + part) * calls // parts, errno.EIO)):
            run(*job.arguments, "--out", out)
        yield out


def _calls(world: World, job: Job) -> int:
    out = world.new("counted")
    with failing(Disk(out)) as disk:
        done = run(*job.arguments, "--out", out)
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    same(job, out)
    return disk.calls


def _name(code: int) -> str:
    return errno.errorcode[code]
