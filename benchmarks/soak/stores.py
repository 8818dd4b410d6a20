"""What a store holds, and whether all that speaks of it tells the truth."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from atdt.errors import StoreError
from atdt.stores import Store, open_store
from atdt.stores.checks import ROOT_LEDGER
from atdt.stores.layout import LABELS, LEDGER, METADATA, shard_path
from atdt.stores.ledger import block_records, read_ledger
from atdt.stores.provenance import NOTES
from atdt.stores.reader import FeatureReader
from benchmarks.soak.world import run

Place = tuple[str, str]


def places(store: Store) -> list[Place]:
    """Group and name of every array."""
    found = [(level, name) for level in store.levels() for name in store.arrays(level)]
    return found + [(LABELS, name) for name in store.labels()]


def reader(store: Store, place: Place) -> FeatureReader:
    """Of a finished array, whatever it holds."""
    return store.labels_reader(place[1]) if place[0] == LABELS else store.features(*place)


def store_content(path: Path) -> dict[str, Any]:
    """Every file of a finished store by its path; without what says when it was made, and how."""
    content: dict[str, Any] = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_dir():
            continue
        if file.name == METADATA:
            content[name] = _timeless(json.loads(file.read_bytes()))
        elif file.name == LEDGER:
            ledger = read_ledger(file)
            assert ledger.problem is None, f"{file}: {ledger.problem}"
            complete = {k: v for k, v in (ledger.complete or {}).items() if k != "lines"}
            content[name] = (list(block_records(file, ledger.places.values())), complete)
        else:
            content[name] = file.read_bytes()
    return content


def _timeless(metadata: dict[str, Any]) -> dict[str, Any]:
    notes = metadata.get("attributes", {})
    return metadata | {"attributes": {k: v for k, v in notes.items() if k not in NOTES}}


class StoreTruth:
    """Checks stores that were stopped on their way to be the one at `whole`."""

    def __init__(self, whole: Path):
        self._store = open_store(whole)
        self._places = places(self._store)
        self._values = {place: reader(self._store, place).read_all() for place in self._places}

    def check(self, path: Path) -> float:
        """The share of all blocks that is committed in the store at `path`.

        Raises:
            AssertionError: `inspect` is wrong, a ledger is ahead of the data or more than a block
                behind it, or a reader gives what is not there.
        """
        shown = run("inspect", path, "--json")
        if not (path / ROOT_LEDGER).exists():  # stopped before there was a store
            assert shown.exit_code == 2, repr((shown.output, shown.exception))
            return 0.0
        assert shown.exit_code == 0, repr((shown.output, shown.exception))
        arrays, store = json.loads(shown.stdout)["arrays"], open_store(path)
        committed = 0
        for place in self._places:
            if "/".join(place) in arrays:
                committed += self._check_array(store, place, arrays["/".join(place)])
            else:
                assert not store.folder(*place).exists()
        return committed / (len(self._places) * self._store.blocks)

    def _check_array(self, store: Store, place: Place, shown: dict[str, Any]) -> int:
        folder, blocks = store.folder(*place), range(store.blocks)
        ledger = read_ledger(folder / LEDGER)
        sound = {block for block in blocks if self._is_whole(folder, place, block)}
        assert set(ledger.blocks) <= sound, f"{folder}: its ledger is ahead of its shards"
        assert len(sound) - len(ledger.blocks) <= 1, f"{folder}: its ledger is behind"
        assert (shown["committed"], shown["blocks"]) == (len(ledger.blocks), store.blocks)
        finished = ledger.complete is not None and ledger.problem is None
        assert shown["status"] == ("complete" if finished else "incomplete")
        assert (shown["problem"] is None) == finished
        try:
            values = reader(store, place).read_all()
        except StoreError as error:
            assert not finished, str(error)
            assert "--resume" in str(error)
            assert f"{len(ledger.blocks)} of {store.blocks} blocks" in str(error)
        else:
            assert finished and np.array_equal(values, self._values[place])
        return len(ledger.blocks)

    def _is_whole(self, folder: Path, place: Place, block: int) -> bool:
        dimensions = self._values[place].ndim
        ours = shard_path(folder, block, dimensions)
        theirs = shard_path(self._store.folder(*place), block, dimensions)
        return ours.is_file() and ours.read_bytes() == theirs.read_bytes()
