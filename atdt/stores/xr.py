"""A level of a store as an xarray.Dataset: for looking, not for training."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atdt.errors import StoreError
from atdt.stores.layout import LABELS, VECTORS
from atdt.stores.metadata import VECTOR_NOTES
from atdt.stores.reader import FeatureReader
from atdt.stores.store import open_store

if TYPE_CHECKING:
    import xarray

SCALARS = ("max_abs", "cast_error_max", "cast_error_mean")


def open_dataset(
    path: str | Path, level: str, names: Sequence[str] | None = None
) -> "xarray.Dataset":
    """The arrays of a level (or of "labels") with the sample vectors as coordinates.

    Values are read when they are asked for, one dask chunk a shard, each chunk checked as readers
    do. Recorded statistics that are one number stand in an array's attributes.

    Args:
        path: the store.
        level: "level4" …, or "labels".
        names: arrays to open; all that the level has by default.

    Raises:
        StoreError: no such store, level or array; incomplete or damaged; says what to run.
    """
    import xarray

    store = open_store(path)
    chosen = list(names) if names is not None else store.arrays(level)
    if not chosen:
        present = ", ".join([*store.levels(), *([LABELS] if store.labels() else [])])
        raise StoreError(f"{store.path}: has no level {level!r} (it has: {present or 'none'})")
    variables = {}
    for name in chosen:
        reader = store.labels_reader(name) if level == LABELS else store.features(level, name)
        numbers = {key: reader.statistics[key] for key in SCALARS if key in reader.statistics}
        variables[name] = (reader.dimensions, _lazy(reader), {**reader.attrs, **numbers})
    coordinates = {}
    for name in VECTORS:
        dimensions, notes = VECTOR_NOTES[name]
        values = getattr(store.samples, name)
        if values.dtype.kind == "T":  # xarray knows strings of fixed width
            values = np.array(values.tolist())
        coordinates[name] = (dimensions, values, notes)
    attributes = {"store": str(store.path), "plan": store.plan, "domain": store.domain}
    return xarray.Dataset(variables, coordinates, {**attributes, "level": level})


def _lazy(reader: FeatureReader) -> Any:
    import dask.array

    ranges = [reader.block_range(block) for block in range(reader.blocks)]
    return dask.array.map_blocks(
        _read,
        reader=reader,
        chunks=(tuple(stop - start for start, stop in ranges), *((n,) for n in reader.shape[1:])),
        dtype=reader.dtype,
        meta=np.empty((0,) * len(reader.shape), reader.dtype),
        name=f"{reader.name}-{uuid.uuid4().hex}",
    )


def _read(reader: FeatureReader, block_id: tuple[int, ...]) -> np.ndarray:
    return reader.read_block(block_id[0])
