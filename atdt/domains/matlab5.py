"""MATLAB 5 files (save -v6, -v7), by The MathWorks' "MAT-File Format": numbers, texts, structs.

    128 bytes    a text; the last four are the version and, as "IM" or "MI", the order of bytes
    elements     type, size, content; a matrix is one, often packed by zlib, that holds elements:
                 its class and flags, its size, its name, and its numbers or its fields' matrices

SciPy reads these files too, but damaged ones may end the whole process (segmentation faults in
loadmat of 1.18, met by damaging files), which is more than a stranger's file may do. Here every
size is held against what is there.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from atdt.errors import DomainError
from atdt.texts import read_bounded

LARGEST = 2**22  # bytes, packed or not
DEEPEST = 8  # structs in structs
HEADER, VERSION = 128, 1
ORDERS = {b"IM": "<", b"MI": ">"}
MATRIX, PACKED = 14, 15
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16"}
STRUCT, TEXT = 2, 4
NUMERIC = range(6, 16)  # classes: double, single, whole numbers; truth values are whole numbers
COMPLEX = 0x800

Element = tuple[int, memoryview]  # its type and content
Value = np.ndarray | str | list[dict[str, Any]]  # of a struct a dict for each of its items


def read_vectors(path: Path, *names: str) -> list[np.ndarray]:
    """The numbers that a MATLAB 5 file holds under each of `names`, (N).

    Raises:
        DomainError: see `read_matrices`; or one of them is no numbers.
    """
    vectors = []
    for name, value in zip(names, read_matrices(path, *names), strict=True):
        if not isinstance(value, np.ndarray):
            raise DomainError(f"{path}: {name} holds no real numbers")
        vectors.append(value.ravel(order="K"))
    return vectors


def read_matrices(path: Path, *names: str, largest: int = LARGEST) -> list[Value]:
    """What a MATLAB 5 file holds under each of `names`.

    Args:
        path: the file.
        names: of what is wanted.
        largest: bytes that the file, and each element when unpacked, may have.

    Returns:
        for numbers and truth values an array of MATLAB's size, for a text itself, for a struct the
        list of its items, each the values of its fields by name.

    Raises:
        DomainError: it is absent, damaged, of another kind, or lacks one of them; names it.
    """
    try:
        found = dict(_matrices(memoryview(read_bounded(path, largest)), names, largest))
    except FileNotFoundError:
        raise DomainError(f"{path}: no such file") from None
    except (ValueError, zlib.error) as error:
        raise DomainError(f"{path}: cannot be read as a MATLAB 5 file ({error})") from None
    if lacking := [name for name in names if name not in found]:
        raise DomainError(f"{path}: holds no {lacking[0]}")
    return [found[name] for name in names]


def _matrices(
    data: memoryview, names: tuple[str, ...], largest: int
) -> Iterator[tuple[str, Value]]:
    order = ORDERS.get(bytes(data[HEADER - 2 : HEADER]))
    if order is None or struct.unpack_from(f"{order}H", data, HEADER - 4)[0] >> 8 != VERSION:
        raise ValueError("it does not begin like one")
    for kind, content in _elements(data[HEADER:], order):
        if kind == PACKED:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(content, largest)
            if not unpacker.eof:
                raise ValueError(f"an element is cut off, or has more than {largest} bytes")
            kind, content = next(_elements(memoryview(unpacked), order), (kind, memoryview(b"")))
        if kind != MATRIX:
            continue
        parts = _elements(content, order)
        _, _, name = (_next(parts) for _ in range(3))
        if (called := bytes(name[1]).decode("latin-1")) in names:
            yield called, _value(content, order, called)


def _value(content: memoryview, order: str, where: str, depth: int = 0) -> Value:
    """A matrix.

    Args:
        content: of the element.
        order: of bytes.
        where: its name, with those of the structs that it lies in.
        depth: how many these are.
    """
    if not content:  # what some programs write for []
        return np.zeros((0, 0))
    parts = _elements(content, order)
    flags, size, _ = (_next(parts)[1] for _ in range(3))
    word = int(np.frombuffer(flags, f"{order}u4")[0]) if len(flags) == 8 else 0
    shape = tuple(np.frombuffer(size, f"{order}i4").tolist())
    kind = word & 0xFF
    if kind == STRUCT:
        if depth == DEEPEST:
            raise ValueError(f"{where} lies in more than {DEEPEST} structs")
        return list(_items(parts, math.prod(shape), order, where, depth + 1))
    if kind == TEXT:
        return _text(*_next(parts), order, where)
    return _numbers(word, shape, *_next(parts), order, where)


def _items(
    parts: Iterator[Element], count: int, order: str, where: str, depth: int
) -> Iterator[dict[str, Value]]:
    length, names = _next(parts)[1], bytes(_next(parts)[1])
    width = int(np.frombuffer(length, f"{order}i4")[0]) if len(length) == 4 else 0
    if not (0 < width <= len(names)):
        raise ValueError(f"{where} has no fields")
    fields = [names[k : k + width].split(b"\0")[0] for k in range(0, len(names), width)]
    for _ in range(count):  # each takes some bytes of those that are there
        item = {}
        for field in (name.decode("latin-1") for name in fields):
            kind, content = _next(parts)
            if kind != MATRIX:
                raise ValueError(f"{where}.{field} is not there")
            item[field] = _value(content, order, f"{where}.{field}", depth)
        yield item


def _text(kind: int, content: memoryview, order: str, where: str) -> str:
    if kind not in CODINGS:
        raise ValueError(f"{where} holds no text")
    coding = CODINGS[kind]
    if coding == "utf-16":
        coding += "-le" if order == "<" else "-be"
    return bytes(content).decode(coding)


def _numbers(
    word: int, shape: tuple[int, ...], kind: int, content: memoryview, order: str, where: str
) -> np.ndarray:
    if word & 0xFF not in NUMERIC or word & COMPLEX or kind not in TYPES:
        raise ValueError(f"{where} holds no real numbers")
    numbers = np.frombuffer(content, f"{order}{TYPES[kind]}")
    if math.prod(shape) != len(numbers):
        raise ValueError(f"{where} has {len(numbers)} numbers, which is not its size")
    return numbers.astype(numbers.dtype.newbyteorder("=")).reshape(shape, order="F")


def _next(parts: Iterator[Element]) -> Element:
    return next(parts, (0, memoryview(b"")))


def _elements(data: memoryview, order: str) -> Iterator[Element]:
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
