"""Writing blocks, and what a failure costs."""

import errno
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.errors import NumericsError, StoreError, UserError
from atdt.stores import open_store
from atdt.stores.ledger import read_ledger


@given(
    samples=st.integers(1, 12),
    per_shard=st.integers(1, 12),
    item=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)),
    dtype=st.sampled_from(["float16", "float32"]),
    compressor=st.sampled_from(["none", "zstd", "lz4"]),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=15, deadline=None)
def test_what_is_written_in_any_order_is_read(
    kit, samples, per_shard, item, dtype, compressor, order
):
    store, values = kit.store(samples, per_shard), kit.values(samples, item)
    with kit.writer(store, item=item, dtype=dtype, compressor=compressor) as writing:
        blocks = writing.missing_blocks()
        assert blocks == list(range(store.blocks))
        order.shuffle(blocks)
        kit.fill(writing, store, values, blocks)
        writing.finish()
    reader = open_store(store.path).features("level4", "depth")
    assert (reader.shape, reader.dtype) == (values.shape, dtype)
    np.testing.assert_array_equal(reader.read_all(progress=False), values.astype(dtype))
    one = kit.store(samples, per_shard)
    kit.write(one, values, dtype=dtype, compressor=compressor)
    assert kit.files(store.path) == kit.files(one.path)


def test_zeros_are_data(kit):
    store = kit.store()
    kit.write(store, np.zeros((10, 3, 2, 5), np.float32))
    assert not store.features("level4", "depth").read_all().any()


def test_labels_have_their_own_group_dims_and_units(kit, finished):
    store = open_store(kit.copy(finished))
    normals = kit.values(item=(3, 4, 6))
    with store.label_writer("normals", (3, 4, 6), "float32", {"task": "normals"}) as writing:
        kit.fill(writing, store, normals)
        writing.finish()
    assert store.labels() == ["normals", "semantic"]
    assert store.levels() == ["level2", "level4"]
    reader = store.labels_reader("normals")
    assert reader.dimensions == ("sample", "normals_channel", "label_y", "label_x")
    np.testing.assert_array_equal(reader.read_all(), normals)
    semantic = store.labels_reader("semantic")
    assert semantic.dimensions == ("sample", "label_y", "label_x")
    assert (semantic.attrs["units"], semantic.statistics) == ("class", {})
    with pytest.raises(StoreError, match="dtype 'float16'"):
        store.label_writer("depth", (4, 6), "float16", {})


def test_a_block_whose_folder_is_a_link_out_of_the_store_is_not_written(kit):
    store, outside = kit.store(), kit.folder()
    with kit.writer(store) as writing:
        (store.path / "level4/depth/c").mkdir()
        (store.path / "level4/depth/c/1").symlink_to(outside)
        with pytest.raises(UserError, match="leads out of"):
            kit.fill(writing, store, kit.values())
    assert not list(outside.iterdir())


def test_blocks_of_the_wrong_shape_or_written_twice(kit):
    store, values = kit.store(), kit.values()
    with kit.writer(store) as writing:
        with pytest.raises(ValueError, match=r"block 2 has shape \(2, 3, 2, 5\)"):
            writing.write_block(2, values[:4])
        writing.write_block(2, values[8:])
        with pytest.raises(ValueError, match="already committed"):
            writing.write_block(2, values[8:])
        with pytest.raises(IndexError):
            writing.write_block(3, values[:4])
        with pytest.raises(StoreError, match="2 of 3 blocks are not written"):
            writing.finish()


def test_bad_numbers_leave_the_array_resumable(kit):
    store, values = kit.store(), kit.values()
    bad = values.copy()
    bad[5, 0, 0, 0] = np.nan
    with kit.writer(store) as writing:
        writing.write_block(0, values[:4])
        with pytest.raises(NumericsError, match="level4/depth: sample 'img5#1'"):
            writing.write_block(1, bad[4:8])
    assert read_ledger(store.path / "level4/depth/ledger.jsonl").blocks.keys() == {0}


@pytest.mark.parametrize("call", range(6))
def test_a_failing_disk_is_named_and_costs_only_the_block_in_flight(kit, monkeypatch, call):
    store, values = kit.store(), kit.values()
    kit.write(whole := kit.store(), values)
    fsync, calls = os.fsync, iter(range(1000))

    def failing(handle):
        if next(calls) == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        return fsync(handle)

    with kit.writer(store) as writing:
        writing.write_block(0, values[:4])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing)
            with pytest.raises(StoreError, match=r"c/1/0/0/0: No space left .* MiB free.*--resume"):
                writing.write_block(1, values[4:8])
        assert not list(store.path.rglob("*.partial"))
        assert writing.missing_blocks() == [1, 2]
        kit.fill(writing, store, values)
        writing.finish()
    assert kit.files(store.path) == kit.files(whole.path)
