"""How fast features are read back, beside a memory map of the same bytes; and what codecs cost."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
import zarr
from crc32c import crc32c

from atdt.domains import open_domain
from atdt.stores import (
    READ_THREADS,
    FeatureReader,
    Store,
    default_samples_per_shard,
    open_store,
)
from atdt.training.load import load_task_network
from benchmarks.harness import Ratio, Scale, Table, in_turns, ratio_of, seconds
from benchmarks.material import PAPER, feature_store, image_domain, task_run

BAR = 0.70
PER_SHARD = 16
WINDOW = 4  # blocks that there is room for
LEVEL = "deepest"
CODECS = ("none", "zstd", "lz4")
DTYPES = ("float16", "float32")
GIGA = 1e9


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Blocks read ÷ memory map; codecs × dtypes × kinds of features."""
    return [_reading(scale, folder / "reading"), _codecs(scale, folder / "codecs")]


def _reading(scale: Scale, folder: Path) -> Table:
    samples = scale.of(512, 32)
    per_shard = default_samples_per_shard(PAPER.sample_bytes, samples)
    store = open_store(
        feature_store(folder / "store.zarr", PAPER, samples, per_shard, names=("depth",))
    )
    reader = store.features(LEVEL, "depth")
    file = folder / "features.raw"
    reader.read_all(progress=False).tofile(file)
    order = np.random.default_rng(0).permutation(reader.blocks).tolist()
    window = torch.zeros((WINDOW, per_shard, *PAPER.item), dtype=torch.float16).numpy()
    rooms = list(islice(cycle(window), len(order)))
    array = zarr.open_array(reader.path, mode="r")
    kept = np.memmap(file, reader.dtype, "r", shape=reader.shape)

    def blocks(threads: ThreadPoolExecutor) -> None:
        list(threads.map(reader.read_block, order, rooms))

    def copy(mapped: np.ndarray) -> None:
        for block, room in zip(order, rooms, strict=True):
            start, stop = reader.block_range(block)
            np.copyto(room, mapped[start:stop])

    def through_zarr() -> None:
        for block in order:
            start, stop = reader.block_range(block)
            array[start:stop]

    feeds, one = (ThreadPoolExecutor(threads) for threads in (READ_THREADS, 1))
    sides: dict[str, Callable[[], None]] = {
        f"read_block, every chunk checked, {READ_THREADS} threads": lambda: blocks(feeds),
        "the same in one thread": lambda: blocks(one),
        "memmap, kept open, its pages mapped": lambda: copy(kept),
        "memmap, opened anew each pass": lambda: copy(
            np.memmap(file, reader.dtype, "r", shape=reader.shape)
        ),
        "zarr's pipeline, array[start:stop]": through_zarr,
    }
    timed = in_turns([_timed(side) for side in sides.values()], scale.of(2, 1) * scale.pairs)
    for threads in (feeds, one):
        threads.shutdown()
    table = Table(
        "bytes/s of shuffled blocks into a window ÷ a numpy.memmap of the same bytes",
        ("reader", "GB/s", "read_block ÷ it"),
        bar=f"≥ {BAR:.2f} of either memmap, uncompressed",
    )
    size = samples * PAPER.sample_bytes
    ratios: list[Ratio] = []
    for place, name in enumerate(sides):
        ratio = ratio_of([(took[0], took[place]) for took in timed])
        ratios.append(ratio)
        table.add(name, f"{size / ratio.b / GIGA:.2f}", ratio if place else "1")
        table.figure(name, ratio)
    table.met = min(ratio.median for ratio in ratios[2:4]) >= BAR
    table.notes += [
        f"{samples} samples {PAPER.name} float16, {per_shard} a shard as `extract` cuts them, "
        f"{size / GIGA:.2f} GB, in the page cache; all but zarr copy into a window of {WINDOW} "
        "blocks that is there, as the streaming feed does, with its threads.",
        _bound(window[0], scale),
    ]
    return table


def _bound(buffer: np.ndarray, scale: Scale) -> str:
    """What checking costs beside copying: one thread, samples that come from main memory."""
    other = buffer.copy()

    def check() -> None:
        for row in buffer:
            crc32c(row.reshape(-1).view(np.uint8))

    copying, checking = (
        buffer.nbytes / took / GIGA
        for took in np.median(
            in_turns([_timed(lambda: np.copyto(other, buffer)), _timed(check)], 3 * scale.pairs), 0
        )
    )
    one = checking / (copying + checking)
    return (
        f"In one thread a copy runs at {copying:.1f} GB/s and crc32c at {checking:.1f}: both in a "
        f"row reach {one:.2f} of the copy, in two threads {min(1.0, 2 * one):.2f} where memory "
        "delivers twice as much."
    )


@dataclass(frozen=True)
class Kind:
    """Features that are stored: what they are, and a block of them (n, C, h, w) float32."""

    name: str
    block: np.ndarray


def _codecs(scale: Scale, folder: Path) -> Table:
    per_shard = scale.of(PER_SHARD, 4)
    table = Table(
        "what a codec saves and costs",
        (
            "features",
            "dtype",
            "codec",
            "disk ÷ raw",
            "read GB/s",
            "read ÷ none",
            "write GB/s",
            "write ÷ none",
        ),
    )
    store = open_store(
        feature_store(folder / "store.zarr", PAPER, per_shard, per_shard, ("depth",))
    )
    drawn = np.random.default_rng(0).standard_normal((per_shard, *PAPER.item), np.float32)
    noise = np.where(drawn > 0, drawn, np.expm1(drawn))
    kinds = (
        Kind("network", _network_features(scale, folder, per_shard)),
        Kind("noise", noise),
    )
    for kind in kinds:
        for dtype in DTYPES:
            _compare(scale, store, kind, dtype, table)
    zeros = np.mean(kinds[0].block == 0)
    table.notes += [
        f"{per_shard} samples {PAPER.name} in one shard; GB are of uncompressed stored bytes. "
        "Read: checked, into one buffer, from the page cache. Write: cast from float32, "
        "statistics, fsync.",
        f"network: dilated-resnet50 with drawn weights (untrained) on smooth noise images, "
        f"{zeros:.0%} of the values exactly 0; noise: ELU of normal noise. What training makes of "
        "features, and so how they compress, differs.",
    ]
    return table


def _compare(scale: Scale, store: Store, kind: Kind, dtype: str, table: Table) -> None:
    """A row for each codec, all of them measured in turns."""
    raw = kind.block.size * np.dtype(dtype).itemsize
    names = [f"{kind.name}_{dtype}_{codec}" for codec in CODECS]
    writing = in_turns(
        [
            _writer(store, name, kind, dtype, codec)
            for name, codec in zip(names, CODECS, strict=True)
        ],
        scale.pairs,
    )
    readers = [store.features(LEVEL, name) for name in names]
    buffer = np.empty(kind.block.shape, dtype)
    reading = in_turns(
        [_timed(lambda reader=reader: reader.read_block(0, buffer)) for reader in readers],
        scale.pairs,
    )
    for place, (codec, reader) in enumerate(zip(CODECS, readers, strict=True)):
        read = ratio_of([(took[place], took[0]) for took in reading])
        written = ratio_of([(took[place], took[0]) for took in writing])
        disk = _bytes_on_disk(reader) / raw
        table.add(
            kind.name,
            dtype,
            codec,
            f"{disk:.3f}",
            f"{raw / read.a / GIGA:.2f}",
            read if place else "1",
            f"{raw / written.a / GIGA:.2f}",
            written if place else "1",
        )
        name = f"{kind.name} {dtype} {codec}"
        table.figure(f"{name} disk", disk)
        table.figure(f"{name} read", read)
        table.figure(f"{name} write", written)


def _writer(store: Store, name: str, kind: Kind, dtype: str, codec: str) -> Callable[[], float]:
    """Writes the array anew; the seconds of its block."""
    provenance = store.attributes(LEVEL, "depth")

    def write() -> float:
        there = store.status(LEVEL, name) != "absent"
        with store.feature_writer(
            LEVEL, name, PAPER.item, dtype, provenance, compressor=codec, overwrite=there
        ) as writer:
            start = time.perf_counter()
            writer.write_block(0, kind.block)
            took = time.perf_counter() - start
            writer.finish()
        return took

    return write


def _network_features(scale: Scale, folder: Path, samples: int) -> np.ndarray:
    """Features of a few images, repeated up to `samples`; a chunk is a sample, so that repeating
    them changes no codec's work."""
    images = scale.of(8, 1)
    domain = open_domain(image_domain(folder / "domain", images, PAPER.size))
    network = load_task_network(task_run(folder / "run", "semantic", PAPER, 0)).network
    found = []
    with torch.inference_mode():
        for index in range(images):
            image = torch.from_numpy(domain.image(index)).permute(2, 0, 1)[None] / 255
            found.append(network.encode(image).numpy())
    return np.resize(np.concatenate(found), (samples, *PAPER.item))


def _bytes_on_disk(reader: FeatureReader) -> int:
    return sum(path.stat().st_size for path in (reader.path / "c").rglob("*") if path.is_file())


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    return lambda: seconds(call)
