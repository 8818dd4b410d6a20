"""Small stores made of random numbers."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from atdt.stores import SampleTable, create_store

PLAN = {"views": 2, "seed": 3, "crop": [4, 6]}
DOMAIN = {"name": "streets-a", "split": "train", "digest": "d" * 64, "root": "/somewhere"}
PROVENANCE = {
    "task": "depth",
    "network": {"name": "tiny", "options": {}},
    "encoder_sha256": "ab" * 32,
    "level": "level4",
    "preprocessing": {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]},
    "device": "cpu",
    "threads": 1,
    "precision": "float32",
    "batch": 4,
    "created": "2026-01-01T00:00:00+00:00",
}


class Kit:
    """What the tests of this room make stores with; `folder` is a new one a test case."""

    plan, domain, provenance = PLAN, DOMAIN, PROVENANCE

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory

    def folder(self) -> Path:
        return self._factory.mktemp("store")

    def table(self, samples: int = 10) -> SampleTable:
        views = np.arange(samples) * 2 // samples
        return SampleTable(
            sample_id=[f"img{i}#{view}" for i, view in enumerate(views)],
            image=[f"a/é{i}.png" for i in range(samples)],
            view=views,
            flip=views == 1,
            box=[[i, 0, 4, 6] for i in range(samples)],
            size=[[8, 12]] * samples,
        )

    def store(self, samples: int = 10, per_shard: int = 4, path: Path | None = None):
        path = path or self.folder() / "a.zarr"
        return create_store(path, self.table(samples), self.plan, self.domain, per_shard)

    def values(self, samples: int = 10, item: tuple[int, ...] = (3, 2, 5), seed: int = 0):
        drawn = np.random.default_rng(seed).normal(size=(samples, *item))
        return np.maximum(drawn, 0).astype(np.float32)

    def writer(
        self, store, *, item=(3, 2, 5), dtype="float16", name="depth", changes=None, **options
    ):
        provenance = self.provenance | (changes or {})
        return store.feature_writer("level4", name, item, dtype, provenance, **options)

    def write(self, store, values, level="level4", name="depth", dtype="float16", **options):
        provenance = self.provenance | {"level": level} | options.pop("provenance", {})
        with store.feature_writer(
            level, name, values.shape[1:], dtype, provenance, **options
        ) as writer:
            self.fill(writer, store, values)
            writer.finish()

    def fill(self, writer, store, values, blocks=None) -> None:
        for block in writer.missing_blocks() if blocks is None else blocks:
            start, stop = store.block_range(block)
            writer.write_block(block, values[start:stop])

    def files(self, folder: Path) -> dict[str, bytes]:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}

    def flip(self, file: Path, position: int = -1, mask: int = 0x10) -> None:
        data = bytearray(file.read_bytes())
        data[position] ^= mask
        file.write_bytes(data)

    def copy(self, path: Path) -> Path:
        return Path(shutil.copytree(path, self.folder() / path.name))


@pytest.fixture(autouse=True, scope="session")
def no_power_cuts() -> Iterator[None]:
    """Waiting for the disk proves nothing where the power stays on, and takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return Kit(tmp_path_factory)


@pytest.fixture(scope="session")
def finished(kit: Kit) -> Path:
    """A store with two encoders at a level, a second level and labels; copied, never changed."""
    store = kit.store()
    kit.write(store, kit.values())
    kit.write(store, kit.values(seed=1), name="semantic", compressor="zstd")
    kit.write(store, kit.values(item=(2, 4, 10)), level="level2", dtype="float32")
    with store.label_writer("semantic", (4, 6), "uint8", {"task": "semantic"}) as writer:
        kit.fill(writer, store, np.zeros((10, 4, 6), np.uint8))
        writer.finish()
    return store.path
