"""What coordination costs: an extraction of a million images in which nothing is computed."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Scale, Table

GIGABYTE = 10**9
MILLISECOND = 1e-3


def measure(scale: Scale, folder: Path) -> list[Table]:
    """The client's processor time and memory, and the store's files, by the number of images."""
    table = Table(
        "the process that coordinates workers: memory, and its time a sample",
        (
            "images",
            "shards",
            "files",
            "files: as planned",
            "wall: ms a sample",
            "processors: ms a sample",
            "peak of its own: MB",
            "with mapped libraries: MB",
            "before the first image: MB, MB",
            "ledgers: MB",
        ),
        bar="under 1 GB of its own memory, and under 1 ms of its processors' time a sample, at the "
        "largest size; as many files as planned",
    )
    for images in (scale.of(100_000, 2_000), scale.of(1_000_000, 20_000)):
        found = _simulated(folder / str(images), images)
        each = {what: found[what] / images for what in ("wall", "cpu")}
        own, peak, imported_own, imported, ledgers = (
            f"{found[what] / 1e6:,.0f}"
            for what in ("own", "peak", "imported own", "imported", "ledgers")
        )
        table.add(
            f"{images:,}",
            *(f"{found[what]:,}" for what in ("shards", "files", "planned files")),
            f"{1e3 * each['wall']:.3f}",
            f"{1e3 * each['cpu']:.3f}",
            *(own, peak, f"{imported_own}, {imported}", ledgers),
        )
        for what, value in found.items():
            table.figure(f"{images} {what}", value)
    as_planned = found["files"] == found["planned files"]
    table.met = found["own"] < GIGABYTE and each["cpu"] < MILLISECOND and as_planned
    table.notes += [
        "One process: client, dask's scheduler, ledgers; two workers on the same machine make "
        "files of the right size without writing them. Two arrays of 2048×32×32 float16, 64 "
        "samples a shard. Real: list, order and vectors of samples, units, commits with fsync.",
        "Its own memory is RssAnon, looked at five times a second. With mapped libraries: VmHWM; "
        "their files' pages are shared with every other process, and a torch for GPUs maps many. "
        "Before the first image it holds torch and little else, of either. "
        "Processors' time is that of all its threads, the start of the workers counted.",
        "Looking at a million images' headers and sizes comes on top, once; it is the disk's time.",
    ]
    return [table]


def _simulated(folder: Path, images: int) -> dict[str, float]:
    """What a process of its own measured of itself."""
    folder.mkdir()
    call = [sys.executable, "-m", "benchmarks.simulation", str(folder), str(images)]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(call)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
