"""The Zarr side of the layout: metadata and sample vectors as bytes, and arrays opened for use.

Metadata is made in memory and written by our own atomic writes, so that every file of the root is a
pure function of what it says and can be checked, or made again, byte for byte.
"""

import io
import math
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from crc32c import crc32c
from zarr.buffer import default_buffer_prototype
from zarr.buffer.cpu import Buffer
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.storage import LocalStore, MemoryStore

from atdt import objects
from atdt.errors import StoreError
from atdt.places import is_remote
from atdt.stores.declared import FOREIGN, check_array_file
from atdt.stores.layout import CRC_BYTES, LABELS, METADATA, VECTORS
from atdt.stores.samples import COLUMNS, STRING, SampleTable

# Least effort: features are read far more often than they are written, and gain little beyond.
COMPRESSORS: dict[str, tuple[Any, ...]] = {
    "none": (),
    "zstd": (ZstdCodec(level=1),),
    "lz4": (BloscCodec(cname="lz4", clevel=1, shuffle="bitshuffle"),),
}
FEATURE_DTYPES = ("float16", "float32")
LABEL_DTYPES = ("uint8", "float32")
IGNORED_LABEL = 255

# dimension names and attributes of each vector
VECTOR_NOTES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "sample_id": (("sample",), {"description": "unique name of the sample"}),
    "image": (("sample",), {"description": "image, relative to the domain's root"}),
    "view": (("sample",), {"units": "1", "description": "0 is the plain image"}),
    "flip": (("sample",), {"units": "1", "description": "mirrored left to right"}),
    "box": (
        ("sample", "box_edge"),
        {"units": "pixel", "description": "y, x, height, width of the cut in the image"},
    ),
    "size": (
        ("sample", "size_side"),
        {"units": "pixel", "description": "height, width of the image"},
    ),
}


class _Strict:
    """Zarr's settings are of the whole process: the first thread that wants them strict makes them
    so, the last that has done makes them what they were."""

    def __init__(self) -> None:
        self._lock, self._inside, self._held = threading.Lock(), 0, ExitStack()

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._held.enter_context(zarr.config.set(STRICT))
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._held.close()


STRICT = {"array.read_missing_chunks": False, "array.write_empty_chunks": True}
_strict = _Strict()


@contextmanager
def strict_zarr() -> Iterator[None]:
    """Zarr's settings under which absence is an error; arrays keep them from their opening on."""
    _strict.enter()
    try:
        yield
    finally:
        _strict.leave()


def root_files(samples: SampleTable, attributes: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """All files of a store's root, by path: its metadata, then one sample vector after the other.

    A pure function of its arguments for one version of zarr.
    """
    content: dict[str, Any] = {}
    with strict_zarr():
        zarr.create_group(MemoryStore(content), attributes=attributes, zarr_format=3)
    yield METADATA, content[METADATA].to_bytes()
    for name in VECTORS:
        for file, data in _vector_files(name, getattr(samples, name)).items():
            yield f"{name}/{file}", data


def _vector_files(name: str, values: np.ndarray) -> dict[str, bytes]:
    """The files of a sample vector: its metadata, and all of it as one chunk."""
    content: dict[str, Any] = {}
    dimensions, notes = VECTOR_NOTES[name]
    with strict_zarr():
        array = zarr.create_array(
            MemoryStore(content),
            shape=values.shape,
            chunks=values.shape,
            dtype=str if values.dtype.kind == "T" else values.dtype,
            fill_value="" if values.dtype.kind == "T" else None,
            compressors=[Crc32cCodec()],
            filters=None,
            dimension_names=dimensions,
            attributes=notes,
            zarr_format=3,
        )
        if values.dtype == STRING:
            return {"c/0": encoded_strings(values), METADATA: content[METADATA].to_bytes()}
        array[...] = values
    return {path: value.to_bytes() for path, value in sorted(content.items())}


def encoded_strings(strings: np.ndarray) -> bytes:
    """A chunk of strings as zarr encodes it: their number, then the length and the UTF-8 of each,
    then a crc32c. (Zarr makes Python's objects of all of them at once.)"""
    chunk = io.BytesIO()  # gives its bytes back without a copy
    chunk.write(struct.pack("<I", len(strings)))
    for text in strings:
        data = text.encode()
        chunk.write(struct.pack("<I", len(data)) + data)
    chunk.write(struct.pack("<I", crc32c(chunk.getbuffer())))
    return chunk.getvalue()


def vector_files() -> list[str]:
    """Paths, relative to the store, of every file that `root_files` makes."""
    chunks = [f"{name}/c/{'/'.join('0' * len(VECTOR_NOTES[name][0]))}" for name in VECTORS]
    return sorted([METADATA, *(f"{name}/{METADATA}" for name in VECTORS), *chunks])


def read_vectors(path: Path, files: Mapping[str, bytes] | None = None) -> SampleTable:
    """The sample vectors of the store at `path`; its files have been checked before.

    Args:
        files: their content, by path, where the store is one of objects.

    Raises:
        StoreError: shapes do not fit the files, so that a stranger's metadata takes no memory.
    """
    with strict_zarr():
        store = LocalStore(path, read_only=True) if files is None else _held(files)
        root = zarr.open_group(store, mode="r", zarr_format=3)
        arrays = {name: root[name] for name in VECTORS}
    samples = arrays["view"].shape[0]
    for name, array in arrays.items():
        dtype, tail = COLUMNS[name]
        file = f"{name}/c/{'/'.join('0' * array.ndim)}"
        size, head = _size_and_head(path / file) if files is None else _of_bytes(files[file])
        size -= CRC_BYTES
        if dtype is STRING:  # a count, then a length and the letters of each
            fits = head.tolist() == [samples] and size >= 4 * (samples + 1)
        else:
            fits = size == samples * math.prod(tail) * np.dtype(dtype).itemsize
        if array.shape != (samples, *tail) or array.chunks != array.shape or not fits:
            raise StoreError(f"{path}/{name}: not laid out as a store of version 1; extract again")
    return SampleTable(**{name: array[...] for name, array in arrays.items()})


def _held(files: Mapping[str, bytes]) -> MemoryStore:
    """Files in memory, as zarr reads them."""
    return MemoryStore({name: Buffer.from_bytes(data) for name, data in files.items()})


def _size_and_head(file: Path) -> tuple[int, np.ndarray]:
    return file.stat().st_size, np.fromfile(file, "<u4", 1)


def _of_bytes(data: bytes) -> tuple[int, np.ndarray]:
    return len(data), np.frombuffer(data[:4], "<u4")


def group_file(group: str) -> bytes:
    """Metadata of the group of a level, or of the labels."""
    content: dict[str, Any] = {}
    kind = "labels" if group == LABELS else "level"
    zarr.create_group(MemoryStore(content), attributes={"kind": kind}, zarr_format=3)
    return content[METADATA].to_bytes()


def array_file(
    shape: Sequence[int],
    dtype: str,
    samples_per_shard: int,
    dimensions: Sequence[str],
    compressor: str,
    attributes: dict[str, Any],
) -> bytes:
    """Metadata of an array (S, …): one sample a chunk, `samples_per_shard` samples a shard."""
    content: dict[str, Any] = {}
    fill = float("nan") if np.dtype(dtype).kind == "f" else IGNORED_LABEL
    with strict_zarr():
        zarr.create_array(
            MemoryStore(content),
            shape=tuple(shape),
            dtype=dtype,
            chunks=(1, *shape[1:]),
            shards=(samples_per_shard, *shape[1:]),
            compressors=[*COMPRESSORS[compressor], Crc32cCodec()],
            filters=None,
            fill_value=fill,
            dimension_names=tuple(dimensions),
            attributes=attributes,
            zarr_format=3,
        )
    return content[METADATA].to_bytes()


def open_array(folder: Path) -> zarr.Array:
    """The array in `folder`, under settings by which an absent shard is an error.

    Raises:
        StoreError: its metadata is not that of an array of version 1.
    """
    check_array_file(folder)
    with strict_zarr():
        if is_remote(folder):
            store = _held({METADATA: objects.get(folder / METADATA)})
        else:
            store = LocalStore(folder, read_only=True)
        try:
            return zarr.open_array(store, mode="r", zarr_format=3)
        except (ValueError, TypeError, OverflowError) as error:  # a compressor's options
            raise StoreError(f"{folder / METADATA}: {FOREIGN} ({error})") from None


def encode_shard(metadata: bytes, start: int, values: np.ndarray) -> bytes:
    """The shard of a whole block as zarr writes it, for arrays that a compressor is used on.

    Args:
        metadata: the array's.
        start: first sample of the block.
        values: (samples, …) of the array's dtype.
    """
    content: dict[str, Any] = {METADATA: Buffer.from_bytes(metadata)}
    with strict_zarr():
        array = zarr.open_array(MemoryStore(content), mode="r+", zarr_format=3)
        array[start : start + len(values)] = values
    (shard,) = (data for key, data in content.items() if key != METADATA)
    return shard.to_bytes()


def decode_shard(array: zarr.Array, start: int, stop: int, shard: bytes) -> np.ndarray:
    """The samples (stop - start, …) of a shard that was read as bytes; see `encode_shard`."""
    content = array.metadata.to_buffer_dict(default_buffer_prototype())
    content[f"c/{start // array.shards[0]}{'/0' * (array.ndim - 1)}"] = Buffer.from_bytes(shard)
    with strict_zarr():
        held = zarr.open_array(MemoryStore(content), mode="r", zarr_format=3)
        return held[start:stop]


def is_plain(array: zarr.Array) -> bool:
    """Whether a chunk is the sample's bytes and a crc32c, nothing else."""
    return tuple(array.compressors) == (Crc32cCodec(),)
