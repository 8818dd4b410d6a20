"""An opened store: what its samples are, which arrays it has, and the way to read and add them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atdt import objects
from atdt.errors import StoreError
from atdt.files import inside
from atdt.places import is_remote, place
from atdt.stores.checks import (
    ROOT_LEDGER,
    changed_files,
    digests,
    held_files,
    refuse_changes,
)
from atdt.stores.declared import LARGEST_METADATA, read_array_ledger
from atdt.stores.layout import (
    FORMAT,
    LABELS,
    MEND,
    METADATA,
    NAME,
    SCHEMA,
    VECTORS,
    Grid,
    check_keep_bits,
    check_name,
    feature_dimensions,
    label_dimensions,
)
from atdt.stores.ledger import Ledger, read_ledger
from atdt.stores.metadata import (
    COMPRESSORS,
    FEATURE_DTYPES,
    LABEL_DTYPES,
    read_vectors,
    vector_files,
)
from atdt.stores.samples import SampleTable
from atdt.texts import parse_json, read_bounded

if TYPE_CHECKING:
    from atdt.stores.reader import FeatureReader
    from atdt.stores.writer import FeatureWriter

ROOT_KEYS = {
    "samples": int,
    "samples_per_shard": int,
    "samples_sha256": str,
    "plan": dict,
    "domain": dict,
}
LABEL_UNITS = {"semantic": "class", "depth": "m", "normals": "1"}


@dataclass(frozen=True, eq=False)
class Store:
    """A feature store whose root has been checked. Made by `open_store` and `create_store`.

    Attributes:
        path: its folder.
        samples: what every sample is.
        plan: the plan of views it was made under, as JSON.
        domain: name, split and digest of the domain (and where it was), as JSON.
        samples_per_shard: samples of a block, the same for all arrays.
        files: sha256 of each file of the root, by path.
    """

    path: Path
    samples: SampleTable
    plan: dict[str, Any]
    domain: dict[str, Any]
    samples_per_shard: int
    files: dict[str, str] = field(repr=False)

    @property
    def grid(self) -> Grid:
        return Grid(len(self.samples), self.samples_per_shard)

    @property
    def blocks(self) -> int:
        """Number of blocks, which is the number of shards of each array."""
        return self.grid.blocks

    def block_range(self, block: int) -> tuple[int, int]:
        """First sample of a block and the one after its last."""
        return self.grid.block_range(block)

    def levels(self) -> list[str]:
        """Levels that have arrays, finished or not."""
        found = _folders(self.path)
        return [name for name in found if name not in (*VECTORS, LABELS) and self.arrays(name)]

    def arrays(self, level: str) -> list[str]:
        """Names of the arrays of a level, finished or not (see `status`)."""
        return _folders(inside(self.path, level))

    def labels(self) -> list[str]:
        """Names of the label arrays, finished or not."""
        return self.arrays(LABELS)

    def status(self, level: str, name: str) -> str:
        """`absent`, `incomplete` or `complete`; `level` may be "labels".

        A damaged ledger makes an array incomplete: resuming is what mends it.
        """
        folder = self.folder(level, name)
        if not folder.is_dir():
            return "absent"
        ledger = read_array_ledger(self.path, level, name)
        return "complete" if ledger.complete and not ledger.problem else "incomplete"

    def attributes(self, level: str, name: str) -> dict[str, Any] | None:
        """Recorded provenance of an array, finished or not; None where nothing is recorded."""
        header = read_array_ledger(self.path, level, name).header
        return None if header is None else json.loads(header["metadata"])["attributes"]

    def folder(self, level: str, name: str) -> Path:
        """Where an array lies or would lie.

        Raises:
            StoreError: a name is not allowed.
            UserError: a link leads out of the store.
        """
        if level != LABELS:
            check_name("level", level)
        return inside(self.path, f"{level}/{check_name('array', name)}")

    def features(self, level: str, name: str) -> "FeatureReader":
        """A reader of finished features (S, C, h, w).

        Raises:
            StoreError: absent, incomplete or damaged; says what to run.
        """
        from atdt.stores.reader import open_reader

        return open_reader(self, level, name)

    def labels_reader(self, name: str) -> "FeatureReader":
        """A reader of finished labels (S, h, w) or (S, C, h, w); errors as `features`."""
        from atdt.stores.reader import open_reader

        return open_reader(self, LABELS, name)

    def feature_writer(
        self,
        level: str,
        name: str,
        shape: Sequence[int],
        dtype: str,
        provenance: Mapping[str, Any],
        *,
        compressor: str = "none",
        keep_bits: int | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> "FeatureWriter":
        """A writer of the features `name` at `level`, new or to be finished.

        Args:
            shape: (C, h, w) of one sample.
            dtype: "float16" or "float32".
            provenance: JSON; becomes the array's attributes and is what later arrays and networks
                are compared with.
            compressor: "none", "zstd" or "lz4".
            keep_bits: bits of the mantissa that are kept; all when None. Only a compressor turns
                the others into saved space.
            resume: check what is committed and go on; blocks that are damaged are written again.
            overwrite: replace this array, and it alone.

        Raises:
            StoreError: a name is not allowed, the array is incomplete and neither `resume` nor
                `overwrite` is given, or another process writes it.
            MismatchError: the array was made with other weights, shape, dtype or compressor, or is
                resumed on another device, with other threads, precision or batch.
        """
        from atdt.stores.writer import ArraySpec, open_writer

        _one_of("dtype", dtype, FEATURE_DTYPES)
        check_keep_bits(keep_bits, dtype, compressor)
        rounded = {} if keep_bits is None else {"keep_bits": keep_bits}
        spec = ArraySpec(
            group=level,
            name=name,
            item=tuple(shape),
            dtype=dtype,
            dimensions=feature_dimensions(name),
            compressor=compressor,
            attributes={**provenance, **_own_attributes("1", compressor), **rounded},
            keep_bits=keep_bits,
        )
        return open_writer(self, spec, resume=resume, overwrite=overwrite)

    def label_writer(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str,
        provenance: Mapping[str, Any],
        *,
        compressor: str = "none",
        resume: bool = False,
        overwrite: bool = False,
    ) -> "FeatureWriter":
        """A writer of labels of items (h, w) or (C, h, w), "uint8" or "float32".

        Everything else is as for `feature_writer`; values are never cast.
        """
        from atdt.stores.writer import ArraySpec, open_writer

        _one_of("dtype", dtype, LABEL_DTYPES)
        spec = ArraySpec(
            group=LABELS,
            name=name,
            item=tuple(shape),
            dtype=dtype,
            dimensions=label_dimensions(name, shape),
            compressor=compressor,
            attributes={**provenance, **_own_attributes(LABEL_UNITS.get(name, "1"), compressor)},
        )
        return open_writer(self, spec, resume=resume, overwrite=overwrite)


def open_store(path: str | Path, known: SampleTable | None = None) -> Store:
    """Open a store and check its root: schema, metadata and sample vectors.

    Args:
        known: are taken for its sample vectors if they have the digest of those, so that those of a
            large store are not in memory twice.

    Raises:
        StoreError: there is no store, its creation was stopped, it is damaged, or it is of another
            schema version.
    """
    path = place(path)
    attributes, ledger = read_root(path)
    if not (path / ROOT_LEDGER).exists():
        raise StoreError(f"{path}: its creation was stopped half-way; {MEND}")
    if ledger.problem:
        raise StoreError(f"{path}/{ROOT_LEDGER}: {ledger.problem}; {MEND}")
    held = held_files(path, vector_files()) if is_remote(path) else None
    found = digests(path, vector_files(), held)
    refuse_changes(path, changed_files(ledger.header["files"], found))
    wanted = attributes["samples"], attributes["samples_sha256"]
    samples = known
    if samples is None or (len(samples), samples.digest()) != wanted:
        samples = read_vectors(path, held)
        if (len(samples), samples.digest()) != wanted:
            raise StoreError(f"{path}: its sample vectors are not those its metadata names; {MEND}")
    if not 1 <= attributes["samples_per_shard"] <= len(samples):
        raise StoreError(f"{path}: its samples per shard do not fit its samples; extract again")
    return Store(
        path=path,
        samples=samples,
        plan=attributes["plan"],
        domain=attributes["domain"],
        samples_per_shard=attributes["samples_per_shard"],
        files=found,
    )


def read_root(path: Path) -> tuple[dict[str, Any], Ledger]:
    """What the root's metadata says, of a schema that this version reads, and the root's ledger.

    Raises:
        StoreError: no folder, no store, damaged metadata, or another schema.
    """
    file = path / METADATA
    if not path.exists():
        raise StoreError(f"{path}: no such store; make one with `atdt extract`")
    ledger = read_ledger(inside(path, ROOT_LEDGER))
    if ledger.header is not None:  # ours beyond doubt, so that any difference is damage
        found = digests(path, [METADATA])
        refuse_changes(path, changed_files(ledger.header["files"], found))
    elif not file.is_file():
        raise StoreError(f"{path}: not a feature store (it has no {METADATA})")
    attributes = parse_root(read_bounded(inside(path, METADATA), LARGEST_METADATA))
    if attributes is None:
        raise StoreError(f"{path}: not a feature store of atdt (see its {METADATA})")
    if attributes["schema"] != SCHEMA:
        raise StoreError(
            f"{path}: schema version {attributes['schema']}, and this atdt reads {SCHEMA}; "
            "use the version of atdt that made it, or extract again"
        )
    lacking = [key for key, kind in ROOT_KEYS.items() if type(attributes.get(key)) is not kind]
    if lacking:
        raise StoreError(f"{file}: lacks {', '.join(sorted(lacking))}; extract again")
    return attributes, ledger


def parse_root(data: bytes) -> dict[str, Any] | None:
    """The attributes in the root's metadata, None where it is not the metadata of a store."""
    try:
        attributes = parse_json(data)["attributes"]
        return attributes if attributes["format"] == FORMAT and "schema" in attributes else None
    except (ValueError, KeyError, TypeError):
        return None


def _own_attributes(units: str, compressor: str) -> dict[str, Any]:
    """What the store adds to the provenance that an array is given."""
    _one_of("compressor", compressor, tuple(COMPRESSORS))
    return {"schema": SCHEMA, "units": units, "compressor": compressor}


def _folders(path: Path) -> list[str]:
    if is_remote(path):
        return [name for name in objects.folders(path) if NAME.fullmatch(name)]
    if not path.is_dir():
        return []
    return sorted(p.name for p in path.iterdir() if p.is_dir() and NAME.fullmatch(p.name))


def _one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise StoreError(f"{what} {value!r}: must be one of {', '.join(allowed)}")
