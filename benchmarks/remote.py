"""Requests a sample of extract, train and decode against an S3 server, beside the disk.

The server is moto's, on the loopback address of this machine and in this process: what it counts is
what a real one would be asked, what it takes is mostly its own time. `LATENCY` is added to every
request, so that a column says how well they overlap.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

from atdt import objects
from atdt.decode import Decoding, decode
from atdt.domains import ViewPlan
from atdt.extract import Extraction, extract
from atdt.places import place
from atdt.predictions import open_predictions
from atdt.stores import open_store
from atdt.transfer import TransferTraining, train
from benchmarks.harness import Scale, Table
from benchmarks.material import DEMO, image_domain, task_run
from benchmarks.s3 import BUCKET, ENVIRONMENT, S3, s3_server

LATENCY = 0.02  # seconds a request
BAR = 0.5  # requests a sample, of a training


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Requests and times of each verb, its paths on the disk and in the bucket."""
    images = scale.of(256, 24)
    local = image_domain(folder / "disk" / "domain", images, DEMO.size)
    for seed, task in enumerate(("depth", "semantic")):
        task_run(folder / "disk" / task, task, DEMO, seed)
    table = Table(
        f"requests to an object store with {LATENCY * 1000:.0f} ms a request, and time",
        (
            "verb",
            "samples",
            "GET",
            "HEAD",
            "PUT",
            "DELETE",
            "once a command",
            "others/sample",
            "bucket: s",
            "disk: s",
        ),
        bar=f"train: under {BAR} a sample beside those made once",
    )
    split = local.rpartition(":")[2]
    with mock.patch.dict(os.environ, ENVIRONMENT), s3_server() as server:
        os.environ["AWS_ENDPOINT_URL"] = server.url
        there = place(f"s3://{BUCKET}/all")
        for file in (folder / "disk").rglob("*"):
            if file.is_file():
                objects.put(there / file.relative_to(folder / "disk").as_posix(), file.read_bytes())
        for name, verb in (("extract", _extract), ("train", _train), ("decode", _decode)):
            begun = time.perf_counter()
            verb(folder / "disk", split, scale)
            on_disk = time.perf_counter() - begun
            each = _add(table, name, server, on_disk, lambda v=verb: v(there, split, scale))
            if name == "train":
                table.met = each < BAR
            server.forget()
    table.notes.append(
        "extract: two arrays and its images from the bucket; train: one epoch, streaming, to a run "
        "in the bucket; decode: images to predictions, both in the bucket. Requests that do not "
        "name a shard, an image, a label or a prediction are made once a command, an array or a "
        "network, however many samples there are."
    )
    return [table]


def _add(table: Table, name: str, server: S3, on_disk: float, run: Callable[[], int]) -> float:
    """Run a verb in the bucket; its requests a sample, without those made once a command."""
    server.forget()
    server.latency = LATENCY
    begun = time.perf_counter()
    samples = run()
    seconds = time.perf_counter() - begun
    counts, total = server.counts(), len(server.requests)
    by_sample = ("/c/", "/commits/", "/image/", "/rgb/", "/predictions/")
    once = sum(
        not any(part in path for part in by_sample) or "sample_id/c/" in path
        for _, path in server.requests
    )
    cells = [str(counts[method]) for method in ("GET", "HEAD", "PUT", "DELETE")]
    times = (f"{seconds:.1f}", f"{on_disk:.1f}")
    each = (total - once) / samples
    table.add(name, str(samples), *cells, str(once), f"{each:.2f}", *times)
    table.figure(f"{name}: requests a sample", each)
    return each


def _extract(base: Path, split: str, scale: Scale) -> int:
    config = Extraction(
        domain=f"{base}/domain:{split}",
        encoders=((None, base / "depth"), (None, base / "semantic")),
        out=base / "store.zarr",
        plan=ViewPlan(views=scale.of(4, 2), photometric="paper"),
        batch=8,
        samples_per_shard=16,
        device="cpu",
    )
    return len(open_store(extract(config)).samples)


def _train(base: Path, split: str, scale: Scale) -> int:
    samples, batch = len(open_store(base / "store.zarr").samples), 16
    config = TransferTraining(
        store=base / "store.zarr",
        source="depth",
        target="semantic",
        target_run=base / "semantic",
        out=base / "g",
        steps=samples // batch,
        batch=batch,
        options={"width": 16},
        held_out=0,
        feed="stream",
        device="cpu",
    )
    train(replace(config, checkpoint_every=config.steps))
    return samples


def _decode(base: Path, split: str, scale: Scale) -> int:
    config = Decoding(
        transfer=base / "g",
        encoder=base / "depth",
        decoder=base / "semantic",
        domain=f"{base}/domain:{split}",
        out=base / "predictions",
        batch=8,
        device="cpu",
    )
    return len(open_predictions(decode(config)).images)
