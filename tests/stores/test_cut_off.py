"""Where a kill in the midst of a write may leave an unfinished file."""

import os

import numpy as np


def test_nothing_unfinished_ever_lies_in_a_group_where_xarray_would_warn_of_it(kit, monkeypatch):
    store = kit.store()
    folders = []

    def look(_handle):
        partial = store.path.rglob("*.partial")
        folders.extend(str(p.parent.relative_to(store.path)) for p in partial)

    monkeypatch.setattr(os, "fsync", look)  # called when an unfinished file is whole
    with kit.writer(store) as writing:
        kit.fill(writing, store, kit.values())
        writing.finish()
    with store.label_writer("semantic", (4, 6), "uint8", {"task": "semantic"}) as writing:
        kit.fill(writing, store, np.zeros((10, 4, 6), np.uint8))
        writing.finish()
    assert {"level4/depth", "labels/semantic"} <= set(folders)
    assert not {".", "level4", "labels"} & set(folders)
