"""The order of samples: every one once, a pure function, and the same tail after a resume."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.transfer.order import Geometry, epoch_order

geometries = st.builds(
    Geometry,
    samples=st.integers(1, 70),
    samples_per_shard=st.integers(1, 20),
    blocks_per_window=st.integers(1, 6),
    batch=st.integers(1, 17),
)
seeds = st.integers(0, 2**40)
epochs = st.integers(0, 1000)


@settings(deadline=None)
@given(geometries, seeds, epochs)
def test_every_sample_comes_exactly_once(geometry, seed, epoch):
    order = epoch_order(seed, epoch, geometry)
    assert sorted(order.samples) == list(range(geometry.samples))
    batches = list(order.indices())
    assert len(batches) == order.batches
    assert all(len(batch) == geometry.batch for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= geometry.batch


@settings(deadline=None)
@given(geometries, seeds, epochs)
def test_the_samples_of_a_window_are_those_of_its_blocks(geometry, seed, epoch):
    order = epoch_order(seed, epoch, geometry)
    assert sorted(np.concatenate(order.windows)) == list(range(geometry.blocks))
    for index, blocks in enumerate(order.windows):
        samples = order.window_samples(index)
        assert set(samples // geometry.samples_per_shard) == set(blocks)
        assert len(blocks) <= geometry.blocks_per_window


@settings(deadline=None)
@given(geometries, seeds, epochs, st.data())
def test_leaving_samples_out_keeps_the_order_of_the_rest(geometry, seed, epoch, data):
    kept = np.array(
        data.draw(st.lists(st.booleans(), min_size=geometry.samples, max_size=geometry.samples)),
        dtype=bool,
    )
    every = epoch_order(seed, epoch, geometry).samples
    order = epoch_order(seed, epoch, geometry, kept)
    np.testing.assert_array_equal(order.samples, every[kept[every]])
    assert order.ends[-1] == kept.sum()


@settings(deadline=None)
@given(geometries, seeds, epochs, st.data())
def test_going_on_in_mid_epoch_gives_the_same_tail(geometry, seed, epoch, data):
    order = epoch_order(seed, epoch, geometry)
    first = data.draw(st.integers(0, order.batches))
    again = epoch_order(seed, epoch, geometry)
    tail = list(order.indices())[first:]
    resumed = list(again.indices(first))
    assert len(tail) == len(resumed)
    assert all(np.array_equal(a, b) for a, b in zip(tail, resumed, strict=True))
    by_window = [again.window_samples(w, first) for w in range(len(again.windows))]
    np.testing.assert_array_equal(np.concatenate(by_window), order.samples[first * order.batch :])


def test_seed_and_epoch_change_the_order_and_the_windows():
    geometry = Geometry(samples=64, samples_per_shard=4, blocks_per_window=3, batch=8)
    orders = [epoch_order(seed, epoch, geometry).samples for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


def test_the_order_is_this_one_for_ever():
    geometry = Geometry(samples=10, samples_per_shard=3, blocks_per_window=2, batch=4)
    assert epoch_order(7, 3, geometry).samples.tolist() == PINNED


PINNED = [9, 7, 8, 6, 0, 3, 1, 4, 5, 2]


@pytest.mark.parametrize("field", ["samples", "samples_per_shard", "blocks_per_window", "batch"])
def test_nothing_of_a_geometry_can_be_zero(field):
    sizes = {"samples": 5, "samples_per_shard": 2, "blocks_per_window": 1, "batch": 2, field: 0}
    with pytest.raises(ValueError, match=rf"`{field}` \(=0\) must be at least 1"):
        Geometry(**sizes)
