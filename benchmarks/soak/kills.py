"""Kill -9 at random moments: what is left is taken for what it is, and gone on with."""

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from benchmarks.soak.child import Child
from benchmarks.soak.jobs import Job, same
from benchmarks.soak.world import World

SHARE = 0.9  # of an uninterrupted run's time, in which kills fall
STOPPED = -9


def kill(world: World, job: Job, kills: int, random: Random) -> str:
    """Kill a verb `kills` times; each resume may be killed too. Says when the kills came.

    Raises:
        AssertionError: a stopped result is taken for another than it is, cannot be gone on with,
            or ends otherwise than one that was never stopped.
    """
    moments = stopped_at_random(world, job, kills, random, Child.kill, check_kill)
    return told(moments)


def check_kill(child: Child, out: Path) -> None:
    """What must hold of a process that was killed."""
    assert child.code() == STOPPED, f"ended with {child.code()}: {child.printed()}"


def stopped_at_random(
    world: World,
    job: Job,
    times: int,
    random: Random,
    stop: Callable[[Child], None],
    check: Callable[[Child, Path], None],
) -> list[float]:
    """Stop a verb again and again, and let it end; the share of work kept at each stop."""
    log = world.folder / f"{job.name}.log"
    seconds = _seconds(world, job, log)
    moments: list[float] = []
    while len(moments) < times:
        out = world.new(job.name)
        arguments = [*job.arguments, "--out", str(out), "--resume"]
        while len(moments) < times:
            child = Child(arguments, log)
            if child.ends_within(random.uniform(0, SHARE * seconds)):
                break
            stop(child)
            if child.code() == 0:  # it was done before the stop arrived
                break
            check(child, out)
            moments.append(job.check_stopped(out))
        last = Child(arguments, log)
        assert last.code() == 0, f"{job.name} does not go on: {last.printed()}"
        same(job, out)
    return moments


def told(moments: list[float]) -> str:
    """How much had been kept at the stops, in words."""
    none, all_ = moments.count(0), moments.count(1)
    return f"{none} before anything was kept, {len(moments) - none - all_} amid, {all_} at the end"


def _seconds(world: World, job: Job, log: Path) -> float:
    """How long the verb takes when nothing stops it."""
    start = time.monotonic()
    child = Child([*job.arguments, "--out", str(world.new(job.name))], log)
    assert child.code() == 0, child.printed()
    return min(time.monotonic() - start, time.monotonic() - child.started)
