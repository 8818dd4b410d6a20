import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.errors import StoreError
from atdt.stores import default_samples_per_shard
from atdt.stores.layout import Grid, check_name, feature_dimensions, label_dimensions


@given(samples=st.integers(1, 500), per_shard=st.integers(1, 60))
def test_blocks_cover_every_sample_once_in_order(samples, per_shard):
    grid = Grid(samples, per_shard)
    covered = [i for block in range(grid.blocks) for i in range(*grid.block_range(block))]
    assert covered == list(range(samples))
    for block in (-1, grid.blocks):
        with pytest.raises(IndexError):
            grid.block_range(block)


@given(item=st.integers(1, 2**33), samples=st.integers(1, 10**6))
def test_default_shards_are_neither_too_large_nor_too_few(item, samples):
    per_shard = default_samples_per_shard(item, samples)
    assert 1 <= per_shard <= samples
    assert per_shard == 1 or per_shard * item <= 2**30
    if samples >= 64:
        assert -(-samples // per_shard) >= 8


def test_default_shards_of_the_papers_features():
    four_mebibytes = 2048 * 32 * 32 * 2
    assert default_samples_per_shard(four_mebibytes, 20_000) * four_mebibytes == 2**28


@pytest.mark.parametrize("name", ["depth", "a", "e1_b2", "level4"])
def test_good_names(name):
    assert check_name("array", name) == name


MALFORMED = ["", "Depth", "1a", "_a", "a-b", "a/b", "../a", "a.b", "é", "a\n"]
TAKEN = ["view", "labels", "sample", "depth_y", "depth_channel", "box_edge"]


@pytest.mark.parametrize("name", [*MALFORMED, *TAKEN])
def test_bad_names(name):
    with pytest.raises(StoreError, match="array name"):
        check_name("array", name)


def test_dimensions_name_the_array():
    assert feature_dimensions("e1") == ("sample", "e1_channel", "e1_y", "e1_x")
    assert label_dimensions("semantic", (4, 6)) == ("sample", "label_y", "label_x")
    assert label_dimensions("normals", (3, 4, 6))[1] == "normals_channel"
