"""Ctrl-C at random moments: exit code 130, one line, nothing left behind, and it can go on."""

from pathlib import Path
from random import Random

from benchmarks.soak.child import Child
from benchmarks.soak.jobs import Job, stray
from benchmarks.soak.kills import stopped_at_random, told
from benchmarks.soak.world import World

CODE = 130
PROMPT = 10  # seconds to wind down, on a busy machine


def interrupt(world: World, job: Job, times: int, random: Random) -> str:
    """Interrupt a verb `times` times. Says when.

    Raises:
        AssertionError: it prints more than a line, leaves threads or files, or cannot go on.
    """
    return told(stopped_at_random(world, job, times, random, Child.interrupt, check_interrupt))


def check_interrupt(child: Child, out: Path) -> None:
    """What must hold of a process that was interrupted."""
    assert child.ends_within(PROMPT), "it does not stop"
    printed = child.printed()
    assert child.code() == CODE, f"ended with {child.code()}: {printed}"
    assert "Traceback" not in printed and "Aborted" not in printed, printed
    last = printed.strip().splitlines()[-1]
    assert last.startswith("stopped"), printed
    assert "--resume" in last or not out.exists(), printed  # nothing was begun
    assert not child.threads_left(), child.threads_left()
    assert not stray(out.rglob("*")), stray(out.rglob("*"))
