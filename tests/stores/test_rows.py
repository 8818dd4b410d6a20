"""Samples by their numbers are those of the array, and ascending ones read each block once."""

import numpy as np

from atdt.stores import Rows, SampleTable, create_store


def test_any_samples_are_read_and_ascending_ones_read_each_block_once(tmp_path, monkeypatch):
    count = 11
    names = [f"{k}.png" for k in range(count)]
    table = SampleTable(
        names, names, [0] * count, [False] * count, [[0, 0, 8, 12]] * count, [[8, 12]] * count
    )
    store = create_store(tmp_path / "s.zarr", table, {}, {}, 4)
    features = np.random.default_rng(0).normal(size=(count, 3, 2, 4)).astype(np.float32)
    with store.feature_writer("level4", "depth", (3, 2, 4), "float32", {}) as writer:
        for block in writer.missing_blocks():
            writer.write_block(block, features[slice(*store.block_range(block))])
        writer.finish()
    reader = store.features("level4", "depth")
    wanted = [9, 0, 3, 10, 4]
    assert np.array_equal(Rows(reader).read(wanted), features[wanted])
    read, real = [], type(reader).read_block

    def counted(self, block, out=None):
        read.append(block)
        return real(self, block, out)

    monkeypatch.setattr(type(reader), "read_block", counted)
    rows = Rows(reader)
    made = np.concatenate([rows.read(part) for part in np.array_split(np.arange(count), 4)])
    assert np.array_equal(made, features)
    assert read == [0, 1, 2]
