"""Any history of a store – writing, crashes, damage, mending – against a plain model of it.

The model knows what every array holds and which of its blocks are committed, and keeps the bytes of
each file as they were when the store last wrote it. Damage is then what differs from these bytes.
"""

import shutil
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from atdt.errors import MismatchError, StoreError
from atdt.stores import create_store, open_store, verify_store

ROOT_LEDGER = "sample_id/ledger.jsonl"
KEYS = [
    ("level4", "depth"),
    ("level4", "semantic"),
    ("level1", "depth"),
    ("labels", "semantic"),
    ("labels", "depth"),
]
# What a cast or a comparison of numbers, rather than of bits, would lose.
ODD_VALUES = np.array([-0.0, 6e-8, -1e-7, 65504.0, 0.0, 1 / 3], np.float32)


@dataclass
class Array:
    """An array by the model; `committed` are blocks in the order of the ledger's lines."""

    group: str
    name: str
    given: np.ndarray
    dtype: str
    compressor: str
    weights: str
    committed: list[int] = field(default_factory=list)
    complete: bool = False

    @property
    def folder(self) -> str:
        return f"{self.group}/{self.name}"

    @property
    def ledger(self) -> str:
        return f"{self.folder}/ledger.jsonl"

    @property
    def metadata(self) -> list[str]:
        return [f"{self.group}/zarr.json", f"{self.folder}/zarr.json"]

    def shard(self, block: int) -> str:
        return "/".join([self.folder, "c", str(block), *["0"] * (self.given.ndim - 1)])

    def files(self) -> list[str]:
        return [*self.metadata, self.ledger, *(self.shard(block) for block in self.committed)]


class Machine(RuleBasedStateMachine):
    """One store in a folder of its own, and the model of it."""

    def __init__(self, kit):
        super().__init__()
        self.kit = kit
        self.arrays: dict[tuple[str, str], Array] = {}
        self.sound: dict[str, bytes] = {}

    # ---- helpers

    def made(self, path: Path | None = None):
        """The store's root, mended where it is damaged, as `atdt extract --resume` does first."""
        table = self.kit.table(self.samples)
        return create_store(
            path or self.path, table, self.kit.plan, self.kit.domain, self.per_shard, resume=True
        )

    def writer(self, array: Array, store=None, **options):
        store = store or self.made()
        provenance = self.kit.provenance | {"encoder_sha256": array.weights}
        rest = (array.name, array.given.shape[1:], array.dtype, provenance)
        options["compressor"] = array.compressor
        if array.group == "labels":
            return store.label_writer(*rest, **options)
        return store.feature_writer(array.group, *rest, **options)

    def now(self, path: str) -> bytes | None:
        file = self.path / path
        return file.read_bytes() if file.is_file() else None

    def is_damaged(self, path: str) -> bool:
        return self.now(path) != self.sound[path]

    def root_files(self) -> list[str]:
        folders = {array.group for array in self.arrays.values()}
        return [path for path in self.sound if path.split("/")[0] not in folders]

    def root_is_damaged(self) -> bool:
        return any(self.is_damaged(path) for path in self.root_files())

    def trusted_lines(self, array: Array) -> int:
        """Lines of the array's ledger before the first that is not as it was written."""
        both = [self.now(array.ledger) or b"", self.sound[array.ledger]]
        pairs = zip(*(ledger.splitlines(keepends=True) for ledger in both), strict=False)
        return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))

    def is_sound(self, array: Array) -> bool:
        return array.complete and not any(self.is_damaged(path) for path in array.files())

    def is_lost(self) -> bool:
        """Whether so much is damaged at once that nothing says what the store was."""
        headers = [self.trusted_lines(array) > 0 for array in self.arrays.values()]
        if any(headers) or not self.is_damaged(ROOT_LEDGER):
            return False
        gone = self.now(ROOT_LEDGER) is None
        return self.is_damaged("zarr.json") or (gone and bool(headers))

    def draw_array(self, data, key) -> Array:
        group, name = key
        dtypes = ["float32", "uint8"] if group == "labels" else ["float16", "float32"]
        dtype = data.draw(st.sampled_from(dtypes), "dtype")
        compressor = data.draw(st.sampled_from(["none", "none", "zstd", "lz4"]), "compressor")
        dimensions = 2 if group == "labels" else 3
        item = data.draw(st.tuples(*[st.integers(1, 2)] * dimensions), "item")
        seed = data.draw(st.integers(0, 2**16), "seed")
        random = np.random.default_rng(seed)
        if dtype == "uint8":
            given = random.integers(0, 256, (self.samples, *item), np.uint8)
        else:
            given = random.normal(size=(self.samples, *item)).astype(np.float32)
            odd = random.random(given.shape) < 0.3
            given[odd] = random.choice(ODD_VALUES, odd.sum())
        return Array(group, name, given, dtype, compressor, f"{seed:064x}")

    def chosen(self, data) -> Array:
        return self.arrays[data.draw(st.sampled_from(sorted(self.arrays)), "array")]

    def go_on(self, data, array: Array, writer, missing: list[int]) -> None:
        """Write some blocks or all with an open writer, then finish, close or crash."""
        assert writer.missing_blocks() == missing
        order = data.draw(st.permutations(missing), "order")
        count = data.draw(st.just(len(missing)) | st.integers(0, len(missing)), "blocks")
        store = open_store(self.path)
        for block in order[:count]:
            start, stop = store.block_range(block)
            writer.write_block(block, array.given[start:stop])
        array.committed += order[:count]
        if array.complete:
            writer.finish()
            self.remember(array)
            return
        end = data.draw(st.sampled_from(["finish", "finish", "close", "crash"]), "end")
        if end == "finish" and count == len(missing):
            writer.finish()
            array.committed.sort()
            array.complete = True
        elif end == "finish":
            with pytest.raises(StoreError, match="blocks are not written"):
                writer.finish()
            writer.close()
        elif end == "close":
            writer.close()
        del writer  # without a word, where it crashed
        self.remember(array)
        if end == "crash":
            self.leave_debris(data, array, order[count:])

    def remember(self, array: Array) -> None:
        """Keep the bytes of what was written; what was there before must have come out the same."""
        for path in array.files():
            before, after = self.sound.get(path), self.now(path)
            assert after is not None, path
            assert path == array.ledger or before in (None, after), path
            self.sound[path] = after
        assert not self.root_is_damaged()

    def leave_debris(self, data, array: Array, unwritten: list[int]) -> None:
        """What a process that was killed in the midst of a block leaves."""
        folder = self.path / array.folder
        if unwritten and data.draw(st.booleans(), "torn shard"):
            shard = self.path / array.shard(unwritten[0])
            shard.parent.mkdir(parents=True, exist_ok=True)
            shard.write_bytes(data.draw(st.binary(max_size=90), "torn bytes"))
        if data.draw(st.booleans(), "orphan"):
            (folder / ".ledger.jsonl.ab12.partial").write_bytes(b"{")
            (folder / "c").mkdir(exist_ok=True)
            (folder / "c" / "0.ab.partial").write_bytes(b"x")
        if unwritten and data.draw(st.booleans(), "torn line"):
            with (self.path / array.ledger).open("ab") as ledger:
                ledger.write(b'{"kind":"block","block":%d,"by' % unwritten[0])

    # ---- what happens to a store

    @initialize(samples=st.integers(1, 9), per_shard=st.integers(1, 4), data=st.data())
    def create(self, samples, per_shard, data):
        self.path = self.kit.folder() / "a.zarr"
        self.samples, self.per_shard = samples, min(per_shard, samples)
        self.blocks = -(-samples // self.per_shard)
        self.made()
        self.sound = self.kit.files(self.path)
        self.add(data)

    @precondition(lambda self: len(self.arrays) < len(KEYS))
    @rule(data=st.data())
    def add(self, data):
        """An encoder, a level or labels, while anything else may be damaged."""
        key = data.draw(st.sampled_from([key for key in KEYS if key not in self.arrays]), "key")
        array = self.draw_array(data, key)
        writer = self.writer(array)
        self.arrays[key] = array
        self.go_on(data, array, writer, list(range(self.blocks)))

    @rule(data=st.data())
    def overwrite(self, data):
        old = self.chosen(data)
        for path in (old.folder + "/zarr.json", *map(old.shard, range(self.blocks))):
            self.sound.pop(path, None)
        array = self.draw_array(data, (old.group, old.name))
        self.arrays[array.group, array.name] = array
        writer = self.writer(array, overwrite=True)
        self.go_on(data, array, writer, list(range(self.blocks)))

    def resumed(self, array: Array):
        """A writer that goes on with `array`; brings the model to what it must have kept."""
        trusted = self.trusted_lines(array)
        kept = sorted(
            b for b in array.committed[: max(0, trusted - 1)] if not self.is_damaged(array.shard(b))
        )
        is_whole = not self.is_damaged(array.ledger) and len(kept) == self.blocks
        can_be_another = trusted == 0 and self.is_damaged(array.metadata[1])
        if trusted and not array.complete:
            with pytest.raises(StoreError, match="--resume"):
                self.writer(array)
        array.committed, array.complete = kept, array.complete and is_whole
        try:
            return self.writer(array, resume=True)
        except MismatchError:
            assert can_be_another  # a flip in what alone is left may read as other weights, say
            return self.writer(array, overwrite=True)

    @rule(data=st.data())
    def resume(self, data):
        array = self.chosen(data)
        writer = self.resumed(array)
        missing = [block for block in range(self.blocks) if block not in array.committed]
        self.go_on(data, array, writer, missing)

    @rule(data=st.data())
    def damage_the_root_or_metadata_or_a_ledger(self, data):
        of_arrays = [path for array in self.arrays.values() for path in array.files()[:3]]
        is_of_root = data.draw(st.booleans(), "of the root")
        self.damage(data, self.root_files() if is_of_root else of_arrays)

    @precondition(lambda self: any(array.committed for array in self.arrays.values()))
    @rule(data=st.data())
    def damage_a_shard(self, data):
        shards = [a.shard(block) for a in self.arrays.values() for block in a.committed]
        sound = [path for path in shards if not self.is_damaged(path)]
        self.damage(data, sound or shards)

    def damage(self, data, paths: list[str]) -> None:
        found = {path: self.now(path) for path in sorted(paths)}
        found = {path: content for path, content in found.items() if content}
        if not found:
            return
        path = data.draw(st.sampled_from(list(found)), "file")
        file, content = self.path / path, found[path]
        kinds = ["flip", "flip", "flip", "cut", "append", "delete"]
        # Sound in itself, at another's place: what a copy that went wrong leaves.
        others = sorted({c for c in found.values() if len(c) == len(content)} - {content})
        kind = data.draw(st.sampled_from(kinds + ["other"] * 4 * bool(others)), "kind")
        last = len(content) - 1
        at = data.draw(st.integers(0, min(last, 3)) | st.integers(0, last), "at")
        if kind == "delete":
            file.unlink()
        elif kind == "cut":
            file.write_bytes(content[:at])
        elif kind == "other":
            file.write_bytes(data.draw(st.sampled_from(others), "other"))
        elif kind == "append":
            file.write_bytes(content + b"\n")
        else:
            self.kit.flip(file, at, data.draw(st.integers(1, 255), "mask"))
        if self.is_lost():
            file.write_bytes(content)

    # ---- what must hold

    @invariant()
    def read(self):
        if self.root_is_damaged():
            with pytest.raises(StoreError):
                open_store(self.path)
            return
        store = open_store(self.path)
        for array in self.arrays.values():
            is_complete = array.complete and not self.is_damaged(array.ledger)
            status = store.status(array.group, array.name)
            assert status == ("complete" if is_complete else "incomplete")
            if self.is_sound(array):
                self.assert_equal(self.values(store, array), array)
            else:
                with pytest.raises(StoreError, match=r"--resume|extract it again"):
                    self.values(store, array)

    def values(self, store, array: Array) -> np.ndarray:
        if array.group == "labels":
            return store.labels_reader(array.name).read_all(progress=False)
        return store.features(array.group, array.name).read_all(progress=False)

    def assert_equal(self, found: np.ndarray, array: Array) -> None:
        expected = array.given.astype(array.dtype)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes(), array.folder

    @invariant()
    def verify(self):
        is_whole = not self.root_is_damaged() and all(map(self.is_sound, self.arrays.values()))
        assert (verify_store(self.path).problems == ()) == is_whole

    def teardown(self):
        """Resume all: a store of the same bytes as one to which nothing has ever happened."""
        if not self.sound:
            return
        untouched = self.made(self.kit.folder() / "a.zarr")
        for array in self.arrays.values():
            for store, writer in (
                (open_store(self.made().path), self.resumed(array)),
                (untouched, self.writer(array, untouched)),
            ):
                self.kit.fill(writer, store, array.given)
                writer.finish()
            array.committed, array.complete = list(range(self.blocks)), True
            self.remember(array)
            self.assert_equal(self.values(untouched, array), array)
        self.made()
        self.read()
        self.verify()
        assert self.kit.files(self.path) == self.kit.files(untouched.path)
        for path in (self.path, untouched.path):
            shutil.rmtree(path.parent)


def test_any_history_ends_in_the_bytes_of_an_undisturbed_store(kit):
    run_state_machine_as_test(
        lambda: Machine(kit),
        settings=settings(
            max_examples=14,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
