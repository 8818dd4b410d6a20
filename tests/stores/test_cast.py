import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atdt.errors import NumericsError
from atdt.stores import cast
from atdt.stores.cast import Statistics, cast_block, merge

blocks = arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4)),
    elements=st.floats(-60000, 60000, width=32),
)


@given(block=blocks, dtype=st.sampled_from(["float16", "float32"]), split=st.integers(0, 6))
@settings(deadline=None)
def test_statistics_are_those_of_the_stored_values(block, dtype, split):
    names = [f"s{i}" for i in range(len(block))]
    pieces = [slice(0, split), slice(split, None)]
    parts = [cast_block(block[p], dtype, names[p], "x") for p in pieces if len(block[p])]
    stored = np.concatenate([part[0] for part in parts])
    total = merge([part[1] for part in parts]).summary()
    np.testing.assert_array_equal(stored, block.astype(dtype))
    exact = stored.astype(np.float64)
    error = np.abs(exact - block)
    assert total["count"] == block[:, 0].size
    assert total["max_abs"] == np.abs(block).max()
    np.testing.assert_allclose(total["cast_error_max"], error.max(), rtol=1e-6)
    np.testing.assert_allclose(total["cast_error_mean"], error.mean(), rtol=1e-5)
    within = 1e-6 * max(total["max_abs"], 1e-6)  # float32 within a channel of a sample
    np.testing.assert_allclose(total["mean"], exact.mean(axis=(0, 2, 3)), atol=within)
    variance = exact.var(axis=(0, 2, 3))
    np.testing.assert_allclose(total["variance"], variance, rtol=1e-5, atol=within**2)


def test_many_channels_are_measured_in_parts_to_the_same_bits(kit, monkeypatch):
    block, names = kit.values(3, (5, 4, 4)), ["a", "b", "c"]
    whole = cast_block(block, "float16", names, "x")[1]
    monkeypatch.setattr(cast, "CACHED_VALUES", 32)
    parts = cast_block(block, "float16", names, "x")[1]
    assert parts.mean.tolist() == whole.mean.tolist()
    assert parts.squares.tolist() == whole.squares.tolist()
    assert parts.cast_error_max == whole.cast_error_max


def test_statistics_survive_the_ledger_to_the_bit(kit):
    import json

    before = cast_block(kit.values(), "float16", ["s"] * 10, "x")[1]
    after = Statistics.from_record(json.loads(json.dumps(before.to_record())))
    assert after.to_record() == before.to_record()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_values_that_are_not_finite_name_the_sample(kit, bad, dtype):
    block = kit.values(4)
    block[2, 0, 1, 1] = bad
    with pytest.raises(NumericsError, match=r"level4/e: sample 'c' has values that are not finite"):
        cast_block(block, dtype, list("abcd"), "level4/e")


@pytest.mark.parametrize("large", [70000.0, -70000.0, 65505.0])
def test_values_beyond_float16_name_the_sample_and_the_option(kit, large):
    block = kit.values(4)
    block[1, 2, 0, 0] = large
    with pytest.raises(NumericsError, match=r"sample 'b' reaches .* --dtype float32"):
        cast_block(block, "float16", list("abcd"), "x")
    stored, statistics = cast_block(block, "float32", list("abcd"), "x")
    assert stored[1, 2, 0, 0] == large
    assert statistics.cast_error_max == 0


def test_the_largest_float16_is_within_range():
    block = np.full((1, 1, 1, 1), 65504, np.float32)
    assert cast_block(block, "float16", ["a"], "x")[0][0, 0, 0, 0] == 65504


def test_integers_pass_and_other_dtypes_are_refused():
    ids = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    stored, statistics = cast_block(ids, "uint8", ["a"], "x")
    assert statistics is None
    np.testing.assert_array_equal(stored, ids)
    for given_, dtype in [(ids.astype(np.int64), "uint8"), (ids.astype(np.float64), "float16")]:
        with pytest.raises(TypeError, match="was given"):
            cast_block(given_, dtype, ["a"], "x")


def test_features_given_in_float16_are_kept_as_they_are(kit):
    block = kit.values(2).astype(np.float16)
    stored, statistics = cast_block(block, "float16", ["a", "b"], "x")
    np.testing.assert_array_equal(stored, block)
    assert statistics.cast_error_max == 0


@pytest.mark.parametrize("dtype, bits", [("float16", 5), ("float32", 7)])
def test_mantissas_are_rounded_to_nearest(kit, dtype, bits):
    block = kit.values(3)
    stored, statistics = cast_block(block, dtype, list("abc"), "x", keep_bits=bits)
    mantissas = np.frexp(stored)[0] * 2.0 ** (bits + 1)
    np.testing.assert_array_equal(mantissas, np.round(mantissas))
    np.testing.assert_allclose(stored, block, rtol=2.0 ** -(bits + 1) * 1.01, atol=1e-4)
    error = np.abs(stored.astype(np.float64) - block)
    np.testing.assert_allclose(statistics.cast_error_max, error.max(), rtol=1e-5)


def test_what_would_be_rounded_out_of_range_names_the_sample():
    block = np.full((1, 1, 1, 1), 65500, np.float32)
    with pytest.raises(NumericsError, match="sample 'a'"):
        cast_block(block, "float16", ["a"], "x", keep_bits=3)


def test_tensors_in_any_order_of_values_are_cast_alike(kit):
    import torch

    block = kit.values(3)
    tensor = torch.from_numpy(block).contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(
        cast_block(tensor, "float16", list("abc"), "x")[0], block.astype(np.float16)
    )
