"""`atdt prune`: shows, asks, and deletes only what it was told to."""

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main, prune
from atdt.stores import SampleTable, create_store
from atdt.stores.lock import WriterLock


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = SampleTable(
        ["a", "b"], ["a.png", "b.png"], [0, 0], [False] * 2, [[0] * 4] * 2, [[1, 1]] * 2
    )
    store = create_store("stores/a.zarr", table, {}, {}, 1)
    for name, blocks in (("depth", [0, 1]), ("semantic", [0])):
        with store.feature_writer("level4", name, (2, 2, 3), "float16", {}) as writer:
            for block in blocks:
                writer.write_block(block, np.ones((1, 2, 2, 3), np.float32))
            if not writer.missing_blocks():
                writer.finish()
    return store


@pytest.fixture
def orphan(store):
    path = store.path / "level4/depth/c/7/0/0/0"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(2000))
    return path


def invoke(*arguments, **options):
    done = CliRunner().invoke(main, ["prune", *map(str, arguments)], **options)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_without_an_option_it_only_shows(store, orphan):
    for arguments in ((), ("stores",), (store.path,)):
        done = invoke(*arguments)
        assert done.exit_code == 0
        for part in (
            "level4/depth",
            "complete",
            "incomplete",
            "1 of 2",
            "float16",
            "a shard that no ledger names",
            f"`{' '.join(['atdt prune', *map(str, arguments), '--orphans'])}` frees 2 kB",
        ):
            assert part in done.output, part
    assert orphan.exists()


def test_orphans_go_without_a_question(store, orphan):
    done = invoke("--orphans")
    assert (done.exit_code, done.stdout) == (0, "freed 2 kB\n")
    assert not orphan.exists()
    assert "nothing is orphaned" in invoke().output


def test_what_is_being_written_ends_with_1(store, orphan):
    lock = WriterLock(store.folder("level4", "depth"))
    orphans = invoke("--orphans")
    deletion = invoke(store.path, "--array", "level4/depth", "--yes")
    lock.release()
    assert orphans.exit_code == 1
    assert "left alone: " in orphans.stderr
    assert deletion.exit_code == 2
    assert "is writing it" in deletion.output
    assert orphan.exists()


@pytest.mark.parametrize("option", [("--array", "level4/depth"), ("--store",)])
def test_nobody_to_ask_deletes_nothing(store, option):
    done = invoke(store.path, *option)
    assert done.exit_code == 2
    assert "nothing is deleted: nobody can be asked here; give --yes" in done.output
    assert store.status("level4", "depth") == "complete"


def test_a_no_deletes_nothing_and_a_yes_does(store, monkeypatch):
    monkeypatch.setattr(prune, "_can_ask", lambda: True)
    arguments = (store.path, "--array", "level4/depth", "--array", "level4/semantic")
    done = invoke(*arguments, input="n\n")
    assert done.exit_code == 1
    assert f"delete level4/depth of {store.path}, level4/semantic of {store.path}?" in done.output
    assert store.status("level4", "depth") == "complete"
    assert invoke(*arguments, input="y\n").exit_code == 0
    assert store.arrays("level4") == []


def test_a_store_goes_when_it_is_named(store):
    for wrong in ((), ("stores",)):
        done = invoke(*wrong, "--store", "--yes")
        assert done.exit_code == 2
        assert store.path.exists()
    done = invoke(store.path, "--store", "--yes")
    assert f"deleted the store {store.path}: " in done.stdout
    assert not store.path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "no such folder"),
        (("stores/a.zarr", "--array", "level4/third", "--yes"), "has no array 'level4/third'"),
        (("stores/a.zarr", "--store", "--orphans"), "exclude each other"),
        (("stores/a.zarr/level4",), "no stores below"),
    ],
)
def test_mistakes_are_one_line(store, arguments, message):
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_nothing_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "name a store" in invoke().output
