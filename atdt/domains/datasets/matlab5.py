"""Vectors of numbers out of MATLAB 5 files (save -v6, -v7), by The MathWorks' "MAT-File Format".

    128 bytes    a text; the last four are the version and, as "IM" or "MI", the order of bytes
    elements     type, size, content; a matrix is one, often packed by zlib, that holds elements:
                 its class and flags, its size, its name, its numbers

SciPy reads these files too, but damaged ones may end the whole process (segmentation faults in
loadmat of 1.18, met by damaging files), which is more than a stranger's file may do. Here every
size is held against what is there.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from atdt.errors import DomainError
from atdt.files import read_bounded

LARGEST = 2**22  # bytes, packed or not
HEADER, VERSION = 128, 1
ORDERS = {b"IM": "<", b"MI": ">"}
MATRIX, PACKED = 14, 15
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
NUMERIC = range(6, 16)  # classes: double, single, whole numbers
COMPLEX = 0x800


def read_vectors(path: Path, *names: str) -> list[np.ndarray]:
    """The numbers that a MATLAB 5 file holds under each of `names`, (N).

    Raises:
        DomainError: it is absent, damaged, of another kind, or lacks one of them; names it.
    """
    try:
        found = dict(_vectors(read_bounded(path, LARGEST), names))
    except FileNotFoundError:
        raise DomainError(f"{path}: no such file") from None
    except (ValueError, zlib.error) as error:
        raise DomainError(f"{path}: cannot be read as a MATLAB 5 file ({error})") from None
    if lacking := [name for name in names if name not in found]:
        raise DomainError(f"{path}: holds no {lacking[0]}")
    return [found[name] for name in names]


def _vectors(data: bytes, names: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
    order = ORDERS.get(data[HEADER - 2 : HEADER])
    if order is None or struct.unpack_from(f"{order}H", data, HEADER - 4)[0] >> 8 != VERSION:
        raise ValueError("it does not begin like one")
    for kind, content in _elements(data[HEADER:], order):
        if kind == PACKED:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(content, LARGEST)
            if not unpacker.eof:
                raise ValueError(f"an element is cut off, or has more than {LARGEST} bytes")
            kind, content = next(_elements(unpacked, order), (kind, b""))
        if kind != MATRIX:
            continue
        parts = _elements(content, order)
        flags, size, name = (next(parts, (0, b""))[1] for _ in range(3))
        if (called := name.decode("latin-1")) in names:
            yield called, _vector(flags, size, next(parts, (0, b"")), order, called)


def _vector(
    flags: bytes, size: bytes, part: tuple[int, bytes], order: str, name: str
) -> np.ndarray:
    kind, content = part
    word = int(np.frombuffer(flags, f"{order}u4")[0]) if len(flags) == 8 else 0
    if word & 0xFF not in NUMERIC or word & COMPLEX or kind not in TYPES:
        raise ValueError(f"{name} holds no real numbers")
    numbers = np.frombuffer(content, f"{order}{TYPES[kind]}")
    if math.prod(np.frombuffer(size, f"{order}i4").tolist()) != len(numbers):
        raise ValueError(f"{name} has {len(numbers)} numbers, which is not its size")
    return numbers.astype(numbers.dtype.newbyteorder("="))


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and content of elements that follow one another."""
    place = 0
    while place < len(data):
        if len(data) < place + 8:
            raise ValueError("it is cut off")
        kind, size = struct.unpack_from(f"{order}II", data, place)
        start, step = place + 8, 8 + size
        if kind >> 16:  # up to four bytes, in the place of the size
            kind, size = kind & 0xFFFF, kind >> 16
            start, step = place + 4, 8
            if size > 4:
                raise ValueError(f"{size} bytes in the place of four")
        if start + size > len(data):
            raise ValueError("it is cut off")
        yield kind, data[start : start + size]
        place += step + (0 if kind == PACKED else -step % 8)
