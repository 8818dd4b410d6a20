"""How much faster two processes are than one, of one thread each: extract and decode."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

from atdt.cluster import Cluster, Crew
from atdt.cluster.client import own_workers
from atdt.decode import Decoding, decode, making
from atdt.domains import ViewPlan
from atdt.extract import Extraction, extract, extraction
from atdt.networks import NetworkSpec
from atdt.transfer import TransferTraining, train
from benchmarks.harness import Scale, Table, in_turns, ratio_of
from benchmarks.material import DEMO, Shape, image_domain, task_run

BAR = 1.7
BATCH = 8
ALONE, ONE, TWO = range(3)
# The paper's network on small images: a sample takes a quarter of a second instead of six.
RESNET = Shape("resnet 2048×6×12", NetworkSpec("dilated-resnet50", {}), (96, 192), (2048, 6, 12))


@dataclass(frozen=True)
class Work:
    """What is done by workers and alone.

    Attributes:
        verb, config: what is called.
        name: of the verb.
        samples: that a call makes.
    """

    verb: Callable[[Any], Path]
    config: Extraction | Decoding
    name: str
    samples: int


@dataclass(frozen=True)
class Spent:
    """By the loop of a verb, in seconds; `processor` is of this process alone."""

    wall: float
    processor: float


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Time of the loop of each verb alone ÷ that by workers."""
    table = Table(
        "one process of one thread ÷ workers of one thread, of their loops' time",
        (
            *("features", "verb", "samples", "workers", "alone: samples/s", "workers: samples/s"),
            *("alone: processors", "ratio"),
        ),
        bar=f"extract by two workers ≥ {BAR}, of both",
    )
    with ExitStack() as stack:
        places = {
            side: Cluster(stack.enter_context(own_workers(count)).scheduler_address)
            for side, count in ((ONE, 1), (TWO, 2))
        }
        for shape, images, views, per_shard, rounds, verbs in (
            (DEMO, scale.of(256, 24), scale.of(6, 1), scale.of(64, 4), scale.pairs, 2),
            (RESNET, scale.of(96, 8), 1, scale.of(8, 2), scale.pairs, 1),
        ):
            material = _material(folder / shape.network.name, shape, images, views, per_shard)
            for work in islice(material, verbs):
                alone: list[Spent] = []
                sides = [_side(work, None, alone), *(_side(work, places[s]) for s in (ONE, TWO))]
                timed = in_turns(sides, rounds)
                busy = sum(s.processor for s in alone) / sum(s.wall for s in alone)
                for side, workers in ((ONE, 1), (TWO, 2)):
                    ratio = ratio_of([(took[side], took[ALONE]) for took in timed])
                    rates = (f"{work.samples / spent:.3g}" for spent in (ratio.b, ratio.a))
                    table.add(
                        *(shape.name, work.name, work.samples, workers, *rates),
                        *(f"{busy:.2f}", ratio),
                    )
                    table.figure(f"{shape.name}: {work.name} by {workers}", ratio)
                    if (work.verb, workers) == (extract, 2):
                        table.met = table.met is not False and ratio.median >= BAR
                table.figure(f"{shape.name}: {work.name} alone, processors", busy)
    table.notes += [
        f"Batches of {BATCH}. Timed from the first unit that is handed out to the last that is "
        "committed; workers run already, and have loaded the networks. What their start costs is "
        "seconds, whatever the size of the domain.",
        "By one worker: what dask, and reading and writing in another process, cost or hide.",
        "alone: processors that one process keeps busy: one thread computes, others read images "
        "ahead and write shards behind. On two processors no ratio can be above 2 ÷ that.",
    ]
    return [table]


def _material(
    folder: Path, shape: Shape, images: int, views: int, per_shard: int
) -> Iterator[Work]:
    """An extraction of two encoders, then a decoding by one of them."""
    domain = image_domain(folder / "domain", images, shape.size)
    runs = {
        task: task_run(folder / task, task, shape, seed)
        for seed, task in enumerate(("depth", "semantic"))
    }
    extracting = Extraction(
        domain=domain,
        encoders=tuple((None, run) for run in runs.values()),
        out=folder / "store.zarr",
        plan=ViewPlan(views=views, photometric="paper"),
        samples_per_shard=per_shard,
        batch=BATCH,
        device="cpu",
        threads=1,
    )
    yield Work(extract, extracting, "extract", images * views)
    transfer = train(
        TransferTraining(
            store=extracting.out,
            source="depth",
            target="semantic",
            target_run=runs["semantic"],
            out=folder / "g",
            steps=1,
            batch=1,
            held_out=0,
            device="cpu",
        )
    )
    decoding = Decoding(
        transfer=transfer,
        encoder=runs["depth"],
        decoder=runs["semantic"],
        domain=domain,
        out=folder / "predictions",
        batch=BATCH,
        device="cpu",
        threads=1,
    )
    yield Work(decode, decoding, "decode", images)


def _side(
    work: Work, place: Cluster | None, noted: list[Spent] | None = None
) -> Callable[[], float]:
    """Seconds of the loop of a verb into a fresh folder, by workers or alone."""

    def run() -> float:
        shutil.rmtree(work.config.out, ignore_errors=True)
        took: list[Spent] = []
        with ExitStack() as stack:
            for module, name in ((extraction, "write_arrays"), (making, "run")):
                stack.enter_context(
                    mock.patch.object(module, name, _timed(getattr(module, name), took))
                )
            stack.enter_context(mock.patch.object(Crew, "results", _timed_results(took)))
            work.verb(replace(work.config, cluster=place))
        if noted is not None:
            noted.append(took[0])
        return took[0].wall

    return run


def _timed(loop: Callable[..., None], took: list[Spent]) -> Callable[..., None]:
    def timed(*arguments: Any) -> None:
        with _clock(took):
            loop(*arguments)

    return timed


def _timed_results(took: list[Spent]) -> Callable[..., Iterator[Any]]:
    results = Crew.results

    def timed(crew: Crew, units: Any) -> Iterator[Any]:
        with _clock(took):
            yield from results(crew, units)

    return timed


@contextmanager
def _clock(took: list[Spent]) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    took.append(Spent(time.perf_counter() - wall, time.process_time() - processor))
