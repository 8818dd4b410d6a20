"""Flipped bytes: `verify` finds each, and no reader gives a value that was not written."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np

from atdt.errors import UserError
from atdt.stores import SampleTable, create_store, open_store, verify_store
from atdt.stores.layout import LABELS, METADATA, VECTORS
from atdt.stores.reader import FeatureReader
from benchmarks.soak.stores import places, reader

SAMPLES, PER_SHARD = 14, 4
ARRAYS = {"plain": "none", "small": "zstd", "quick": "lz4"}


class Flips:
    """A store with every kind of array, and what it holds.

    Args:
        folder: where it is made.
    """

    def __init__(self, folder: Path):
        self.path = folder / "flipped.zarr"
        store = create_store(self.path, _table(), {"views": 2}, _domain(), PER_SHARD)
        drawn = np.random.default_rng(0)
        features = np.maximum(drawn.normal(size=(SAMPLES, 3, 4, 6)), 0).astype(np.float32)
        labels = drawn.integers(0, 4, (SAMPLES, 8, 12)).astype(np.uint8)
        writers = [
            store.feature_writer("level4", name, (3, 4, 6), "float16", {"task": name}, compressor=c)
            for name, c in ARRAYS.items()
        ]
        writers.append(store.label_writer("semantic", (8, 12), "uint8", {}))
        writers.append(store.label_writer("depth", (8, 12), "uint8", {}, compressor="zstd"))
        for writer in writers:
            values = labels if writer.name.startswith(LABELS) else features
            for block in range(store.blocks):
                start, stop = store.block_range(block)
                writer.write_block(block, values[start:stop])
            writer.finish()
        self._digest = store.samples.digest()
        self._places = places(store)
        self._values = {place: reader(store, place).read_all() for place in self._places}
        self._told = {place: _told(reader(store, place)) for place in self._places}
        self._root = (store.plan, store.domain, store.samples_per_shard)
        assert not verify_store(self.path).problems

    def shards(self) -> list[Path]:
        """Files that hold features or labels."""
        return [file for file in self._files() if self._is_shard(file)]

    def others(self) -> list[Path]:
        """Metadata, sample vectors and ledgers."""
        return [file for file in self._files() if not self._is_shard(file)]

    def flip(self, files: Sequence[Path], times: int, random: Random) -> str:
        """Flip a random byte of each file in turn, `times` in all; says how readers took it.

        Half of the flips in a shard are in its index.

        Raises:
            AssertionError: `verify` finds nothing, or a reader gives other values.
        """
        refused = 0
        for turn in range(times):
            file = files[turn % len(files)]
            content = bytearray(file.read_bytes())
            index = PER_SHARD * 16 + 4 if self._is_shard(file) else len(content)
            in_index = random.random() < 0.5 or index == len(content)
            at = random.randrange(*((-index, 0) if in_index else (0, len(content) - index)))
            mask = random.choice([1 << random.randrange(8), random.randrange(1, 256)])
            where = f"{file.relative_to(self.path)}, byte {at % len(content)}, mask {mask}"
            content[at] ^= mask
            file.write_bytes(content)
            try:
                refused += self._check(where)
            finally:
                content[at] ^= mask
                file.write_bytes(content)
        return f"{refused} refused by a reader, the others not read by any"

    def _check(self, where: str) -> bool:
        """Whether any reader refused the store; none may give what was not written."""
        problems = verify_store(self.path).problems
        assert problems, f"{where}: verify found nothing"
        assert all("--resume" in line for line in problems), f"{where}: {problems}"
        try:
            store = open_store(self.path)
            assert store.samples.digest() == self._digest, f"{where}: other samples"
            root = (store.plan, store.domain, store.samples_per_shard)
            assert root == self._root, f"{where}: the root says something else"
        except UserError:
            return True
        refused = False
        for place in self._places:
            try:
                found = reader(store, place)
                values, told = found.read_all(), _told(found)
            except UserError:
                refused = True
                continue
            assert np.array_equal(values, self._values[place]), f"{where}: {place} read otherwise"
            assert told == self._told[place], f"{where}: {place} is told otherwise"
        return refused

    def _files(self) -> list[Path]:
        return sorted(file for file in self.path.rglob("*") if file.is_file())

    def _is_shard(self, file: Path) -> bool:
        parts = file.relative_to(self.path).parts
        return parts[0] not in VECTORS and "c" in parts[2:3] and file.name != METADATA


def _told(found: FeatureReader) -> str:
    """All that a reader says of an array, but for its values."""
    return repr((found.shape, found.dtype, found.dimensions, found.attrs, found.statistics))


def _table() -> SampleTable:
    views = np.arange(SAMPLES) * 2 // SAMPLES
    return SampleTable(
        sample_id=[f"{index}#{view}" for index, view in enumerate(views)],
        image=[f"image/{index}.png" for index in range(SAMPLES)],
        view=views,
        flip=views == 1,
        box=[[index, 0, 8, 12] for index in range(SAMPLES)],
        size=[[16, 24]] * SAMPLES,
    )


def _domain() -> dict[str, str]:
    return {"name": "noise", "split": "train", "digest": "0" * 64, "root": "noise"}
