"""What a store holds, as plain data: for `atdt inspect` and for scripts."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from atdt.errors import UserError
from atdt.places import is_remote
from atdt.stores.declared import read_array_ledger
from atdt.stores.layout import LABELS, SCHEMA
from atdt.stores.ledger import Ledger
from atdt.stores.orphans import bytes_below
from atdt.stores.provenance import OWN
from atdt.stores.reader import open_reader
from atdt.stores.store import Store, open_store


def describe(path: str | Path) -> dict[str, Any]:
    """Samples, plan, domain and, for each array, its state, sizes, statistics and provenance.

    Returns:
        JSON. `arrays` is keyed "level4/depth" …; an array that readers would refuse has a
        `problem`, and `committed` counts its blocks by the ledger.

    Raises:
        StoreError: no such store, or its root is damaged.
    """
    store = open_store(path)
    places = [(level, name) for level in store.levels() for name in store.arrays(level)]
    places += [(LABELS, name) for name in store.labels()]
    return {
        "path": str(store.path),
        "schema": SCHEMA,
        "domain": store.domain,
        "plan": store.plan,
        "samples": len(store.samples),
        "images": len(np.unique(store.samples.image)),
        "views": int(store.samples.view.max()) + 1,
        "samples_per_shard": store.samples_per_shard,
        "blocks": store.blocks,
        "bytes_on_disk": _bytes_below(store.path),
        "arrays": {f"{group}/{name}": _array(store, group, name) for group, name in places},
    }


def _array(store: Store, group: str, name: str) -> dict[str, Any]:
    folder = store.folder(group, name)
    ledger = read_array_ledger(store.path, group, name)
    problem = None
    try:
        open_reader(store, group, name)
    except UserError as error:
        problem = str(error)
    entry = {
        "status": store.status(group, name),
        "problem": problem,
        "committed": len(ledger.blocks),
        "blocks": store.blocks,
        "bytes_on_disk": _bytes_below(folder),
    }
    return entry if ledger.header is None else {**entry, **_content(store, ledger)}


def _content(store: Store, ledger: Ledger) -> dict[str, Any]:
    metadata = json.loads(ledger.header["metadata"])
    attributes, shape = metadata["attributes"], metadata["shape"]
    ranges = [store.block_range(block) for block in ledger.blocks if block < store.blocks]
    samples = sum(stop - start for start, stop in ranges)
    values = samples * math.prod(shape[1:])
    statistics = (ledger.complete or {}).get("statistics")
    return {
        "shape": shape,
        "dtype": metadata["data_type"],
        "dimensions": metadata["dimension_names"],
        "units": attributes["units"],
        "compressor": attributes["compressor"],
        "bytes": values * np.dtype(metadata["data_type"]).itemsize,
        "bytes_in_shards": sum(record["bytes"] for record in ledger.blocks.values()),
        "statistics": _summary(statistics) if statistics else None,
        "provenance": {key: value for key, value in attributes.items() if key not in OWN},
    }


def _summary(statistics: dict[str, Any]) -> dict[str, Any]:
    """Statistics with (C,) lists replaced by what they range over."""
    mean, deviation = np.array(statistics["mean"]), np.sqrt(statistics["variance"])
    return {
        "max_abs": statistics["max_abs"],
        "cast_error_max": statistics["cast_error_max"],
        "cast_error_mean": statistics["cast_error_mean"],
        "channels": len(mean),
        "constant_channels": int((deviation == 0).sum()),
        "mean": _range(mean),
        "standard_deviation": _range(deviation),
    }


def _range(values: np.ndarray) -> dict[str, float]:
    return {
        "least": float(values.min()),
        "median": float(np.median(values)),
        "greatest": float(values.max()),
    }


def _bytes_below(folder: Path) -> int:
    if is_remote(folder):
        return bytes_below(folder)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
