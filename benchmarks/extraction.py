"""How fast `extract` is, beside the bare forward passes that it cannot do without."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from atdt.domains import ViewPlan, open_domain
from atdt.extract import Extraction, extract, extraction
from atdt.extract.arrays import open_root, open_writer, wanted_arrays
from atdt.extract.encoders import load_encoders
from atdt.extract.samples import Samples
from benchmarks.harness import Scale, Table, in_turns, ratio_of, seconds
from benchmarks.material import DEMO, PAPER, Shape, image_domain, task_run

BAR = 0.90
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Case:
    """An extraction that is measured, of two encoders.

    Attributes:
        shape: of the features.
        images: in the domain.
        plan: its views.
        batch: samples a forward pass.
        per_shard: samples; None for the store's own choice.
    """

    shape: Shape
    images: int
    plan: ViewPlan
    batch: int
    per_shard: int | None = None

    @property
    def samples(self) -> int:
        return self.images * self.plan.views


def measure(scale: Scale, folder: Path) -> list[Table]:
    """`extract` ÷ bare forward, in samples/s, at both shapes; and where the rest goes."""
    table = Table(
        "extract ÷ a bare forward of the same two encoders over decoded batches in memory",
        ("shape", "samples", "what", "extract samples/s", "bare samples/s", "ratio"),
        bar=f"loop ≥ {BAR:.2f} at both shapes",
    )
    cases = (
        Case(DEMO, scale.of(64, 16), ViewPlan(views=6, photometric="paper"), batch=16),
        Case(PAPER, 6, ViewPlan(views=1), batch=2, per_shard=2),
    )
    met = True
    for case in cases[: scale.of(2, 1)]:
        loop = _compare(case, scale, folder / case.shape.name.split()[0], table)
        met &= loop >= BAR
    table.met = met
    table.notes.append(
        "loop: what lasts for hours in a real extraction, decode → forward → cast → write; its "
        "first decode and its last write, which nothing overlaps, are counted. The bar is on it. "
        "whole verb: also opens domain and runs and makes the store, once however many samples."
    )
    table.notes.append(
        "bare: the same networks, loaded by the same code, in inference mode, over the same "
        "batches decoded before. Every extraction writes into a fresh folder, with fsync."
    )
    return [table]


def _compare(case: Case, scale: Scale, folder: Path, table: Table) -> float:
    """Measure one case into the table; the loop's ratio."""
    config = Extraction(
        domain=image_domain(folder / "domain", case.images, case.shape.size),
        encoders=tuple(
            (None, task_run(folder / task, task, case.shape, seed))
            for seed, task in enumerate(("depth", "semantic"))
        ),
        out=folder / "store.zarr",
        plan=case.plan,
        samples_per_shard=case.per_shard,
        batch=case.batch,
        device="cpu",
    )
    bare = _bare(config)
    whole_verb: list[float] = []

    def extracting() -> float:
        whole, loop = _extract(config)
        whole_verb.append(whole)
        return loop

    timed = in_turns((extracting, lambda: seconds(bare)), scale.pairs)
    whole_verb = whole_verb[-len(timed) :]
    loop = ratio_of(timed)
    whole = ratio_of(
        [(verb, forward) for verb, (_, forward) in zip(whole_verb, timed, strict=True)]
    )
    for what, ratio in (("loop", loop), ("whole verb", whole)):
        table.add(
            case.shape.name,
            case.samples,
            what,
            f"{case.samples / ratio.a:.3g}",
            f"{case.samples / ratio.b:.3g}",
            ratio,
        )
        table.figure(f"{case.shape.name} {what}", ratio)
    table.notes.append(_rest(case, config, loop.b / case.samples))
    return loop.median


def _extract(config: Extraction) -> tuple[float, float]:
    """Seconds of a whole extraction into a fresh folder, and of the loop within it."""
    shutil.rmtree(config.out, ignore_errors=True)
    loop: list[float] = []
    write_arrays = extraction.write_arrays

    def timed(*arguments: Any) -> None:
        start = time.perf_counter()
        write_arrays(*arguments)
        loop.append(time.perf_counter() - start)

    with mock.patch.object(extraction, "write_arrays", timed):
        whole = seconds(lambda: extract(config))
    return whole, loop[0]


def _bare(config: Extraction) -> Callable[[], None]:
    """The forward passes of `config`, over batches that are in memory."""
    samples = Samples(open_domain(config.domain), config.plan)
    encoders = load_encoders(config, CPU)
    spans = (
        (at, min(at + config.batch, len(samples))) for at in range(0, len(samples), config.batch)
    )
    # laid out before, as the loaded networks take them
    batches = [
        torch.from_numpy(samples.read(*span, True, ()).images).contiguous(
            memory_format=torch.channels_last
        )
        for span in spans
    ]

    def forward() -> None:
        for images in batches:
            for encoder in encoders:
                encoder.features(images, encoder.levels, config.precision)

    return forward


def _rest(case: Case, config: Extraction, forward: float) -> str:
    """What extraction does beside the forward passes (seconds a sample), each part alone."""
    config = replace(config, out=config.out.with_name("parts.zarr"))
    domain = open_domain(config.domain)
    samples = Samples(domain, config.plan)
    encoders = load_encoders(config, CPU)
    arrays = wanted_arrays(config, samples, encoders, CPU.type)
    store = open_root(config, samples, arrays)
    count = store.block_range(0)[1]
    chosen = range(len(samples) - count, len(samples))  # drawn views, where there are any
    pixels = [domain.image(samples.image(sample)) for sample in chosen]
    images = [
        samples.view(sample).image(picture) for sample, picture in zip(chosen, pixels, strict=True)
    ]
    batch = torch.stack([torch.from_numpy(image) for image in images[: config.batch]])
    features = {
        encoder.name: encoder.features(batch, encoder.levels, config.precision)
        for encoder in encoders
    }
    writers = [open_writer(config, store, array) for array in arrays]
    drafts = [writer.draft(0) for writer in writers]

    def decode() -> None:
        for sample in chosen:
            domain.image(samples.image(sample))

    def view() -> None:
        for sample, picture in zip(chosen, pixels, strict=True):
            samples.view(sample).image(picture)

    def cast() -> None:
        for array, draft in zip(arrays, drafts, strict=True):
            made = features[array.name][array.group]
            while draft.filled < count:
                draft.add(made[: count - draft.filled])

    def write() -> None:
        for writer, draft in zip(writers, drafts, strict=True):
            writer.write(draft)

    parts = {part.__name__: seconds(part) / count for part in (decode, view, cast, write)}
    for writer in writers:
        writer.close()
    said = ", ".join(f"{name} {1e3 * spent:.2f}" for name, spent in parts.items())
    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    rest = sum(parts.values())
    # casting waits for the forward pass; the other parts run beside it
    least = max(forward + parts["cast"], (min(threads, cores) * forward + rest) / cores)
    head, tail = parts["decode"] + parts["view"], parts["write"] * count / case.samples
    alone = head * config.batch / case.samples + tail
    return (
        f"{case.shape.name}, ms a sample, each part alone in one thread: {said}; forward "
        f"{1e3 * forward:.2f} in {threads}. cast comes in turn with forward, the "
        f"rest beside them. Where forward fills its threads, {cores} cores need {1e3 * least:.2f} "
        f"for all of it, a ratio of {forward / least:.3f}. First decode and last write "
        f"alone cost {alone / (forward + alone):.1%} of these few samples."
    )
