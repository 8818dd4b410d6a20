"""Starting to write: what is begun, refused, replaced and added."""

import numpy as np
import pytest

from atdt.errors import MismatchError, StoreError, UserError
from atdt.stores import open_store


def test_statuses(kit):
    store, values = kit.store(), kit.values()
    assert store.status("level4", "depth") == "absent"
    with kit.writer(store) as writing:
        assert store.status("level4", "depth") == "incomplete"
        kit.fill(writing, store, values)
        assert store.status("level4", "depth") == "incomplete"
        writing.finish()
    assert store.status("level4", "depth") == "complete"
    assert (store.levels(), store.arrays("level4"), store.labels()) == (["level4"], ["depth"], [])
    assert store.attributes("level4", "depth")["encoder_sha256"] == "ab" * 32
    assert store.attributes("level4", "other") is None


def test_a_finished_array_leaves_nothing_to_do_and_locks_nobody_out(kit, finished):
    store = open_store(kit.copy(finished))
    before = kit.files(store.path)
    first, second = kit.writer(store), kit.writer(store, resume=True)
    for writing in (first, second):
        assert writing.missing_blocks() == []
        writing.finish()
    elsewhere = kit.writer(store, resume=True, changes={"device": "cuda", "threads": 9})
    assert elsewhere.missing_blocks() == []
    assert kit.files(store.path) == before


def test_an_incomplete_array_needs_resume_or_overwrite(kit):
    store, values = kit.store(), kit.values()
    with kit.writer(store) as writing:
        kit.fill(writing, store, values, [1])
    with pytest.raises(
        StoreError, match=r"incomplete, 1 of 3 blocks .* --resume.* --overwrite depth"
    ):
        kit.writer(store)
    with pytest.raises(StoreError, match="exclude each other"):
        kit.writer(store, resume=True, overwrite=True)
    with kit.writer(store, resume=True) as writing:
        assert writing.missing_blocks() == [0, 2]


@pytest.mark.parametrize("finish", [True, False])
@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    ("options", "difference"),
    [
        (
            {"changes": {"encoder_sha256": "cd" * 32}},
            "encoder: store has abababababab…, run has cd",
        ),
        ({"changes": {"preprocessing": {"mean": [0, 0, 0]}}}, "preprocessing.mean: store has"),
        ({"item": (4, 2, 5)}, r"shape: store has \[4, 3, 2, 5\], run has \[4, 4, 2, 5\]"),
        ({"dtype": "float32"}, "data_type: store has float16, run has float32"),
        ({"compressor": "zstd"}, "compressor: store has none, run has zstd"),
    ],
)
def test_something_else_under_the_same_name_is_refused(kit, finish, resume, options, difference):
    store, values = kit.store(4), kit.values(4)
    with kit.writer(store) as writing:
        kit.fill(writing, store, values)
        if finish:
            writing.finish()
    before = kit.files(store.path)
    with pytest.raises(MismatchError, match=difference):
        kit.writer(store, resume=resume, **options)
    assert kit.files(store.path) == before


def test_a_lost_ledger_does_not_let_other_weights_in(kit, finished):
    store = open_store(kit.copy(finished))
    (store.path / "level4/depth/ledger.jsonl").unlink()
    with pytest.raises(MismatchError, match="encoder: store has"):
        kit.writer(store, resume=True, changes={"encoder_sha256": "cd" * 32})
    with pytest.raises(StoreError, match="incomplete, 0 of 3"):
        kit.writer(store)
    with kit.writer(store, resume=True) as writing:
        assert writing.missing_blocks() == [0, 1, 2]


def test_overwrite_replaces_that_array_alone(kit, finished):
    store = open_store(kit.copy(finished))
    before = kit.files(store.path)
    values = kit.values(item=(2, 2, 5), seed=9)
    kit.write(store, values, provenance={"encoder_sha256": "cd" * 32}, overwrite=True)
    after = kit.files(store.path)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed
    assert all(name.startswith("level4/depth/") for name in changed)
    np.testing.assert_array_equal(
        store.features("level4", "depth").read_all(), values.astype(np.float16)
    )
    np.testing.assert_array_equal(
        store.features("level4", "semantic").read_all(), kit.values(seed=1).astype(np.float16)
    )


def test_adding_leaves_what_is_there_untouched(kit, finished):
    store = open_store(kit.copy(finished))
    paths = [path for path in store.path.rglob("*") if path.is_file()]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}
    kit.write(store, kit.values(seed=5), name="third")
    kit.write(store, kit.values(seed=5), level="level1")
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}
    assert store.levels() == ["level1", "level2", "level4"]


def test_two_writers_of_one_array_exclude_each_other(kit):
    store = kit.store()
    with kit.writer(store) as first:
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(StoreError, match="is writing it"):
                kit.writer(store, **options)
        with kit.writer(store, name="other") as second:
            kit.fill(second, store, kit.values())
            second.finish()
        kit.fill(first, store, kit.values())
        first.finish()
    assert store.arrays("level4") == ["depth", "other"]


@pytest.mark.parametrize(
    ("level", "name"),
    [("level4", "../x"), ("..", "depth"), ("level4", "view"), ("sample_id", "depth"), ("L4", "e")],
)
def test_names_and_path_tricks_are_refused(kit, level, name):
    store = kit.store(4)
    before = kit.files(store.path.parent)
    with pytest.raises(StoreError, match="name"):
        store.feature_writer(level, name, (1, 2, 2), "float16", {})
    with pytest.raises(StoreError, match="name"):
        store.features(level, name)
    assert kit.files(store.path.parent) == before


@pytest.mark.parametrize(
    "options",
    [{"dtype": "bfloat16"}, {"compressor": "gzip"}, {"item": (3, 5)}, {"item": (0, 1, 1)}],
)
def test_what_cannot_be_stored_is_refused(kit, options):
    with pytest.raises(StoreError, match=r"must be one of|not the shape of a sample"):
        kit.writer(kit.store(4), **options)


def test_attributes_that_are_no_json_leave_nothing_behind(kit):
    store = kit.store(4)
    before = sorted(store.path.rglob("*"))
    with pytest.raises(TypeError, match="not JSON serializable"):
        kit.writer(store, changes={"task": object()})
    assert sorted(store.path.rglob("*")) == before


def test_a_level_that_is_a_link_out_of_the_store_is_refused(kit):
    store, outside = kit.store(4), kit.folder()
    (store.path / "level4").symlink_to(outside)
    with pytest.raises(UserError, match="leads out of"):
        kit.writer(store)
    assert not list(outside.iterdir())
