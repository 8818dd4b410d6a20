"""How inputs are cut into batches and read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.decode.sources import StoreSource, plan_batches
from atdt.stores import open_store

SIZES = st.sampled_from([(4, 6), (6, 4), (8, 8)])


@settings(deadline=None)  # other work on the machine is no failure
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), SIZES), max_size=20), st.integers(1, 5))
def test_every_image_is_in_one_batch_of_its_size(
    listed: list[tuple[str, tuple[int, int]]], batch: int
) -> None:
    names, sizes = [name for name, _ in listed], [size for _, size in listed]
    batches = plan_batches(names, sizes, batch)
    images = [image for planned in batches for image in planned.images]
    assert sorted(images) == sorted(set(names))
    for planned in batches:
        assert 1 <= len(planned.images) <= batch
        assert [names[index] for index in planned.indices] == list(planned.images)
        assert {sizes[index] for index in planned.indices} == {planned.size}
        assert all(names.index(names[index]) == index for index in planned.indices)


def test_no_more_batches_than_sizes_ask_for() -> None:
    small, large = (4, 6), (6, 4)
    batches = plan_batches(list("abcde"), [small, large, small, large, small], 2)
    assert [planned.images for planned in batches] == [("a", "c"), ("e",), ("b", "d")]


def test_a_store_gives_its_plain_views_and_reads_each_block_once(
    road, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(road.store)
    reader = store.features(store.levels()[0], "depth")
    everything = reader.read_all(progress=False)
    read: list[int] = []
    real = type(reader).read_block

    def counted(self, block, out=None):
        read.append(block)
        return real(self, block, out)

    monkeypatch.setattr(type(reader), "read_block", counted)
    source = StoreSource(store, reader, batch=2)
    images = {}
    for batch in source.batches:
        images |= dict(zip(batch.images, source.read(batch), strict=True))
    plain = store.samples.view == 0
    assert list(images) == list(store.samples.image[plain])
    assert np.array_equal(np.stack(list(images.values())), everything[plain])
    assert read == [0, 1]  # of four: the other two hold drawn views only
