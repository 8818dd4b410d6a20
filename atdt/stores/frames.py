"""What compressed chunks say they expand to, read before anything is decoded.

A decoder takes as much memory as a chunk's header asks for. A chunk is one sample, whose bytes are
known: any other number is a damaged file, or a stranger's bomb.
"""

import struct

from atdt.errors import StoreError
from atdt.stores.layout import MEND
from atdt.stores.shards import ShardFile, chunk_heads

HEAD_BYTES = 18  # the longest header of a zstd frame; blosc's has 16
ZSTD_MAGIC = 0xFD2FB528
BLOSC = 4  # offset of the decoded bytes in blosc's header
# No format expands further: a zstd block of 4 bytes is 128 KiB at most.
MOST_EXPANSION = 2**15


def check_frames(path: ShardFile, slots: int, samples: int, sample_bytes: int, codec: str) -> None:
    """Prove that each chunk of a shard expands to one sample.

    Args:
        path: the shard's file.
        slots: samples per shard of the array.
        samples: samples of this shard.
        sample_bytes: bytes of one sample.
        codec: "zstd" or "blosc".

    Raises:
        StoreError: a chunk says otherwise, or says nothing; or as `stored_checksums`.
    """
    said = zstd_bytes if codec == "zstd" else blosc_bytes
    for slot, head in enumerate(chunk_heads(path, slots, samples, HEAD_BYTES)):
        if said(head) != sample_bytes:
            raise StoreError(
                f"{path}: sample {slot} of it does not expand to {sample_bytes} bytes; {MEND}"
            )


def blosc_bytes(head: bytes) -> int | None:
    """Bytes that a blosc chunk expands to; None where it is none."""
    return struct.unpack_from("<I", head, BLOSC)[0] if len(head) >= 16 else None


def zstd_bytes(head: bytes) -> int | None:
    """Bytes that a zstd frame expands to (RFC 8878, 3.1.1.1); None where it does not say."""
    if len(head) < 6 or struct.unpack_from("<I", head)[0] != ZSTD_MAGIC:
        return None
    descriptor = head[4]
    single_segment = descriptor >> 5 & 1
    place = 5 + (1 - single_segment) + (0, 1, 2, 4)[descriptor & 3]
    length = (single_segment, 2, 4, 8)[descriptor >> 6]
    if not length or len(head) < place + length:
        return None
    return int.from_bytes(head[place : place + length], "little") + (256 if length == 2 else 0)
