"""An extraction of very many images in which nothing is computed: what is left is coordination.

python -m benchmarks.simulation FOLDER IMAGES prints JSON. List, order and vectors of samples,
store, scheduler, units, commits and ledgers are real; images, encoders and the bytes of shards are
not.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from atdt.cluster import Cluster
from atdt.domains import Domain, ViewPlan, opening
from atdt.extract import Extraction, by_workers, extract, extraction, plan_extraction
from atdt.extract import opening as extract_opening
from atdt.extract.bench import Order, Unit
from atdt.files import inside, partial_name
from atdt.stores import Shard
from atdt.stores.cast import Statistics
from atdt.stores.layout import Grid, shard_path
from atdt.stores.shards import plain_sizes

WORKERS = 2
SIZE = (512, 512)
ITEM = (2048, 32, 32)  # the paper's
PER_SHARD = 64  # 256 MiB, the store's own choice
LEVEL = "level4"
NAMES = ("depth", "semantic")
DESCRIPTION = {"device": "none"}
LOOK_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class NullEncoder:
    """An encoder that is never run."""

    name: str
    levels: tuple[str, ...] = (LEVEL,)

    def shape(self, level: str, size: tuple[int, int]) -> tuple[int, int, int]:
        return ITEM

    def provenance(self, level: str, config: Extraction, device: str) -> dict[str, Any]:
        return {"task": self.name, "encoder_sha256": "0" * 64, "level": level, "created": "never"}


class NullBench:
    """Gives shards that are holes of the right size, with statistics of every channel."""

    description = DESCRIPTION

    def __init__(self, order: Order):
        self._out = order.config.out
        self._grid = Grid(int(order.config.domain.rpartition("@")[2]), PER_SHARD)
        self._item_bytes = 2 * int(np.prod(ITEM))

    def work(self, unit: Unit) -> dict[str, Shard]:
        return {path: self._shard(path, unit.block) for path in unit.arrays}

    def _shard(self, path: str, block: int) -> Shard:
        start, stop = self._grid.block_range(block)
        place = shard_path(inside(self._out, path), block, 1 + len(ITEM))
        place.parent.mkdir(parents=True)
        size = plain_sizes(PER_SHARD, stop - start, self._item_bytes)[0]
        file = place.with_name(partial_name(place))
        with file.open("xb") as hole:
            hole.truncate(size)
        drawn = np.random.default_rng(block).standard_normal((2, ITEM[0]))
        values = (stop - start) * ITEM[1] * ITEM[2]
        return Shard(
            file.name, block, size, "0" * 64, Statistics(values, 4.0, 1e-4, 1.0, drawn[0], drawn[1])
        )


def write_domain(folder: Path, images: int) -> str:
    """A list of images that are not there; its spec."""
    folder.mkdir()
    with (folder / "train.txt").open("w") as listed:
        for index in range(images):
            listed.write(f"train/town{index // 1000:04d}/town_{index:08d}_image.png\n")
    (folder / "domain.toml").write_text(
        'name = "many"\nlabel_space = "coarse4"\ncolumns = ["image"]\n'
        '[lists]\ntrain = "train.txt"\n'
    )
    return f"{folder}:train@{images}"


def simulate(folder: Path, images: int) -> dict[str, float]:
    """Extract, and say what it took of this process: seconds, its processors' seconds, bytes; and
    how many files it made, and was to make by a plan."""
    config = Extraction(
        domain=write_domain(folder / "domain", images),
        encoders=tuple((name, folder) for name in NAMES),
        out=folder / "store.zarr",
        plan=ViewPlan(views=1),
        samples_per_shard=PER_SHARD,
        device="cpu",
        cluster=Cluster(workers=WORKERS),
    )
    before, before_own = _memory("VmRSS"), _memory("RssAnon")
    with _nothing_there(), _highest("RssAnon") as own:
        began, cpu = time.monotonic(), time.process_time()
        extract(config)
        wall, cpu = time.monotonic() - began, time.process_time() - cpu
        peak = _memory("VmHWM")
        planned = _planned(config, images)
    return {
        "images": images,
        "shards": len(NAMES) * -(-images // PER_SHARD),
        "wall": wall,
        "cpu": cpu,
        "imported": before,
        "imported own": before_own,
        "peak": peak,
        "own": max(own),
        "ledgers": sum(file.stat().st_size for file in config.out.glob(f"{LEVEL}/*/ledger.jsonl")),
        "files": sum(len(files) for _, _, files in os.walk(config.out)),
        "planned files": planned,
    }


def _planned(config: Extraction, images: int) -> int:
    """Files that `atdt plan` says, from a few of the images: all would take as long again."""
    few = config.domain.rpartition("@")[0] + f"@{min(images, PER_SHARD)}"
    return plan_extraction(replace(config, domain=few), images=images, rate=1.0).files


@contextmanager
def _nothing_there() -> Iterator[None]:
    """Within it images need not exist, encoders need not be loaded, and a disk has room for all."""
    patches = (
        mock.patch.object(opening, "check_files", lambda domain, labels: None),
        mock.patch.object(Domain, "image_size", lambda domain, index: SIZE),
        mock.patch.object(Domain, "_bytes", lambda domain, sample: 300_000),
        mock.patch.object(
            extract_opening, "load_encoders", lambda *_: tuple(map(NullEncoder, NAMES))
        ),
        mock.patch.object(by_workers, "ExtractionBench", NullBench),
        mock.patch.object(by_workers, "description", lambda *_: DESCRIPTION),
        mock.patch.object(extraction, "refuse_full_disk", lambda *_: None),
    )
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


@contextmanager
def _highest(what: str) -> Iterator[list[int]]:
    """What `_memory` says again and again within it, the last time at its end."""
    seen, ended = [_memory(what)], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY_SECONDS):
            seen.append(_memory(what))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        seen.append(_memory(what))
        ended.set()
        thread.join()


def _memory(what: str) -> int:
    """Bytes, as the system counts them for this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return 1024 * int(value.split()[0])
    raise RuntimeError(f"no {what}")


if __name__ == "__main__":
    print(json.dumps(simulate(Path(sys.argv[1]), int(sys.argv[2]))))
