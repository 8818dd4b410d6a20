"""Feeds: the right rows, the same batches resident or streaming, and no block read in vain."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.errors import StoreError
from atdt.transfer.feed import ResidentFeed, StreamingFeed
from atdt.transfer.order import Geometry, epoch_order
from tests.made_ranks import together

CPU = torch.device("cpu")
NONE = np.empty(0, np.int64)


def numbered(array_reader, samples: int, per_block: int) -> dict:
    """Two arrays whose values say which sample they are."""
    numbers = np.arange(samples, dtype=np.float16)
    source = np.broadcast_to(numbers[:, None, None, None], (samples, 2, 1, 3)).copy()
    label = np.arange(samples, dtype=np.uint8).reshape(samples, 1, 1)
    return {
        "source": array_reader(source, per_block),
        "label": array_reader(label, per_block),
    }


def check(batch, samples) -> None:
    assert batch["source"].dtype == torch.float16
    assert batch["label"].dtype == torch.uint8
    assert batch["source"].shape[1:] == (2, 1, 3)
    assert batch["source"][:, 1, 0, 2].tolist() == list(samples)
    assert batch["label"].flatten().tolist() == list(samples)


@settings(max_examples=60, deadline=None)
@given(
    geometry=st.builds(
        Geometry,
        samples=st.integers(1, 50),
        samples_per_shard=st.integers(1, 12),
        blocks_per_window=st.integers(1, 5),
        batch=st.integers(1, 20),
    ),
    seed=st.integers(0, 9),
    data=st.data(),
)
def test_both_feeds_yield_the_batches_of_the_order(array_reader, geometry, seed, data):
    flags = st.lists(st.booleans(), min_size=geometry.samples, max_size=geometry.samples)
    kept = np.array(data.draw(flags), dtype=bool)
    held = np.flatnonzero(~kept)
    arrays = numbered(array_reader, geometry.samples, geometry.samples_per_shard)
    with (
        ResidentFeed(arrays, CPU, CPU) as resident,
        StreamingFeed(arrays, CPU, geometry.blocks_per_window, held) as streaming,
    ):
        for epoch in range(2):
            order = epoch_order(seed, epoch, geometry, kept)
            first = data.draw(st.integers(0, order.batches))
            for feed in (resident, streaming):
                batches = list(feed.batches(order, first))
                assert len(batches) == order.batches - first
                for batch, samples in zip(batches, order.indices(first), strict=True):
                    check(batch, samples)
        for feed in (resident, streaming):
            gone = [row for b in feed.held_out(held, 7) for row in b["label"].flatten().tolist()]
            assert gone == list(held)


def test_a_feed_that_is_left_in_mid_epoch_starts_the_next_one_right(array_reader):
    geometry = Geometry(samples=40, samples_per_shard=4, blocks_per_window=2, batch=3)
    arrays = numbered(array_reader, 40, 4)
    with StreamingFeed(arrays, CPU, 2, NONE) as feed:
        for epoch in range(3):
            order = epoch_order(0, epoch, geometry)
            for batch, samples in zip(feed.batches(order), list(order.indices())[:2], strict=False):
                check(batch, samples)
        order = epoch_order(0, 3, geometry)
        for batch, samples in zip(feed.batches(order), order.indices(), strict=True):
            check(batch, samples)


def test_streaming_reads_each_block_once_and_none_before_the_first_batch_asked_for(array_reader):
    geometry = Geometry(samples=40, samples_per_shard=4, blocks_per_window=2, batch=4)
    arrays = numbered(array_reader, 40, 4)
    order = epoch_order(0, 0, geometry)
    with StreamingFeed(arrays, CPU, 2, NONE) as feed:
        list(feed.batches(order))
        assert arrays["source"].reads == list(np.concatenate(order.windows))
        arrays["source"].reads.clear()
        list(feed.batches(order, first=order.batches - 1))
        assert arrays["source"].reads == list(order.windows[-1])
        assert list(feed.batches(order, first=order.batches)) == []


def test_held_out_samples_are_read_block_by_block_and_once(array_reader):
    arrays = numbered(array_reader, 40, 4)
    held = np.array([1, 2, 9, 33, 8])
    with StreamingFeed(arrays, CPU, 2, held) as feed:
        assert arrays["source"].reads == [0, 2, 8]
        batches = list(feed.held_out(held, 2))
        assert [b["label"].flatten().tolist() for b in batches] == [[1, 2], [9, 33], [8]]
        assert arrays["source"].reads == [0, 2, 8]
        with pytest.raises(ValueError, match="other held-out samples"):
            next(feed.held_out(held[:2], 2))


def test_a_damaged_block_stops_the_training_and_its_thread(array_reader):
    class Damaged(array_reader):
        def read_block(self, block, out=None):
            if block == 5:
                raise StoreError("block 5 is damaged")
            return super().read_block(block, out)

    geometry = Geometry(samples=40, samples_per_shard=4, blocks_per_window=2, batch=4)
    arrays = {"source": Damaged(np.zeros((40, 1, 1, 1), np.float16), 4)}
    with (
        pytest.raises(StoreError, match="block 5 is damaged"),
        StreamingFeed(arrays, CPU, 2, NONE) as feed,
    ):
        list(feed.batches(epoch_order(0, 0, geometry)))
    assert not [t for t in threading.enumerate() if t.name.startswith("windows")]


def test_arrays_with_other_blocks_are_refused(array_reader):
    arrays = {
        "source": array_reader(np.zeros((40, 1, 1, 1), np.float16), 4),
        "target": array_reader(np.zeros((40, 1, 1, 1), np.float16), 5),
    }
    with pytest.raises(ValueError, match="other blocks"):
        StreamingFeed(arrays, CPU, 2, NONE)


@settings(max_examples=25, deadline=None)
@given(
    geometry=st.builds(
        Geometry,
        samples=st.integers(1, 40),
        samples_per_shard=st.integers(1, 9),
        blocks_per_window=st.integers(1, 4),
        batch=st.integers(1, 12),
    ),
    seed=st.integers(0, 9),
    size=st.sampled_from([2, 4]),
    data=st.data(),
)
def test_ranks_of_a_machine_have_each_batch_between_them_and_read_each_block_once(
    array_reader, geometry, seed, size, data
):
    """The order of one, 2 and 4; over memory that all share, whoever is faster."""
    flags = st.lists(st.booleans(), min_size=geometry.samples, max_size=geometry.samples)
    kept = np.array(data.draw(flags), dtype=bool)
    held = np.flatnonzero(~kept)
    orders = [epoch_order(seed, epoch, geometry, kept) for epoch in range(2)]
    first = data.draw(st.integers(0, max(0, orders[0].batches - 1)))
    arrays = numbered(array_reader, geometry.samples, geometry.samples_per_shard)

    def walk(feed):
        seen = [batch for order in orders for batch in feed.batches(order, first)]
        return seen, list(feed.held_out(held, 3))

    def resident(ranks):
        with ResidentFeed(arrays, CPU, CPU, ranks) as feed:
            return walk(feed)

    def streaming(ranks):
        with StreamingFeed(arrays, CPU, geometry.blocks_per_window, held, ranks) as feed:
            return walk(feed)

    wanted = [samples for order in orders for samples in order.indices(first)]
    for fed in (resident, streaming):
        arrays["source"].reads.clear()
        found, measured = zip(*together(size, fed), strict=True)
        for parts, samples in zip(zip(*found, strict=True), wanted, strict=True):
            if len(samples) < size:
                for part in parts:
                    check(part, samples)
                continue
            lengths = [len(part["label"]) for part in parts]
            assert max(lengths) - min(lengths) <= 1
            check({name: torch.cat([part[name] for part in parts]) for name in parts[0]}, samples)
        turns = [batch["label"].flatten().tolist() for own in measured for batch in own]
        assert sorted(turns) == [list(held[at : at + 3]) for at in range(0, len(held), 3)]
        if fed is resident:
            assert sorted(arrays["source"].reads) == list(range(geometry.blocks))


@given(
    samples=st.integers(1, 60),
    batch=st.integers(1, 20),
    step=st.integers(0, 50),
)
def test_how_large_the_batch_of_a_step_is(samples, batch, step):
    geometry = Geometry(samples, 5, 2, batch)
    epoch, first = divmod(step, -(-samples // batch))
    found = next(epoch_order(1, epoch, geometry).indices(first))
    assert geometry.batch_at(step, samples) == len(found)
