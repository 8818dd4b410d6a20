"""What nothing refers to is found and deleted, and a kill in the midst leaves nothing trusted."""

import json
import os
import shutil

import pytest

from atdt.errors import StoreError
from atdt.stores import (
    delete_array,
    delete_store,
    find_stores,
    free_orphans,
    open_store,
    runs_trained,
    store_usage,
    verify_store,
)
from atdt.stores.ledger import read_ledger
from atdt.stores.lock import LOCK, WriterLock
from atdt.stores.orphans import CUT_WRITE, LEFTOVER, NO_LEDGER_NAMES, STALE_LOCK

DEPTH, SEMANTIC = "level4/depth", "level4/semantic"
KILLED = 9


@pytest.fixture
def path(finished, kit):
    return kit.copy(finished)


def reasons(path):
    return {str(o.path.relative_to(path)): o.why for o in store_usage(path).all_orphans}


def states(path):
    return {array.name: array.state for array in store_usage(path).arrays}


def killed_after(unlinks, verb, *arguments):
    """Run a verb in a child that dies at one of its deletions; whether it did die."""
    child = os.fork()
    if child == 0:
        real, count = {name: getattr(os, name) for name in ("unlink", "rmdir")}, 0

        def dying(name):
            def remove(*args, **keywords):
                nonlocal count
                if count == unlinks:
                    os._exit(KILLED)
                count += 1
                real[name](*args, **keywords)

            return remove

        code = 1
        try:
            os.unlink, os.rmdir = dying("unlink"), dying("rmdir")
            verb(*arguments)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, KILLED)
    return code == KILLED


def test_usage_says_what_is_there(path, kit):
    found = store_usage(path)
    assert found.problem is None
    assert found.bytes == sum(len(data) for data in kit.files(path).values())
    arrays = {array.name: array for array in found.arrays}
    assert list(arrays) == ["labels/semantic", "level2/depth", DEPTH, SEMANTIC]
    depth, semantic = arrays[DEPTH], arrays[SEMANTIC]
    assert (depth.state, depth.samples, depth.of, depth.dtype) == ("complete", 10, 10, "float16")
    assert (semantic.compressor, arrays["labels/semantic"].dtype) == ("zstd", "uint8")
    assert depth.bytes == sum(len(data) for data in kit.files(path / DEPTH).values())
    assert depth.written is not None
    assert found.all_orphans == ()


def test_states(path, kit):
    store = open_store(path)
    with kit.writer(store, name="third") as writer:
        kit.fill(writer, store, kit.values(), [2])
        assert states(path)["level4/third"] == "being written"
    kit.flip(path / DEPTH / "ledger.jsonl", 40)
    (path / "labels/semantic/c/0/0/0").unlink()
    found = {array.name: array for array in store_usage(path).arrays}
    assert found["level4/third"].state == "incomplete"
    assert (found["level4/third"].samples, found["level4/third"].of) == (2, 10)
    assert found[DEPTH].state == found["labels/semantic"].state == "damaged"
    assert found[SEMANTIC].state == "complete"


def test_orphans_of_every_kind_go_and_nothing_else(path, kit):
    store = open_store(path)
    with kit.writer(store, name="third") as writer:
        kit.fill(writer, store, kit.values(), [0])
    whole = kit.files(path)
    (path / "level4/third/c/1/0/0").mkdir(parents=True)
    left = {
        "level4/third/c/1/0/0/0": NO_LEDGER_NAMES,
        "level4/depth/c/2/0/0/0.partial": CUT_WRITE,
        "level4/depth/.ledger.jsonl.ab12.partial": CUT_WRITE,
        "level4/semantic/writer.lock": STALE_LOCK,
        "level2/.zarr.json.x.partial": CUT_WRITE,
        ".zarr.json.x.partial": CUT_WRITE,
        "sample_id/writer.lock": STALE_LOCK,
        "view/c/.0.x.partial": CUT_WRITE,
    }
    for name in left:
        (path / name).write_bytes(b"12345")
    (path / "labels/edges/c/0/0").mkdir(parents=True)
    (path / "labels/edges/c/0/0/0").write_bytes(b"12345")
    assert reasons(path) == left | {"labels/edges": LEFTOVER}
    freed = free_orphans(path)
    assert freed.left == []
    assert freed.bytes == 5 * 9
    assert kit.files(path) == whole
    assert not (path / "labels/edges").exists()
    assert not (path / "level4/third/c/1").exists()
    assert free_orphans(path).bytes == 0


def test_what_is_being_written_is_left_alone(path, kit):
    (path / DEPTH / "c/0/0/0/0.partial").touch()
    (path / "level4/.zarr.json.x.partial").touch()
    (path / "level2/depth/x.partial").touch()
    before = kit.files(path)
    lock = WriterLock(path / DEPTH)
    try:
        assert list(reasons(path)) == ["level2/depth/x.partial"]
        (line,) = free_orphans(path).left
        assert f"{path / DEPTH}: process {os.getpid()} is writing it" in line
        for verb, arguments in ((delete_array, (path, DEPTH)), (delete_store, (path,))):
            with pytest.raises(StoreError, match="is writing it"):
                verb(*arguments)
    finally:
        lock.release()
    del before["level2/depth/x.partial"]
    assert kit.files(path) == before


def test_a_ledger_that_is_damaged_makes_no_orphans(path, kit):
    ledger = path / DEPTH / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    kit.flip(ledger, len(lines[0]) + 5)
    assert reasons(path) == {}
    ledger.write_bytes(b"".join(lines[:2]) + lines[2][:30])  # an append that a kill cut short
    assert set(reasons(path).values()) == {NO_LEDGER_NAMES}
    kit.flip(ledger, 5)  # no header, but it may be had from a backup
    assert reasons(path) == {}


def test_somebody_elses_array_in_a_store_is_no_leftover(path, kit):
    shutil.copytree(path / DEPTH, path / "mine/depth")
    (path / "mine/depth/ledger.jsonl").unlink()
    (path / "mine/zarr.json").write_text(json.dumps({"attributes": {}, "node_type": "group"}))
    (path / "level4/notes").mkdir()
    (path / "level4/notes/why.txt").write_text("because")
    (path / "level4/depth/c/why.txt").write_text("because")
    before = kit.files(path)
    assert reasons(path) == {}
    free_orphans(path)
    assert kit.files(path) == before
    with pytest.raises(StoreError, match="has no array 'mine/depth'"):
        delete_array(path, "mine/depth")


def test_a_deleted_array_is_absent_and_the_others_are_sound(path, kit):
    size = sum(len(data) for data in kit.files(path / DEPTH).values())
    assert delete_array(path, DEPTH).bytes == size
    assert open_store(path).status("level4", "depth") == "absent"
    assert verify_store(path).problems == ()
    kit.write(open_store(path), kit.values())  # there is room for it again
    assert verify_store(path).problems == ()


@pytest.mark.parametrize("name", ["level4", "level4/third", "../level4/depth", "view/c", "x/y/z"])
def test_an_array_that_is_not_there(path, kit, name):
    before = kit.files(path)
    with pytest.raises(StoreError, match="has no array"):
        delete_array(path, name)
    assert kit.files(path) == before


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("verb", [delete_array, free_orphans])
def test_an_array_whose_deletion_is_killed_reads_as_absent_and_is_finished(finished, kit, verb):
    """Killed before its deletions in turn, until one run is done before."""
    for unlinks in (*range(4), *range(4, 100, 5)):
        path = kit.copy(finished)
        if verb is free_orphans:
            (path / DEPTH / "ledger.jsonl").unlink()
        arguments = (path, DEPTH) if verb is delete_array else (path,)
        died = killed_after(unlinks, verb, *arguments)
        store = open_store(path)
        if unlinks or verb is free_orphans:
            assert store.status("level4", "depth") != "complete"
            with pytest.raises(StoreError, match=r"--resume|has no array"):
                store.features("level4", "depth")
        else:
            assert store.status("level4", "depth") == "complete"
            delete_array(path, DEPTH)
        free_orphans(path)
        assert not (path / DEPTH).exists()
        assert verify_store(path).problems == ()
        if not died:
            break
    assert 5 < unlinks < 97


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_store_whose_deletion_is_killed_is_refused_and_is_finished(finished, kit):
    most = sum(1 for _ in finished.rglob("*"))  # locks and their like come on top
    for unlinks in (*range(6), *range(6, most - 10, 11), *range(most - 10, most + 20)):
        path = kit.copy(finished)
        died = killed_after(unlinks, delete_store, path)
        ledgers = list(path.glob("*/*/ledger.jsonl"))
        if unlinks == 0:
            assert len(ledgers) == 4
        if unlinks >= 4:
            assert not any(read_ledger(ledger).complete for ledger in ledgers)
        if died and any(path.iterdir()):
            assert find_stores(path) == [path]
            delete_store(path)
        if not died:
            break
        if path.exists():  # killed between the last file and the folder
            path.rmdir()
    assert not path.exists()
    assert 20 < unlinks < most + 19


def test_links_are_unlinked_and_never_followed(path, kit, tmp_path):
    outside = tmp_path / "outside"
    shutil.copytree(path / DEPTH, outside)
    (outside / "x.partial").touch()
    precious = outside / "precious"
    precious.write_text("kept")
    before = kit.files(outside)
    (path / "level4/away").symlink_to(outside)
    (path / "level9").symlink_to(tmp_path)
    (path / DEPTH / "c/away").symlink_to(outside)
    (path / DEPTH / "y.partial").symlink_to(precious)
    (path / SEMANTIC / LOCK).symlink_to(precious)
    assert reasons(path) == {f"{DEPTH}/y.partial": CUT_WRITE, f"{SEMANTIC}/{LOCK}": STALE_LOCK}
    free_orphans(path)
    assert not (path / SEMANTIC / LOCK).is_symlink()
    delete_array(path, "level4/away")
    assert not (path / "level4/away").is_symlink()
    with pytest.raises(StoreError, match="has no array"):
        delete_array(path, "level9/outside")
    delete_array(path, DEPTH)
    (path / "level2/depth/c/away").symlink_to(outside)
    link = tmp_path / "link.zarr"
    link.symlink_to(path)
    with pytest.raises(StoreError, match=r"a link to .*name that folder"):
        delete_store(link)
    delete_store(path)
    assert not path.exists()
    assert kit.files(outside) == before


def test_a_lock_is_never_taken_through_a_link(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / LOCK).symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"):
        WriterLock(tmp_path)
    assert precious.read_text() == "kept"


def test_a_damaged_root_can_still_be_looked_at_and_deleted(path, kit):
    kit.flip(path / "zarr.json", 3)
    found = store_usage(path)
    assert "zarr.json is damaged" in found.problem
    assert {array.state for array in found.arrays} == {"damaged"}
    delete_store(path)
    assert not path.exists()


def test_what_is_no_store_is_refused(tmp_path):
    (tmp_path / "zarr.json").write_text('{"attributes": {}}')
    for verb in (store_usage, free_orphans, delete_store):
        with pytest.raises(StoreError, match="not a feature store"):
            verb(tmp_path)
    assert find_stores(tmp_path) == []
    with pytest.raises(StoreError, match="no such folder"):
        find_stores(tmp_path / "none")


def test_stores_are_found_in_folders(finished, tmp_path):
    (tmp_path / "deep/er").mkdir(parents=True)
    shutil.copytree(finished, tmp_path / "deep/er/b.zarr")
    (tmp_path / "a.zarr").symlink_to(finished)
    (tmp_path / "round").symlink_to(tmp_path)
    assert find_stores(tmp_path) == [tmp_path / "a.zarr", tmp_path / "deep/er/b.zarr"]


def test_runs_that_learnt_from_a_store(path, tmp_path):
    side = {"level": "level4", "array": "depth"}
    info = {"store": {"path": str(path.resolve())}, "source": side, "target": side}
    for name, content in (("g", info), ("other", {**info, "store": {"path": "/x"}}), ("n1", {})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps(content))
    assert runs_trained(path, tmp_path) == {DEPTH: ["g"]}
