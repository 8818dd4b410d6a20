"""How fast `decode` is: from a store beside from images, and beside G and D2 alone."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from atdt.decode import Decoding, decode, making
from atdt.decode.output import Sink
from atdt.domains import ViewPlan
from atdt.extract import Extraction, extract
from atdt.stores import open_store
from atdt.training.load import load_task_network
from atdt.transfer import TransferTraining, train
from atdt.transfer.load import load_transfer
from benchmarks.harness import Scale, Table, in_turns, ratio_of, seconds
from benchmarks.material import DEMO, PAPER, Shape, image_domain, task_run

# of the sides below
STORE, IMAGES, UNSYNCED, UNWRITTEN, BARE = range(5)


@dataclass(frozen=True)
class Case:
    """A decoding that is measured.

    Attributes:
        shape: of the features.
        images: in domain B, one view each.
        batch: images at a time.
    """

    shape: Shape
    images: int
    batch: int


@dataclass(frozen=True)
class Ground:
    """What a case decodes: domain, a store of it, and the run of a G between two task networks."""

    folder: Path
    domain: str
    store: Path
    transfer: Path
    target: Path


def measure(scale: Scale, folder: Path) -> list[Table]:
    """`decode` at both shapes, from a store and from images, with and without its files."""
    table = Table(
        "decode: from a store ÷ from images, and ÷ a bare loop of G and D2 over features in memory",
        ("shape", "images", "what", "A", "A images/s", "B", "B images/s", "A ÷ B"),
    )
    cases = (Case(DEMO, scale.of(256, 32), batch=8), Case(PAPER, 6, batch=2))
    for case in cases[: scale.of(2, 1)]:
        _compare(case, scale, folder / case.shape.name.split()[0], table)
    table.notes += [
        "loop: from the first batch read to predictions.json, in a fresh folder. whole verb: also "
        "opens runs and store and checks that they belong together, once however many images.",
        "no fsync: os.fsync does nothing, files are written and renamed all the same. no files: "
        "predictions are computed and dropped; the ledger's line and fsync a batch remain.",
        "bare: G, D2 and the task's prediction (argmax) in inference mode, over batches of float32 "
        "features that were read before; it opens and writes nothing, so it bounds A.",
    ]
    return [table]


def _compare(case: Case, scale: Scale, folder: Path, table: Table) -> None:
    """Measure one case into the table."""
    ground = _ground(case, folder)
    from_store = {"store": ground.store}
    names = {
        STORE: "store",
        IMAGES: "images",
        UNSYNCED: "store, no fsync",
        UNWRITTEN: "store, no files",
        BARE: "bare",
    }
    bare = _bare(case, ground)

    whole: dict[int, list[float]] = {STORE: [], IMAGES: []}

    def verb(side: int, source: dict[str, str | Path]) -> float:
        loop, all_of_it = _decode(case, ground, source)
        whole[side].append(all_of_it)
        return loop

    def unsynced() -> float:
        with mock.patch.object(os, "fsync", lambda handle: None):
            return _decode(case, ground, from_store)[0]

    def unwritten() -> float:
        with mock.patch.object(Sink, "save", _named):
            return _decode(case, ground, from_store)[0]

    sides = {
        STORE: lambda: verb(STORE, from_store),
        IMAGES: lambda: verb(IMAGES, {"domain": ground.domain}),
        UNSYNCED: unsynced,
        UNWRITTEN: unwritten,
        BARE: lambda: seconds(bare),
    }
    timed = in_turns([sides[side] for side in sorted(sides)], scale.pairs)
    verbs = list(zip(*(whole[side][-len(timed) :] for side in (STORE, IMAGES)), strict=True))
    pairs = [
        ("whole verb", STORE, IMAGES, verbs),
        *(
            ("loop", a, b, [(took[a], took[b]) for took in timed])
            for a, b in (
                (STORE, IMAGES),
                (STORE, BARE),
                (UNSYNCED, BARE),
                (UNWRITTEN, BARE),
                (STORE, UNSYNCED),
                (STORE, UNWRITTEN),
            )
        ),
    ]
    for what, a, b, seconds_of in pairs:
        ratio = ratio_of(seconds_of)
        rates = (f"{case.images / spent:.3g}" for spent in (ratio.a, ratio.b))
        cells = (cell for pair in zip((names[a], names[b]), rates, strict=True) for cell in pair)
        table.add(case.shape.name, case.images, what, *cells, ratio)
        table.figure(f"{case.shape.name} {what} {names[a]} ÷ {names[b]}", ratio)
    spent = {side: float(np.median([took[side] for took in timed])) for side in sides}
    ms = {side: 1e3 * of_all / case.images for side, of_all in spent.items()}
    table.notes.append(
        f"{case.shape.name}, ms an image: G and D2 {ms[BARE]:.2f}; reading and the ledger "
        f"add {ms[UNWRITTEN] - ms[BARE]:.2f}, files without fsync another "
        f"{ms[UNSYNCED] - ms[UNWRITTEN]:.2f} (whose ledger is not synced either), fsync "
        f"{ms[STORE] - ms[UNSYNCED]:.2f}; images and E1 instead of a store "
        f"{ms[IMAGES] - ms[STORE]:.2f}."
    )


def _named(sink: Sink, image: str, arrays: dict[str, np.ndarray]) -> dict[str, Path]:
    """What `Sink.save` gives back, without writing."""
    return {part: sink.place(part, image) for part in arrays}


def _decode(case: Case, ground: Ground, source: dict[str, str | Path]) -> tuple[float, float]:
    """Seconds of the loop of a decoding into a fresh folder, and of all of it."""
    out = ground.folder / "predictions"
    shutil.rmtree(out, ignore_errors=True)
    config = Decoding(transfer=ground.transfer, out=out, batch=case.batch, device="cpu", **source)
    loop: list[float] = []
    run = making.run

    def timed(*arguments: Any) -> None:
        start = time.perf_counter()
        run(*arguments)
        loop.append(time.perf_counter() - start)

    with mock.patch.object(making, "run", timed):
        whole = seconds(lambda: decode(config))
    return loop[0], whole


def _bare(case: Case, ground: Ground) -> Callable[[], None]:
    """G, D2 and the prediction over the store's features, all in memory."""
    transfer = load_transfer(ground.transfer)
    target = load_task_network(ground.target)
    reader = open_store(ground.store).features(transfer.source_level, "depth")
    features = torch.from_numpy(reader.read_all(progress=False)).float()
    # laid out before, as `decode` lays out what it reads
    batches = features.contiguous(memory_format=torch.channels_last).split(case.batch)
    size = target.network.feature_shape(transfer.level, case.shape.size)[1:]

    def loop() -> None:
        with torch.inference_mode():
            for batch in batches:
                made = transfer.module(batch, size)
                output = target.network.decode(made, transfer.level, case.shape.size)
                target.task.predict(output).numpy()

    return loop


def _ground(case: Case, folder: Path) -> Ground:
    """Domain, task networks, store and G; a G of one step is as fast as a trained one."""
    runs = {
        task: task_run(folder / task, task, case.shape, seed)
        for seed, task in enumerate(("depth", "semantic"))
    }
    domain = image_domain(folder / "domain", case.images, case.shape.size)
    store = extract(
        Extraction(
            domain=domain,
            encoders=tuple((None, run) for run in runs.values()),
            out=folder / "store.zarr",
            plan=ViewPlan(views=1),
            batch=case.batch,
            device="cpu",
        )
    )
    transfer = train(
        TransferTraining(
            store=store,
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
    return Ground(folder, domain, store, transfer, runs["semantic"])
