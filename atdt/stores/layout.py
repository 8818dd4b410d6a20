"""Names, dimensions and block geometry of a feature store, version 1."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from atdt.errors import StoreError

FORMAT = "atdt-feature-store"
SCHEMA = 1
LABELS = "labels"
VECTORS = ("sample_id", "image", "view", "flip", "box", "size")
LEDGER = "ledger.jsonl"
COMMITS = "commits"  # beside the ledger, in an object store
METADATA = "zarr.json"
MEND = "run the `atdt extract` that made it again with --resume"

# A vector's name would clash with the coordinate that open_dataset makes of it; a dimension's
# name would turn the array into an index of that dimension.
RESERVED = frozenset({*VECTORS, LABELS, "sample"})
DIMENSION_ENDINGS = ("_channel", "_y", "_x", "_edge", "_side")
NAME = re.compile(r"[a-z][a-z0-9_]*")

MANTISSA_BITS = {"float16": 10, "float32": 23}

CRC_BYTES = 4
INDEX_BYTES = 16  # of a slot in a shard's index: offset and length

MEBIBYTE = 2**20
SHARD_BYTES = 256 * MEBIBYTE
FEWEST_BLOCKS = 8


@dataclass(frozen=True)
class Grid:
    """How `samples` samples are cut into blocks; a block is one shard of every array."""

    samples: int
    samples_per_shard: int

    @property
    def blocks(self) -> int:
        """Number of blocks; the last one may be short."""
        return -(-self.samples // self.samples_per_shard)

    def block_range(self, block: int) -> tuple[int, int]:
        """First sample of `block` and the one after its last.

        Raises:
            IndexError: there is no such block.
        """
        if not 0 <= block < self.blocks:
            raise IndexError(f"block {block} of {self.blocks}")
        start = block * self.samples_per_shard
        return start, min(start + self.samples_per_shard, self.samples)


def overwrite_name(group: str, name: str) -> str:
    """What `extract --overwrite` calls an array: "depth", of whatever level, or "labels/depth"."""
    return f"{LABELS}/{name}" if group == LABELS else name


def default_samples_per_shard(bytes_per_sample_largest: int, samples: int) -> int:
    """Samples in a shard: 256 MiB of the widest array, less where that leaves few blocks.

    Args:
        bytes_per_sample_largest: bytes of one sample in the widest array of the store.
        samples: samples of the domain under its views.
    """
    by_size = SHARD_BYTES // max(bytes_per_sample_largest, 1)
    by_count = -(-samples // FEWEST_BLOCKS)
    return max(1, min(by_size, by_count))


def check_name(kind: str, name: str) -> str:
    """Prove that `name` can name a level or an array, and give it back.

    Raises:
        StoreError: it is not `[a-z][a-z0-9_]*`, is reserved, or could be a dimension's name.
    """
    if not NAME.fullmatch(name):
        raise StoreError(
            f"{kind} name {name!r}: use small letters, digits and '_' ([a-z][a-z0-9_]*)"
        )
    if name in RESERVED:
        raise StoreError(
            f"{kind} name {name!r} is reserved ({', '.join(sorted(RESERVED))}); choose another"
        )
    if name.endswith(DIMENSION_ENDINGS):
        endings = ", ".join(DIMENSION_ENDINGS)
        raise StoreError(f"{kind} name {name!r} ends like a dimension ({endings}); choose another")
    return name


def check_keep_bits(keep_bits: int | None, dtype: str, compressor: str) -> None:
    """Prove that rounding to `keep_bits` bits of mantissa makes sense; None rounds nothing.

    Raises:
        StoreError: the dtype has no more bits, or nothing would compress what is rounded.
    """
    if keep_bits is None:
        return
    most = MANTISSA_BITS[dtype] - 1
    if not 1 <= keep_bits <= most:
        raise StoreError(f"--keep-bits {keep_bits}: {dtype} can be rounded to 1 … {most} bits")
    if compressor == "none":
        raise StoreError(
            f"--keep-bits {keep_bits}: saves nothing without a compressor; give --compressor zstd"
        )


def feature_dimensions(name: str) -> tuple[str, ...]:
    """Dimension names of a feature array (S, C, h, w)."""
    return ("sample", f"{name}_channel", f"{name}_y", f"{name}_x")


def label_dimensions(name: str, shape: Sequence[int]) -> tuple[str, ...]:
    """Dimension names of a label array of items (h, w) or (C, h, w).

    All labels of a store share their pixels' dimensions.
    """
    channel = (f"{name}_channel",) if len(shape) == 3 else ()
    return ("sample", *channel, "label_y", "label_x")


def shard_path(folder: Path, block: int, dimensions: int) -> Path:
    """The file of one block of the array in `folder` (Zarr's default chunk keys)."""
    return folder.joinpath("c", str(block), *["0"] * (dimensions - 1))
