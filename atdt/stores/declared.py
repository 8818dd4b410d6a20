"""What the files of an array may say: the layout of version 1 and nothing else.

Asked before zarr reads them. Zarr takes any codec, transformer or size that metadata names, and a
store may come from a stranger.
"""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from atdt.errors import StoreError, UserError
from atdt.files import inside
from atdt.stores.layout import LEDGER, METADATA
from atdt.stores.ledger import Ledger, read_ledger
from atdt.texts import parse_json, read_bounded

KEYS = {
    "shape",
    "data_type",
    "chunk_grid",
    "chunk_key_encoding",
    "fill_value",
    "codecs",
    "attributes",
    "dimension_names",
    "zarr_format",
    "node_type",
    "storage_transformers",
}
ITEM_BYTES = {"uint8": 1, "float16": 2, "float32": 4}
CRC = {"name": "crc32c"}
LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
COMPRESSOR_OPTIONS = {
    "zstd": {"level", "checksum"},
    "blosc": {"typesize", "cname", "clevel", "shuffle", "blocksize"},
}
LARGEST_METADATA = 2**24  # bytes
LARGEST_SAMPLE = 2**31 - 1  # bytes: what blosc can hold
MOST_SAMPLES = 2**40
FOREIGN = "not laid out as a store of version 1; extract it again"
STATISTICS = ("max_abs", "cast_error_max", "cast_error_mean")


def check_array_file(folder: Path) -> None:
    """Prove that the array in `folder` is laid out as version 1 lays it out.

    Raises:
        StoreError: it is not, whatever else zarr could make of it; names the file.
    """
    path = folder / METADATA
    try:
        metadata = parse_json(read_bounded(inside(folder, METADATA), LARGEST_METADATA))
    except (UserError, ValueError, OSError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); extract it again") from None
    if not is_version_1(metadata):
        raise StoreError(f"{path}: {FOREIGN}")


def read_array_ledger(store: Path, group: str, name: str, copy: BinaryIO | None = None) -> Ledger:
    """The ledger of an array; one that says what no array of version 1 has is not trusted at all.

    Its records may be used without further looks at their types, and its header's metadata is
    that of an array. `copy` is as in `read_ledger`.
    """
    try:
        path = inside(store, f"{group}/{name}/{LEDGER}")
    except UserError as error:
        return Ledger(problem=f"its ledger cannot be used: {error}")
    try:
        ledger = read_ledger(path, _judge_block, copy)
        if ledger.header is not None:
            _judge(ledger)
    except (KeyError, TypeError, ValueError):
        return Ledger(problem="its ledger says what no array of version 1 has")
    return ledger


def is_version_1(metadata: Any) -> bool:
    """Whether `metadata`, from JSON, is that of an array as version 1 lays it out."""
    try:
        return _is_version_1(metadata)
    except (KeyError, TypeError, ValueError, IndexError):
        return False


def _is_version_1(metadata: Any) -> bool:
    samples, *item = shape = metadata["shape"]
    (per_shard, *_), names = _chunks(metadata["chunk_grid"], "regular"), metadata["dimension_names"]
    (sharding,) = metadata["codecs"]
    shards = sharding["configuration"]
    attributes = metadata["attributes"]
    return (
        set(metadata) <= KEYS
        and (metadata["zarr_format"], metadata["node_type"]) == (3, "array")
        and not metadata.get("storage_transformers")
        and all(type(side) is int and side >= 1 for side in (per_shard, *shape))
        and 2 <= len(item) <= 3
        and samples <= MOST_SAMPLES
        and math.prod(item) * ITEM_BYTES[metadata["data_type"]] <= LARGEST_SAMPLE
        and _chunks(metadata["chunk_grid"], "regular") == [per_shard, *item]
        and metadata["chunk_key_encoding"]
        == {"name": "default", "configuration": {"separator": "/"}}
        and metadata["fill_value"] in ("NaN", 255)
        and _chunks(sharding, "sharding_indexed") == [1, *item]
        and set(shards) == {"chunk_shape", "codecs", "index_codecs", "index_location"}
        and (shards["index_codecs"], shards["index_location"]) == ([LITTLE, CRC], "end")
        and _codecs_are_known(shards["codecs"])
        and all(isinstance(name, str) for name in names)
        and len(names) == len(set(names)) == len(shape)
        and all(isinstance(attributes[key], str) for key in ("units", "compressor"))
    )


def _chunks(described: dict[str, Any], name: str) -> list[Any]:
    if described["name"] != name:
        raise ValueError(name)
    return described["configuration"]["chunk_shape"]


def _codecs_are_known(codecs: list[dict[str, Any]]) -> bool:
    first, *compressors, last = codecs
    if first not in (LITTLE, {"name": "bytes"}) or last != CRC or len(compressors) > 1:
        return False
    return all(
        set(codec) == {"name", "configuration"}
        and set(codec["configuration"]) <= COMPRESSOR_OPTIONS[codec["name"]]
        and all(isinstance(value, str | int) for value in codec["configuration"].values())
        for codec in compressors
    )


def _judge(ledger: Ledger) -> None:
    """Raise unless types and sizes in a ledger that is whole can be those of an array's ledger."""
    complete = ledger.complete or {"statistics": None}
    if not (
        is_version_1(parse_json(ledger.header["metadata"]))
        and all(isinstance(digest, str) for digest in ledger.header["files"].values())
        and _are_statistics(complete["statistics"], STATISTICS, ("mean", "variance"))
    ):
        raise ValueError(ledger.header)


def _judge_block(record: dict[str, Any]) -> None:
    """Raise unless a block's record can be that of an array's ledger."""
    size, statistics = record["bytes"], record["statistics"]
    plain = ("max_abs", "cast_error_max", "cast_error_sum")
    if not (
        type(size) is int
        and min(size, record["block"]) >= 0
        and isinstance(record["digest"], str)
        and _are_statistics(statistics, plain, ("mean", "squares"))
    ):
        raise ValueError(record)


def _are_statistics(
    content: dict[str, Any] | None, plain: tuple[str, ...], lists: tuple[str, ...]
) -> bool:
    """Numbers, and lists of numbers of one length, one at least; integers have no statistics."""
    if content is None:
        return True
    return (
        set(content) == {"count", *plain, *lists}
        and type(content["count"]) is int
        and all(_is_number(content[key]) for key in plain)
        and all(content[key] and all(map(_is_number, content[key])) for key in lists)
        and all(len(content[one]) == len(content[other]) for one, other in pairwise(lists))
    )


def _is_number(value: Any) -> bool:
    largest = 1e300 if type(value) is float else 2**53
    return type(value) in (int, float) and abs(value) < largest
