"""Whether memory stays where it is when a domain grows: peaks of the verbs at N and 8N samples."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Scale, Table
from benchmarks.material import DEMO, image_domain, task_run

WITHIN = 0.05
TIMES = 8
PER_SHARD = 16
BATCH = 4
MEBI = 2**20
SAMPLE_BYTES = 2 * DEMO.sample_bytes  # float32, so that a store that stays in memory shows
ARRAYS = 2

# ru_maxrss survives exec, so that a child of a large process would show its parent's: VmHWM does
# not.
WATCHED = """
import pathlib, runpy, sys
place, sys.argv = sys.argv[1], ["atdt", *sys.argv[2:]]
try:
    runpy.run_module("atdt", run_name="__main__", alter_sys=True)
finally:
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    pathlib.Path(place).write_text(next(line for line in lines if line.startswith("VmHWM:")))
"""


@dataclass(frozen=True)
class Row:
    """A verb that is watched at both sizes.

    Attributes:
        what: it does.
        bounded: whether its memory must not grow.
        peaks: in bytes, at N and at 8N.
    """

    what: str
    bounded: bool
    peaks: tuple[int, int]

    @property
    def quotient(self) -> float:
        return self.peaks[1] / self.peaks[0]


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Peak memory of a process for each verb, at N and 8N samples of one domain."""
    few = scale.of(208, 32)
    sizes = (few, TIMES * few)
    images = image_domain(folder / "domain", sizes[1], DEMO.size)
    for seed, task in enumerate(("depth", "semantic")):
        task_run(folder / task, task, DEMO, seed)
    watches = [_Watch(folder / str(samples), f"{images}@{samples}", samples) for samples in sizes]
    rows = []
    for what, bounded in (
        ("extract", True),
        ("train, streaming", True),
        ("train, streaming, 0.1 held out", False),
        ("train, resident", False),
        ("decode, images", True),
        ("decode, store", True),
    ):
        few_peak, many_peak = (watch.peak(what) for watch in watches)
        rows.append(Row(what, bounded, (few_peak, many_peak)))
    return [_table(sizes, rows)]


class _Watch:
    """Runs verbs on one size of domain and says how much memory each took.

    Args:
        folder: where they write.
        domain: its spec.
        samples: in it.
    """

    def __init__(self, folder: Path, domain: str, samples: int):
        folder.mkdir()
        self._folder = folder
        store, g = f"{folder}/store.zarr", f"{folder}/g"
        nets = folder.parent
        train = (
            *("train", store, "--from", "depth", "--to", "semantic", "--window", "2"),
            *("--target-run", f"{nets}/semantic", "--steps", str(-(-samples // BATCH))),
            *("--batch", str(BATCH)),
        )
        decode = ("decode", g, "--decoder", f"{nets}/semantic", "--batch", str(BATCH))
        images = ("--domain", domain, "--encoder", f"{nets}/depth")
        self._verbs = {
            "extract": (
                *("extract", domain, "--views", "1", "--dtype", "float32", "--out", store),
                *("--encoder", f"{nets}/depth", "--encoder", f"{nets}/semantic"),
                *("--samples-per-shard", str(PER_SHARD), "--batch", str(BATCH)),
            ),
            "train, streaming": (*train, "--feed", "stream", "--held-out", "0", "--out", g),
            "train, streaming, 0.1 held out": (*train, "--feed", "stream", "--out", f"{g}_held"),
            "train, resident": (
                *(*train, "--feed", "resident", "--held-out", "0"),
                *("--out", f"{g}_resident"),
            ),
            "decode, images": (*decode, *images, "--out", f"{folder}/of_images"),
            "decode, store": (*decode, "--store", store, "--out", f"{folder}/of_store"),
        }

    def peak(self, what: str) -> int:
        """Bytes of main memory that the verb's process held at most."""
        place = self._folder / "peak"
        place.unlink(missing_ok=True)
        call = [sys.executable, "-c", WATCHED, str(place), *self._verbs[what], "--device", "cpu"]
        done = subprocess.run(call, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{what}: {done.stderr[-2000:]}")
        _, kibibytes, unit = place.read_text().split()
        if unit != "kB":
            raise RuntimeError(f"VmHWM in {unit}")
        return int(kibibytes) * 1024


def _table(sizes: tuple[int, int], rows: list[Row]) -> Table:
    few, many = sizes
    table = Table(
        f"peak memory (VmHWM) of one process at {few} and at {many} samples, {PER_SHARD} a shard",
        ("verb", f"MiB at {few}", f"MiB at {many}", "quotient", "bytes a sample more", "bar"),
        bar=f"within {WITHIN:.0%} of each other",
    )
    bounded = [row for row in rows if row.bounded]
    for row in rows:
        peaks = tuple(peak / MEBI for peak in row.peaks)
        growth = (row.peaks[1] - row.peaks[0]) / (many - few)
        holds = abs(row.quotient - 1) <= WITHIN
        table.add(
            row.what,
            *(f"{peak:.0f}" for peak in peaks),
            f"{row.quotient:.3f}",
            f"{growth:,.0f}",
            ("met" if holds else "NOT met") if row.bounded else "–",
        )
        table.figure(row.what, row.quotient)
        table.figure(f"{row.what} bytes a sample", growth)
    table.met = all(abs(row.quotient - 1) <= WITHIN for row in bounded)
    stores = [samples * ARRAYS * SAMPLE_BYTES / MEBI for samples in sizes]
    margin = WITHIN * max(row.peaks[0] for row in bounded) / MEBI
    room = (stores[1] - stores[0]) / margin
    table.notes += [
        f"Features {DEMO.name} float32, {ARRAYS} arrays, {ARRAYS * SAMPLE_BYTES:,} bytes a sample: "
        f"stores of {stores[0]:.0f} and {stores[1]:.0f} MiB; the {WITHIN:.0%} are at most "
        f"{margin:.0f} MiB, and what grows with the store would be {room:.1f} times as "
        "much.",
        f"Streaming: --window 2 --held-out 0, an epoch of steps of {BATCH}. Held-out samples stay "
        "in memory up to 1 GiB whatever feeds the rest, so the row with a tenth held out grows by "
        "a tenth of the store until then: no part of the bar.",
        "train, resident, holds the store: it must grow, which proves that growing is seen.",
    ]
    return table
