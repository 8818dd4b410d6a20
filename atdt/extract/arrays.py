"""The arrays that an extraction makes: their shapes, what they hold, and the writers of each."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from atdt.digests import sha256_file
from atdt.errors import StoreError, UserError
from atdt.extract.config import Extraction
from atdt.extract.encoders import Encoder
from atdt.extract.labels import label_kinds
from atdt.extract.samples import Samples
from atdt.predictions import INDEX, Predictions
from atdt.provenance import provenance
from atdt.stores import FeatureWriter, Store, create_store, default_samples_per_shard
from atdt.stores.layout import LABELS, overwrite_name
from atdt.training.sources import mean_focal


@dataclass(frozen=True, eq=False)
class Array:
    """An array as it is wanted.

    Attributes:
        group: its level, or "labels".
        name: of its encoder, or kind of label.
        item: shape of one sample.
        dtype: that is stored.
        provenance: what its attributes record.
        replaced: whether --overwrite names it.
    """

    group: str
    name: str
    item: tuple[int, ...]
    dtype: str
    provenance: dict[str, Any]
    replaced: bool

    @property
    def path(self) -> str:
        """Of the array in its store."""
        return f"{self.group}/{self.name}"

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample, uncompressed."""
        return math.prod(self.item) * np.dtype(self.dtype).itemsize


def wanted_arrays(
    config: Extraction, samples: Samples, encoders: tuple[Encoder, ...], device: str
) -> tuple[Array, ...]:
    """All arrays that `config` asks for, features first.

    Args:
        device: that computes, in words.

    Raises:
        UserError: --overwrite names an array that is not asked for.
    """
    arrays = [
        Array(
            level,
            encoder.name,
            encoder.shape(level, samples.size),
            config.dtype,
            encoder.provenance(level, config, device),
            encoder.name in config.overwrite,
        )
        for encoder in encoders
        for level in encoder.levels
    ]
    for kind in label_kinds(config, samples.domain):
        item, dtype = samples.label_item(kind)
        replaced = overwrite_name(LABELS, kind) in config.overwrite
        arrays.append(Array(LABELS, kind, item, dtype, _label_notes(kind, samples), replaced))
    asked = {overwrite_name(array.group, array.name) for array in arrays}
    for name in config.overwrite:
        if name not in asked:
            raise UserError(
                f"--overwrite {name}: is not extracted by this command; it makes "
                f"{', '.join(sorted(asked))}"
            )
    return tuple(arrays)


def open_root(config: Extraction, samples: Samples, arrays: tuple[Array, ...]) -> Store:
    """The store, made where it is missing.

    Raises:
        StoreError: what is there was made by another plan, from other images, or is cut into other
            shards than --samples-per-shard.
    """
    shard = samples_per_shard(config, len(samples), arrays)
    alone = replace(samples.domain, predictions={})  # what is a label's is said of its array
    domain = alone.to_dict() | {"path": str(alone.path.resolve())}
    plan = config.plan.to_dict()
    store = create_store(config.out, samples.table(), plan, domain, shard, resume=config.resume)
    asked = config.samples_per_shard
    if asked is not None and store.samples_per_shard != min(asked, len(samples)):
        raise StoreError(
            f"{config.out}: has {store.samples_per_shard} samples in a shard, and "
            f"--samples-per-shard {asked} asks for others; leave the option out"
        )
    return store


def open_writer(config: Extraction, samples: Samples, store: Store, array: Array) -> FeatureWriter:
    """A writer of one array; its errors are the store's.

    Raises:
        DomainError: depth labels are of a camera whose file is absent or says nothing.
    """
    terms = {
        "compressor": config.compressor,
        "resume": config.resume,
        "overwrite": array.replaced,
    }
    if array.group == LABELS:
        notes = array.provenance | _camera_notes(array, samples)
        return store.label_writer(array.name, array.item, array.dtype, notes, **terms)
    return store.feature_writer(
        array.group,
        array.name,
        array.item,
        array.dtype,
        array.provenance,
        keep_bits=config.keep_bits,
        **terms,
    )


def samples_per_shard(config: Extraction, samples: int, arrays: tuple[Array, ...]) -> int:
    """Of a new store: as asked for, else the store's own choice, in whole batches where a block
    holds several."""
    if config.samples_per_shard is not None:
        return min(config.samples_per_shard, samples)
    shard = default_samples_per_shard(max(array.sample_bytes for array in arrays), samples)
    return max(shard - shard % config.batch, min(shard, config.batch))


def _camera_notes(array: Array, samples: Samples) -> dict[str, Any]:
    """Which focal length depth holds under, in pixels of the views. Looks at every image's camera,
    so that only who writes the array asks, and no worker."""
    if array.name != "depth":
        return {}
    return {"focal": mean_focal(samples.domain, samples.plan.resize)}


def _told_by(predicted: Predictions) -> dict[str, Any]:
    """Whose predictions stand for labels."""
    digest = sha256_file(predicted.folder / INDEX)
    return {"taught_by": predicted.method, "predictions_sha256": digest}


def _label_notes(kind: str, samples: Samples) -> dict[str, Any]:
    made = provenance()
    space, predicted = samples.domain.label_space, samples.domain.predictions.get(kind)
    return {
        "task": kind,
        "label_space": {"name": space.name, "classes": list(space.classes)},
        **({} if predicted is None else _told_by(predicted)),
        "versions": made["versions"],
        "command": made["command"],
        "created": made["created"],
    }
