"""The two halves of the soak, which run beside each other."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.soak.disks import fill
from benchmarks.soak.flips import Flips
from benchmarks.soak.interrupts import interrupt
from benchmarks.soak.jobs import all_jobs
from benchmarks.soak.kills import kill
from benchmarks.soak.second import intrude
from benchmarks.soak.torn import tear
from benchmarks.soak.world import Size, World

Row = tuple[str, int, bool, float, str]  # what, how often, passed, seconds, note
DISK = Size(images=4, views=1, steps=4)  # two blocks, the second short; a checkpoint amid


@dataclass(frozen=True)
class Counts:
    """How often everything is done; `every` so many calls of a failing disk."""

    stops: int = 20
    torn: int = 40
    flips: int = 1000
    every: int = 1


@dataclass
class Rows:
    """What was done."""

    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, count: int, work: Callable[[], str | tuple[int, str]]) -> None:
        """Do `work`, which says what it did (and how often), or raises an AssertionError."""
        start, passed = time.monotonic(), True
        try:
            done = work()
        except (AssertionError, TimeoutError) as error:
            done, passed = " ".join(str(error).split())[:2000], False
        count, note = (count, done) if isinstance(done, str) else done
        seconds = time.monotonic() - start
        self.rows.append((what, count, passed, seconds, note))
        print(f"{what}: {'passed' if passed else 'FAILED'}, {seconds:.0f} s", flush=True)


def stops(folder: Path, size: Size, counts: Counts, seed: int) -> list[Row]:
    """Kills, interruptions and intruders."""
    world, random, rows = World(folder / "stops", size), Random(seed), Rows()
    jobs, times = all_jobs(world), counts.stops
    for job in jobs:
        rows.add(f"kill -9, {job.name}", times, lambda job=job: kill(world, job, times, random))
    for job in jobs:
        rows.add(f"Ctrl-C, {job.name}", times, lambda job=job: interrupt(world, job, times, random))
    rows.add("second extract", times // 2, lambda: intrude(world, jobs[0], times // 2))
    return rows.rows


def harms(folder: Path, _: Size, counts: Counts, seed: int) -> list[Row]:
    """Flipped bytes, torn files and failing disks."""
    world, random, rows = World(folder / "harms", DISK), Random(seed), Rows()
    jobs, flipped = all_jobs(world), Flips(folder)
    for what, files in (("shards", flipped.shards()), ("all other files", flipped.others())):
        flip = lambda files=files: flipped.flip(files, counts.flips, random)  # noqa: E731
        rows.add(f"flipped bytes, {what}", counts.flips, flip)
    torn = counts.torn
    rows.add("torn and orphaned files", torn, lambda: tear(world, jobs[0], torn, random))
    for job in jobs:
        rows.add(f"failing disk, {job.name}", 0, lambda job=job: fill(world, job, counts.every))
    return rows.rows
