import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.errors import StoreError, UserError
from atdt.stores import open_store
from atdt.stores.layout import shard_path
from atdt.stores.metadata import open_array


@given(block=st.integers(0, 2), name=st.sampled_from(["depth", "semantic"]))
@settings(max_examples=6, deadline=None)
def test_a_block_is_what_zarr_reads(finished, block, name):
    reader = open_store(finished).features("level4", name)
    start, stop = reader.block_range(block)
    expected = open_array(reader.path)[start:stop]
    np.testing.assert_array_equal(reader.read_block(block), expected)
    out = np.empty_like(expected)
    assert reader.read_block(block, out) is out
    np.testing.assert_array_equal(out, expected)


@given(
    samples=st.integers(1, 9),
    per_shard=st.integers(1, 9),
    item=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
    dtype=st.sampled_from(["float16", "float32"]),
    compressor=st.sampled_from(["none", "zstd", "lz4"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_of_any_geometry_dtype_and_compressor_blocks_are_zarrs_to_the_bit(
    kit, samples, per_shard, item, dtype, compressor, seed
):
    store, values = kit.store(samples, per_shard), kit.values(samples, item, seed)
    values.flat[::3] = [-0.0, 6e-8, 1 / 3, -65504.0][seed % 4]
    kit.write(store, values, dtype=dtype, compressor=compressor)
    reader = open_store(store.path).features("level4", "depth")
    array = zarr.open_array(reader.path, mode="r")
    for block in range(reader.blocks):
        start, stop = reader.block_range(block)
        expected, found = array[start:stop], reader.read_block(block)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
        assert found.tobytes() == values[start:stop].astype(dtype).tobytes()


def test_what_a_reader_says(kit, finished):
    reader = open_store(finished).features("level4", "depth")
    stored = kit.values().astype(np.float16).astype(np.float64)
    assert (reader.shape, reader.dtype, reader.blocks) == ((10, 3, 2, 5), np.float16, 3)
    assert reader.name == "level4/depth"
    assert reader.dimensions == ("sample", "depth_channel", "depth_y", "depth_x")
    assert reader.attrs == kit.provenance | {"schema": 1, "units": "1", "compressor": "none"}
    assert reader.statistics["max_abs"] == kit.values().max()
    np.testing.assert_allclose(reader.statistics["mean"], stored.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(reader.statistics["variance"], stored.var(axis=(0, 2, 3)))


@pytest.mark.parametrize("progress", [True, False])
def test_read_all_fills_a_given_buffer(kit, finished, progress):
    reader = open_store(finished).features("level2", "depth")
    out = np.empty(reader.shape, np.float32)
    assert reader.read_all(out, progress) is out
    np.testing.assert_array_equal(out, kit.values(item=(2, 4, 10)))


def test_buffers_that_do_not_fit_are_refused(finished):
    reader = open_store(finished).features("level4", "depth")
    good = (4, 3, 2, 5)
    bad = [np.empty((2, 3, 2, 5), "float16"), np.empty(good, "float32")]
    for out in [*bad, np.empty((4, 3, 2, 10), "float16")[..., ::2]]:
        with pytest.raises(ValueError, match="contiguous float16"):
            reader.read_block(0, out)
    with pytest.raises(ValueError, match="out has shape"):
        reader.read_all(np.empty((11, 3, 2, 5), "float16"))
    with pytest.raises(IndexError):
        reader.read_block(3)


def test_threads_and_other_processes_may_read(kit, finished):
    reader = pickle.loads(pickle.dumps(open_store(finished).features("level4", "semantic")))  # noqa: S301
    with ThreadPoolExecutor(4) as pool:
        blocks = list(pool.map(reader.read_block, [0, 1, 2] * 8))
    expected = kit.values(seed=1).astype(np.float16)
    for number, block in enumerate(blocks):
        start, stop = reader.block_range(number % 3)
        np.testing.assert_array_equal(block, expected[start:stop])


def test_an_absent_array_says_what_there_is_and_how_to_add_it(finished):
    store = open_store(finished)
    with pytest.raises(
        StoreError, match=r"no array level4/third \(it has: level2/depth, .*third=RUN"
    ):
        store.features("level4", "third")
    with pytest.raises(StoreError, match="--labels depth"):
        store.labels_reader("depth")


@pytest.mark.parametrize("name", ["depth", "semantic"])
def test_missing_and_cut_shards_are_found_on_opening(kit, finished, name):
    store = open_store(kit.copy(finished))
    path = shard_path(store.folder("level4", name), 2, 4)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=f"{path}: it has .* bytes, not .*--resume"):
        store.features("level4", name)
    path.unlink()
    with pytest.raises(StoreError, match=r"it is missing; .*--resume"):
        store.features("level4", name)


@pytest.mark.parametrize("name", ["depth", "semantic"])
def test_shards_that_changed_places_are_found_on_reading(kit, finished, name):
    """Each is sound in itself; only the ledger knows which is which."""
    store = open_store(kit.copy(finished))
    kit.write(store, np.repeat(kit.values(1), 10, axis=0) * np.arange(1, 11)[:, None, None, None])
    reader = store.features("level4", "depth")
    folder = store.folder("level4", "depth")
    first, second = shard_path(folder, 0, 4), shard_path(folder, 1, 4)
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    for block in (0, 1):
        with pytest.raises(StoreError, match="not the block that was committed"):
            reader.read_block(block)
    reader.read_block(2)


def test_an_array_under_another_name_is_not_taken_for_it(kit, finished):
    store = open_store(kit.copy(finished))
    (store.path / "level4/depth").rename(store.path / "level4/third")
    with pytest.raises(StoreError, match=r"level4/third/zarr\.json is damaged"):
        store.features("level4", "third")


def test_an_array_of_other_samples_is_refused(kit, finished):
    store = open_store(kit.copy(finished))
    other = kit.store(9, 3)
    kit.write(other, kit.values(9), name="third")
    (other.path / "level4/third").rename(store.path / "level4/third")
    with pytest.raises(StoreError, match=r"other sample vectors .*--overwrite third"):
        store.features("level4", "third")


def test_a_shard_that_is_a_link_out_of_the_store_is_not_read(kit, finished):
    store = open_store(kit.copy(finished))
    path = shard_path(store.folder("level4", "depth"), 1, 4)
    outside = kit.folder() / "shard"
    path.rename(outside)
    path.symlink_to(outside)
    with pytest.raises(UserError, match="leads out of"):
        store.features("level4", "depth")
