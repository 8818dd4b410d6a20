"""Whether twice the samples take twice the time: each phase at N, 2N, 4N and 8N samples."""

import shutil
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from atdt.decode import Decoding, decode
from atdt.domains import ViewPlan
from atdt.extract import Extraction, extract
from atdt.transfer import TransferTraining, train
from benchmarks.harness import Scale, Table, in_turns, ratio_of, seconds
from benchmarks.material import DEMO, image_domain, task_run

BAR = 1.03
TIMES = (1, 2, 4, 8)
PER_SHARD = 32  # files whose fsync is a small part of the time: smaller ones made it the noise
BATCH = 8
Phase = Callable[["_Size"], float]


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Time of extract, an epoch of train, and decode at four sizes of one domain."""
    few = scale.of(32, 8)
    rounds = scale.of(25, 2)
    domain = image_domain(folder / "domain", TIMES[-1] * few, DEMO.size)
    for seed, task in enumerate(("depth", "semantic")):
        task_run(folder / task, task, DEMO, seed)
    sizes = [_Size(folder, domain, times * few) for times in TIMES]
    table = Table(
        f"time at N = {few}, 2N, 4N and 8N samples: (t8 − t4) ÷ 2 (t4 − t2)",
        (
            "phase",
            *(f"{times * few}: s" for times in TIMES),
            "quotient",
            "of medians",
            "of fastest",
        ),
        bar=f"quotient ≤ {BAR}",
    )
    met = True
    for phase in (_Size.extract, _Size.train, _Size.decode):
        met &= _grow(phase, sizes, rounds, table, scale.of(1, 0)) <= BAR
    table.met = met
    table.notes += [
        f"In turns, {rounds} rounds{'' if scale.quick else ' after a first that does not count'}. "
        "Times are medians; the quotient is the median of each round's own, with its quartiles: "
        "a round is short beside the drift of the machine, and a quotient of differences "
        "multiplies what drifts between them. Beside it the quotients of medians and of fastest "
        "times. Differences, so that what a call costs however many samples cancels out.",
        f"Network and images: {DEMO.name}, one view, {PER_SHARD} samples a shard, batches of "
        f"{BATCH}; train is one epoch over all samples, its feed chosen by itself (the store "
        "fits); decode takes images and writes predictions.",
    ]
    return [table]


def _grow(phase: Phase, sizes: list["_Size"], rounds: int, table: Table, warm_up: int) -> float:
    """Measure one phase into the table; the median of its rounds' quotients."""
    timed = in_turns([lambda size=size: phase(size) for size in sizes], rounds, warm_up)
    quotient = ratio_of([(2 * (t4 - t2), t8 - t4) for _, t2, t4, t8 in timed])
    columns = list(zip(*timed, strict=True))
    medians, fastest = (list(map(of, columns)) for of in (statistics.median, min))
    of_medians, of_fastest = _quotient(medians), _quotient(fastest)
    shown = (f"{took:.3f}" for took in medians)
    table.add(phase.__name__, *shown, quotient, f"{of_medians:.3f}", f"{of_fastest:.3f}")
    table.figure(phase.__name__, quotient)
    table.figure(f"{phase.__name__} of medians", of_medians)
    table.figure(f"{phase.__name__} of fastest", of_fastest)
    for size, took in zip(sizes, medians, strict=True):
        table.figure(f"{phase.__name__} {size.samples} s", took)
    return quotient.median


def _quotient(times: Sequence[float]) -> float:
    _, t2, t4, t8 = times
    return (t8 - t4) / (2 * (t4 - t2))


class _Size:
    """The road at one number of samples; every step is done anew when it is timed.

    Args:
        folder: holds the task networks "depth" and "semantic".
        domain: spec of a domain with at least so many images.
    """

    def __init__(self, folder: Path, domain: str, samples: int):
        self.samples = samples
        self._domain = f"{domain}@{samples}"
        self._nets = folder
        self._folder = folder / str(samples)

    def extract(self) -> float:
        """Seconds of an extraction of two encoders into a fresh store."""
        config = Extraction(
            domain=self._domain,
            encoders=((None, self._nets / "depth"), (None, self._nets / "semantic")),
            out=self._fresh("store.zarr"),
            plan=ViewPlan(views=1),
            samples_per_shard=PER_SHARD,
            batch=BATCH,
            device="cpu",
        )
        return seconds(lambda: extract(config))

    def train(self) -> float:
        """Seconds of an epoch of G on the store that was extracted last."""
        config = TransferTraining(
            store=self._folder / "store.zarr",
            source="depth",
            target="semantic",
            target_run=self._nets / "semantic",
            out=self._fresh("g"),
            steps=-(-self.samples // BATCH),
            batch=BATCH,
            held_out=0,
            device="cpu",
        )
        return seconds(lambda: train(config))

    def decode(self) -> float:
        """Seconds of decoding the domain with the G that was trained last."""
        config = Decoding(
            transfer=self._folder / "g",
            encoder=self._nets / "depth",
            decoder=self._nets / "semantic",
            domain=self._domain,
            out=self._fresh("predictions"),
            batch=BATCH,
            device="cpu",
        )
        return seconds(lambda: decode(config))

    def _fresh(self, name: str) -> Path:
        path = self._folder / name
        shutil.rmtree(path, ignore_errors=True)
        return path
