"""How much faster two processes are than one, of one thread each: extract and decode."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from distributed import LocalCluster

from atdt.cluster import Cluster, Crew
from atdt.cluster.client import SLOTS
from atdt.decode import Decoding, decode, making
from atdt.domains import ViewPlan
from atdt.extract import Extraction, extract, extraction
from atdt.transfer import TransferTraining, train
from benchmarks.harness import Scale, Table, in_turns, ratio_of
from benchmarks.material import DEMO, image_domain, task_run

BAR = 1.7
BATCH = 8
ALONE, ONE, TWO = range(3)


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Time of the loop of each verb alone ÷ that by workers."""
    images = scale.of(128, 24)
    domain = image_domain(folder / "domain", images, DEMO.size)
    runs = {
        task: task_run(folder / task, task, DEMO, seed)
        for seed, task in enumerate(("depth", "semantic"))
    }
    extracting = Extraction(
        domain=domain,
        encoders=tuple((None, run) for run in runs.values()),
        out=folder / "store.zarr",
        plan=ViewPlan(views=scale.of(6, 1), photometric="paper"),
        samples_per_shard=scale.of(16, 2 * BATCH // 4),
        batch=BATCH,
        device="cpu",
        threads=1,
    )
    extract(extracting)
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
    table = Table(
        "one process of one thread ÷ workers of one thread, of their loops' time",
        ("verb", "samples", "workers", "alone: samples/s", "workers: samples/s", "ratio"),
        bar=f"extract by two workers ≥ {BAR}",
    )
    with ExitStack() as stack:
        crews = {
            side: stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=SLOTS,
                    memory_limit=0,
                    dashboard_address="127.0.0.1:0",
                )
            )
            for side, workers in ((ONE, 1), (TWO, 2))
        }
        places = {side: Cluster(crew.scheduler_address) for side, crew in crews.items()}
        for name, verb, config, count in (
            ("extract", extract, extracting, images * extracting.plan.views),
            ("decode", decode, decoding, images),
        ):
            sides = [_side(verb, config, places.get(side)) for side in (ALONE, ONE, TWO)]
            timed = in_turns(sides, scale.pairs)
            for side, workers in ((ONE, 1), (TWO, 2)):
                ratio = ratio_of([(took[side], took[ALONE]) for took in timed])
                rates = (f"{count / spent:.3g}" for spent in (ratio.b, ratio.a))
                table.add(name, count, workers, *rates, ratio)
                table.figure(f"{name} by {workers}", ratio)
                if (name, workers) == ("extract", 2):
                    table.met = ratio.median >= BAR
    table.notes += [
        f"Features {DEMO.name}, batches of {BATCH}. Timed from the first unit that is handed out "
        "to the last that is committed; workers run already, and have loaded the networks. What "
        "their start costs is seconds, whatever the size of the domain.",
        "By one worker: what dask, and reading and writing in another process, cost or hide.",
    ]
    return [table]


def _side(
    verb: Callable[[Any], Path], config: Extraction | Decoding, place: Cluster | None
) -> Callable[[], float]:
    """Seconds of the loop of a verb into a fresh folder, by workers or alone."""

    def run() -> float:
        shutil.rmtree(config.out, ignore_errors=True)
        took: list[float] = []
        with ExitStack() as stack:
            for module, name in ((extraction, "write_arrays"), (making, "run")):
                stack.enter_context(
                    mock.patch.object(module, name, _timed(getattr(module, name), took))
                )
            stack.enter_context(mock.patch.object(Crew, "results", _timed_results(took)))
            verb(replace(config, cluster=place))
        return took[0]

    return run


def _timed(loop: Callable[..., None], took: list[float]) -> Callable[..., None]:
    def timed(*arguments: Any) -> None:
        start = time.perf_counter()
        loop(*arguments)
        took.append(time.perf_counter() - start)

    return timed


def _timed_results(took: list[float]) -> Callable[..., Iterator[Any]]:
    results = Crew.results

    def timed(crew: Crew, units: Any) -> Iterator[Any]:
        start = time.perf_counter()
        yield from results(crew, units)
        took.append(time.perf_counter() - start)

    return timed
