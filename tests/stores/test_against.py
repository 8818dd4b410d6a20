import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atdt.errors import MismatchError, StoreError
from atdt.places import place
from atdt.stores import SampleTable, compare_stores, create_store
from atdt.stores.against import Difference, float16_ulp
from tests.made_objects import upload


@given(st.floats(2.0**-24, 65472, width=16))
def test_ulps_are_those_of_float16(value):
    assert float16_ulp(np.array([float(value)])) == np.spacing(np.float16(value))


HALVES = st.floats(-6e4, 6e4, width=16)


@given(arrays(np.float16, (2, 6), elements=HALVES), arrays(np.float16, (2, 6), elements=HALVES))
def test_differences_are_those_of_all_values_at_once(one, other):
    found = Difference("level4/depth")
    for sample, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        found.add(str(sample), mine, theirs)
    apart = np.abs(one.astype(float) - other.astype(float))
    ulps = apart / np.spacing(np.maximum(np.abs(one), np.abs(other))).astype(float)
    assert (found.values, found.differing) == (12, np.count_nonzero(apart))
    assert (found.largest, found.ulps) == (apart.max(), ulps.max())
    worst = max(range(2), key=lambda row: (ulps[row].max(), apart[row].max()))
    assert found.sample == (str(worst) if apart.any() else "")
    assert found.is_beyond(0) == apart.any()
    assert not found.is_beyond(ulps.max())


def test_what_is_not_a_number_equals_itself_alone():
    found = Difference("labels/depth")
    found.add("a", np.array([np.nan, 1.0], np.float32), np.array([np.nan, 1.0], np.float32))
    assert found.differing == 0
    found.add("b", np.array([np.nan, 1.0], np.float32), np.array([0.0, 1.0], np.float32))
    assert (found.differing, found.largest, found.ulps) == (1, np.inf, np.inf)
    assert found.is_beyond(1000)


def test_small_values_among_large_ones_have_the_rounding_of_those():
    for scale, ulps in ((0.0, 2**11), (0.3, 2.0), (1.0, 0.5)):
        found = Difference("level4/depth", scale)
        found.add("a", np.array([0.0, 1.0], np.float16), np.array([2.0**-11, 1.0], np.float16))
        assert found.ulps == pytest.approx(ulps, rel=0.51)


def test_classes_that_differ_are_beyond_every_rounding():
    found = Difference("labels/semantic")
    found.add("a", np.array([0, 255], np.uint8), np.array([0, 1], np.uint8))
    assert (found.differing, found.largest, found.ulps) == (1, 254, 0)
    assert found.is_beyond(1000)


def shuffled(kit, order, per_shard):
    """The kit's store with its samples in another order and in other shards."""
    table = kit.table()
    columns = {name: getattr(table, name)[order] for name in vars(table)}
    path = kit.folder() / "b.zarr"
    return create_store(path, SampleTable(**columns), kit.plan, kit.domain, per_shard)


@pytest.mark.parametrize("order", [range(10), [7, 3, 0, 9, 1, 2, 8, 4, 6, 5]])
def test_samples_belong_together_by_their_ids(kit, order):
    values = kit.values()
    one, other = kit.store(), shuffled(kit, list(order), 3)
    kit.write(one, values)
    changed = values.copy()
    changed[4, 0, 0, 0] = 1.0 + 2**-9
    values[4, 0, 0, 0] = 1.0
    kit.write(one, values, name="same")
    kit.write(other, changed[list(order)], provenance={"threads": 2})
    kit.write(other, values[list(order)], name="same")
    kit.write(one, changed, name="again", dtype="float32")
    kit.write(other, changed[list(order)], name="again", dtype="float32", compressor="zstd")
    found = {array.name: array for array in compare_stores(one.path, other.path).arrays}
    assert list(found) == ["level4/again", "level4/depth", "level4/same"]
    same = found["level4/same"]
    assert (same.values, same.differing, same.made, same.sample) == (300, 0, [], "")
    assert same.scale == pytest.approx(np.sqrt((values**2).mean()), rel=1e-3)
    assert found["level4/again"].differing == 0
    depth = found["level4/depth"]
    assert (depth.values, depth.differing, depth.sample) == (300, 1, "img4#0")
    assert depth.made == [f"threads: {one.path}/level4/depth has 1, the other 2"]


def test_arrays_that_one_has_alone_are_named(kit, finished):
    other = kit.store()
    kit.write(other, kit.values())
    kit.write(other, kit.values(), name="mine")
    found = compare_stores(finished, other.path)
    assert [array.name for array in found.arrays] == ["level4/depth"]
    assert set(found.alone) == {
        other.path / "level4/mine",
        *(finished / name for name in ("level4/semantic", "level2/depth", "labels/semantic")),
    }
    with pytest.raises(MismatchError, match="has no array that"):
        compare_stores(finished, kit.store().path)


def test_other_samples_are_refused_by_name(kit, finished):
    fewer = kit.store(samples=8)
    with pytest.raises(MismatchError, match=r"of other samples: .* in one of them alone.*'img"):
        compare_stores(finished, fewer.path)
    table = kit.table()
    boxes = table.box.copy()
    boxes[3, 0] = 7
    columns = {name: getattr(table, name) for name in vars(table)} | {"box": boxes}
    path = kit.folder() / "b.zarr"
    create_store(path, SampleTable(**columns), kit.plan, kit.domain, 4)
    with pytest.raises(MismatchError, match=r"box of sample 'img3#0' is \[7 0 4 6\], and \[3 0"):
        compare_stores(finished, path)


def test_other_shapes_and_unfinished_arrays_are_refused(kit, finished):
    other = kit.store()
    kit.write(other, kit.values(item=(3, 2, 6)))
    with pytest.raises(MismatchError, match=r"has shape \(10, 3, 2, 6\), and .* \(10, 3, 2, 5\)"):
        compare_stores(finished, other.path)
    half = kit.store()
    with kit.writer(half) as writer:
        kit.fill(writer, half, kit.values(), blocks=[0])
    with pytest.raises(StoreError, match="1 of 3 blocks are committed"):
        compare_stores(finished, half.path)


def test_a_store_in_a_bucket_is_compared_with_one_on_the_disk(finished, bucket):
    url = upload(finished, f"{bucket}/a.zarr")
    found = compare_stores(place(url), finished)
    assert [array.differing for array in found.arrays] == [0] * 4
    assert found.alone == ()
