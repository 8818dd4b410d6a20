import math

import numpy as np
import pytest
import tensorstore
import zarr
import zarrs  # noqa: F401 – its codec pipeline, which zarr is told of by name
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import LocalStore

from atdt.errors import StoreError
from atdt.stores.layout import shard_path
from atdt.stores.shards import (
    block_digest,
    plain_sizes,
    read_plain,
    stored_checksums,
    write_plain,
)

ITEM = (2, 3)


def write_with_zarr(folder, values, per_shard, codecs=()):
    array = zarr.create_array(
        LocalStore(folder),
        shape=values.shape,
        chunks=(1, *values.shape[1:]),
        shards=(per_shard, *values.shape[1:]),
        dtype=values.dtype,
        compressors=[*codecs, Crc32cCodec()],
        config={"write_empty_chunks": True},
    )
    for start in range(0, len(values), per_shard):
        array[start : start + per_shard] = values[start : start + per_shard]
    return array


@given(
    samples=st.integers(1, 9),
    per_shard=st.integers(1, 9),
    item=st.lists(st.integers(1, 5), min_size=2, max_size=3).map(tuple),
    dtype=st.sampled_from(["float16", "float32", "uint8"]),
    read_bytes=st.sampled_from([1, 50, 1 << 20]),
)
@settings(deadline=None)
def test_reads_what_zarr_reads(tmp_path_factory, samples, per_shard, item, dtype, read_bytes):
    folder = tmp_path_factory.mktemp("shards")
    values = np.random.default_rng(samples).integers(0, 256, (samples, *item)).astype(dtype)
    array = write_with_zarr(folder, values, per_shard)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atdt.stores.shards.READ_BYTES", read_bytes)
        for block, start in enumerate(range(0, samples, per_shard)):
            path = shard_path(folder, block, values.ndim)
            expected = array[start : start + per_shard]
            out = np.empty_like(expected)
            checksums = read_plain(path, per_shard, out)
            np.testing.assert_array_equal(out, expected)
            np.testing.assert_array_equal(stored_checksums(path, per_shard, len(out)), checksums)
            sizes = plain_sizes(per_shard, len(out), math.prod(item) * values.itemsize)
            assert path.stat().st_size == sizes[1]
            # what zarr wrote, written again by us: zarr and we read the same
            path.unlink()
            np.testing.assert_array_equal(write_plain(path, per_shard, expected), checksums)
            assert path.stat().st_size == sizes[0]
            np.testing.assert_array_equal(array[start : start + per_shard], expected)
            again = np.empty_like(expected)
            np.testing.assert_array_equal(read_plain(path, per_shard, again), checksums)
            np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("pipeline", ["zarrs", "tensorstore"])
def test_other_readers_read_what_we_write(tmp_path, pipeline):
    values = np.random.default_rng(0).standard_normal((7, 3, 4, 5)).astype(np.float16)
    array = write_with_zarr(tmp_path, values, 3)
    for block, start in enumerate(range(0, 7, 3)):
        path = shard_path(tmp_path, block, 4)
        path.unlink()
        write_plain(path, 3, values[start : start + 3])
    if pipeline == "zarrs":
        with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
            array = zarr.open_array(tmp_path, mode="r")
            assert type(array._async_array.codec_pipeline).__name__ == "ZarrsCodecPipeline"
            found = [array[...], array[2:5]]
    else:
        spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(tmp_path)}}
        opened = tensorstore.open(spec, open=True, read=True).result()
        found = [opened.read().result(), opened[2:5].read().result()]
    for expected, got in zip((values, values[2:5]), found, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_samples_begin_where_the_system_copies_fast(tmp_path):
    write_plain(tmp_path / "0", 4, np.ones((3, 2, 7), np.float32))
    offsets = np.frombuffer((tmp_path / "0").read_bytes()[-68:-4], "<u8").reshape(4, 2)[:3, 0]
    assert offsets.tolist() == [0, 64, 128]


@pytest.mark.parametrize("read_bytes", [8, 1 << 20])
def test_every_sample_is_checked_and_what_lies_between_them(tmp_path, monkeypatch, read_bytes):
    monkeypatch.setattr("atdt.stores.shards.READ_BYTES", read_bytes)
    values = np.arange(7 * 6, dtype=np.float32).reshape(7, 2, 3)
    write_plain(tmp_path / "0", 7, values)
    out = np.empty_like(values)
    read_plain(tmp_path / "0", 7, out)
    np.testing.assert_array_equal(out, values)
    whole = (tmp_path / "0").read_bytes()
    for sample in range(7):
        for byte, message in (
            (5, f"sample {sample} of it differs"),
            (25, f"sample {sample} of it differs"),
            (28, "not zero between its samples"),
            (63, "not zero between its samples"),
        ):
            damaged = bytearray(whole)
            damaged[sample * 64 + byte] ^= 1
            (tmp_path / "0").write_bytes(damaged)
            with pytest.raises(StoreError, match=message):
                read_plain(tmp_path / "0", 7, out)


def test_a_shard_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("atdt.stores.shards.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_plain(tmp_path / "0", 4, np.zeros((3, 2, 2), np.float32))
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """A short shard: three samples in four slots."""
    folder = tmp_path_factory.mktemp("shard")
    values = np.arange(18, dtype=np.float32).reshape(3, *ITEM)
    write_with_zarr(folder, values, 4)
    return shard_path(folder, 0, 3)


def read(path):
    return read_plain(path, 4, np.empty((3, *ITEM), np.float32))


def test_every_changed_byte_is_noticed(shard, tmp_path):
    content = shard.read_bytes()
    path = tmp_path / "shard"
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 0x40
        path.write_bytes(changed)
        with pytest.raises(StoreError, match="--resume"):
            read(path)


def test_every_cut_is_noticed(shard, tmp_path):
    path = tmp_path / "shard"
    for length in range(len(shard.read_bytes())):
        path.write_bytes(shard.read_bytes()[:length])
        for reading in (read, lambda path: stored_checksums(path, 4, 3)):
            with pytest.raises(StoreError, match=r"cut short|index"):
                reading(path)
    with pytest.raises(StoreError, match="missing"):
        read(tmp_path / "none")


def test_an_absent_inner_chunk_is_an_error_and_not_its_fill_value(tmp_path):
    values = np.ones((4, *ITEM), np.float32)
    array = write_with_zarr(tmp_path, values, 4)
    path = shard_path(tmp_path, 0, 3)
    path.unlink()
    array[:2] = values[:2]  # half a shard: zarr gives zeros for the rest, and no error
    for reading in (
        lambda: read_plain(path, 4, np.empty_like(values)),
        lambda: stored_checksums(path, 4, 4),
        lambda: stored_checksums(path, 4, 1),
    ):
        with pytest.raises(StoreError, match="index does not hold the samples"):
            reading()


def test_chunks_in_another_order_are_refused_rather_than_shuffled(shard, tmp_path):
    import google_crc32c

    content = bytearray(shard.read_bytes())
    index = np.frombuffer(content[-68:-4], "<u8").reshape(4, 2)[[1, 0, 2, 3]].tobytes()
    path = tmp_path / "shard"
    path.write_bytes(content[:-68] + index + google_crc32c.value(index).to_bytes(4, "little"))
    with pytest.raises(StoreError, match="order of samples"):
        read(path)


def test_an_index_that_points_outside_is_refused(shard, tmp_path):
    import google_crc32c

    content = bytearray(shard.read_bytes())
    for entry in ([2**63, 28], [0, 2**63], [0, 2], [2**64 - 2, 28]):
        index = np.frombuffer(content[-68:-4], "<u8").reshape(4, 2).copy()
        index[1] = entry
        raw = index.tobytes()
        path = tmp_path / "shard"
        path.write_bytes(content[:-68] + raw + google_crc32c.value(raw).to_bytes(4, "little"))
        with pytest.raises(StoreError, match="points outside"):
            stored_checksums(path, 4, 3)


def test_short_reads_are_gone_on_with(shard, monkeypatch):
    import os

    preadv, expected = os.preadv, read(shard)

    def some(handle, buffers, offset):
        return preadv(handle, [buffers[0][:5]], offset)

    monkeypatch.setattr(os, "preadv", some)
    np.testing.assert_array_equal(read(shard), expected)


def test_digests_tell_blocks_apart_and_do_not_depend_on_the_codec_of_the_index(tmp_path):
    values = np.arange(24, dtype=np.float32).reshape(4, *ITEM)
    digests = set()
    for number, codecs in enumerate([(), (ZstdCodec(),)]):
        for turn in (0, 1):
            folder = tmp_path / f"{number}{turn}"
            write_with_zarr(folder, np.roll(values, turn, axis=0), 4, codecs)
            digests.add(block_digest(stored_checksums(shard_path(folder, 0, 3), 4, 4)))
    assert len(digests) == 4
