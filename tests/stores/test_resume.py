"""What is stopped or damaged, and brought to the bytes of what never was."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from atdt.errors import MismatchError, StoreError
from atdt.stores import open_store
from atdt.stores.blocks import Blocks


@pytest.mark.parametrize(
    "changes", [{"device": "cuda"}, {"threads": 2}, {"precision": "bfloat16"}, {"batch": 8}]
)
def test_resume_refuses_other_last_bits(kit, changes, monkeypatch):
    store = kit.store()
    with kit.writer(store) as writing:
        kit.fill(writing, store, kit.values(), [0])
    with monkeypatch.context() as patch:
        patch.setattr(Blocks, "check", None)  # it is refused before anything is read
        message = f"{next(iter(changes))}: store has .*--overwrite depth"
        with pytest.raises(MismatchError, match=message):
            kit.writer(store, resume=True, changes=changes)
    with pytest.raises(
        MismatchError, match=f"{next(iter(changes))}: store has .*--overwrite depth"
    ):
        kit.writer(store, resume=True, changes=changes)
    later = {"created": "2027-01-01", "command": "atdt extract again"}
    with kit.writer(store, resume=True, changes=later) as writing:
        kit.fill(writing, store, kit.values())
        writing.finish()
    assert store.features("level4", "depth").attrs["created"] == kit.provenance["created"]


@pytest.mark.parametrize("done", [[], [0], [2], [1, 0], [0, 1, 2]])
def test_a_dropped_writer_is_resumed_to_the_same_bytes(kit, done):
    store, values = kit.store(), kit.values()
    kit.write(whole := kit.store(), values)
    writing = kit.writer(store)
    kit.fill(writing, store, values, done)
    del writing
    (store.path / "level4/depth/.ledger.jsonl.x.partial").write_text("{")
    (store.path / "level4/depth/c/7/0/0").mkdir(parents=True)
    (store.path / "level4/depth/c/7/0/0/0.ab.partial").write_text("x")
    with kit.writer(store, resume=True) as writing:
        assert writing.missing_blocks() == [b for b in range(3) if b not in done]
        kit.fill(writing, store, values)
        writing.finish()
    assert kit.files(store.path) == kit.files(whole.path)


KILLED = """
import sys, time
import numpy as np
from atdt.stores import open_store
store = open_store(sys.argv[1])
values = np.load(sys.argv[2])
writer = store.feature_writer("level4", "depth", values.shape[1:], "float16", eval(sys.argv[3]))
for block in writer.missing_blocks():
    start, stop = store.block_range(block)
    print(block, flush=True)
    writer.write_block(block, values[start:stop])
time.sleep(60)
"""


@pytest.mark.parametrize("after", ["1", "5"])
def test_a_killed_process_is_resumed_to_the_same_bytes(kit, after):
    store, values = kit.store(30, 3), kit.values(30)
    kit.write(whole := kit.store(30, 3), values)
    np.save(array := store.path.parent / "values.npy", values)
    program = [sys.executable, "-c", KILLED, str(store.path), str(array), repr(kit.provenance)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        while child.stdout.readline().strip() != after:
            pass
        with pytest.raises(StoreError, match=f"process {child.pid} is writing it"):
            kit.writer(store, resume=True)
        child.send_signal(signal.SIGKILL)
    assert store.status("level4", "depth") == "incomplete"
    with pytest.raises(StoreError, match=r"incomplete, .* of 10 blocks are committed; .*--resume"):
        store.features("level4", "depth")
    with kit.writer(store, resume=True) as writing:
        assert set(writing.missing_blocks()) <= set(range(int(after), 10))
        kit.fill(writing, store, values)
        writing.finish()
    assert kit.files(store.path) == kit.files(whole.path)


def damage_by(kind, path, kit):
    if kind == "flip":
        kit.flip(path, 11)
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-7])
    else:
        path.unlink()


@pytest.mark.parametrize("kind", ["flip", "cut", "delete"])
@pytest.mark.parametrize("compressor", ["none", "lz4"])
@pytest.mark.parametrize("block", [0, 2])
@pytest.mark.parametrize("finish", [True, False])
def test_damaged_shards_are_written_again_by_resume(kit, kind, compressor, block, finish):
    store, values = kit.store(), kit.values()
    kit.write(whole := kit.store(), values, compressor=compressor)
    with kit.writer(store, compressor=compressor) as writing:
        kit.fill(writing, store, values)
        if finish:
            writing.finish()
    damage_by(kind, store.path / f"level4/depth/c/{block}/0/0/0", kit)
    with kit.writer(store, compressor=compressor, resume=True) as writing:
        assert writing.missing_blocks() == [block]
        assert store.status("level4", "depth") == "incomplete"
        kit.fill(writing, store, values)
        writing.finish()
    assert kit.files(store.path) == kit.files(whole.path)


def test_a_torn_shard_that_no_ledger_names_does_not_stop_a_writer(kit):
    store, values = kit.store(), kit.values()
    kit.write(whole := kit.store(), values)
    with kit.writer(store) as writing:
        torn = store.path / "level4/depth/c/2/0/0/0"  # the short last one, which zarr reads first
        torn.parent.mkdir(parents=True)
        torn.write_bytes(b"torn")
        kit.fill(writing, store, values)
        writing.finish()
    assert kit.files(store.path) == kit.files(whole.path)


@pytest.mark.parametrize("name", ["level4/zarr.json", "level4/depth/zarr.json"])
@pytest.mark.parametrize("kind", ["flip", "cut", "delete"])
def test_damaged_metadata_is_mended_by_resume(kit, finished, name, kind):
    store = open_store(kit.copy(finished))
    damage_by(kind, store.path / name, kit)
    with pytest.raises(StoreError, match=f"{name} is (damaged|missing).*--resume"):
        store.features("level4", "depth")
    with pytest.raises(StoreError, match=f"{name} is (damaged|missing).*--resume"):
        kit.writer(store)
    with kit.writer(store, resume=True) as writing:
        assert writing.missing_blocks() == []
    assert kit.files(store.path) == kit.files(finished)


def test_metadata_that_comes_out_otherwise_is_refused(kit, finished, monkeypatch):
    store = open_store(kit.copy(finished))
    kit.flip(store.path / "level4/zarr.json")
    monkeypatch.setattr("atdt.stores.begin.group_file", lambda group: b"{}")  # another zarr
    with pytest.raises(StoreError, match=r"level4/zarr\.json is damaged"):
        kit.writer(store, resume=True)


@pytest.mark.parametrize("line", [0, 1, 3, 4])
@pytest.mark.parametrize("kind", ["flip", "cut"])
def test_a_damaged_ledger_is_resumed_from_its_last_sound_line(kit, finished, line, kind):
    store = open_store(kit.copy(finished))
    path = store.path / "level4/depth/ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    start = sum(map(len, lines[:line]))
    if kind == "flip":
        kit.flip(path, start + 20)
    else:
        path.write_bytes(path.read_bytes()[: start + 20])
    with pytest.raises(StoreError, match=rf"line {line + 1} of its ledger .*--resume"):
        store.features("level4", "depth")
    with kit.writer(store, resume=True) as writing:
        assert writing.missing_blocks() == list(range(max(0, line - 1), 3))
        kit.fill(writing, store, kit.values())
        writing.finish()
    assert kit.files(store.path) == kit.files(finished)


def test_damage_in_a_finished_array_is_not_mended_with_other_last_bits(kit, finished):
    store = open_store(kit.copy(finished))
    kit.flip(store.path / "level4/depth/c/1/0/0/0")
    with pytest.raises(MismatchError, match="device: store has cpu, run has cuda"):
        kit.writer(store, resume=True, changes={"device": "cuda"})
