"""A store in an object store: the same bytes, the same promises, whatever the network does."""

import json

import numpy as np
import pytest
import xarray

from atdt import objects
from atdt.errors import StoreError
from atdt.places import place
from atdt.stores import (
    delete_array,
    delete_store,
    find_stores,
    free_orphans,
    open_dataset,
    open_store,
    store_usage,
    verify_store,
)
from benchmarks.s3 import Fault
from tests.made_objects import download, upload


@pytest.fixture
def away(finished, bucket):
    """The finished store, sent to a bucket."""
    return upload(finished, f"{bucket}/a.zarr")


def test_a_store_that_was_copied_to_a_bucket_reads_as_on_the_disk(away, finished):
    there, here = open_store(away), open_store(finished)
    assert there.levels() == here.levels() == ["level2", "level4"]
    for level, name in (("level2", "depth"), ("level4", "depth"), ("level4", "semantic")):
        np.testing.assert_array_equal(
            there.features(level, name).read_all(progress=False),
            here.features(level, name).read_all(progress=False),
        )
    assert verify_store(away).problems == ()
    assert verify_store(away).bytes_read == verify_store(finished).bytes_read


def test_blocks_take_one_request_each_and_opening_a_bounded_number(away, s3):
    s3.forget()
    reader = open_store(away).features("level4", "depth")
    assert len(s3.requests) < 40
    s3.forget()
    reader.read_block(0)
    assert s3.counts() == {"GET": 1}
    compressed = open_store(away).features("level4", "semantic")
    s3.forget()
    compressed.read_block(0)
    assert s3.counts() == {"GET": 1}


def test_large_shards_are_read_by_ranges(away, finished, monkeypatch, s3):
    from atdt.stores import ranges

    reader = open_store(away).features("level4", "depth")
    monkeypatch.setattr(ranges, "REQUEST", 100)
    s3.forget()
    found = reader.read_block(0)
    size = reader._blocks.records[0]["bytes"]
    assert 1 < len(s3.requests) <= 2 + -(-size // 100)
    np.testing.assert_array_equal(
        found, open_store(finished).features("level4", "depth").read_block(0)
    )


def test_xarray_opens_it_by_our_way_and_by_its_own(away, finished, s3):
    ours = open_dataset(away, "level4")
    assert ours.equals(open_dataset(finished, "level4"))
    theirs = xarray.open_zarr(
        away,
        group="level4",
        consolidated=False,
        storage_options={"endpoint_url": s3.url, "key": "nobody", "secret": "nothing"},
    )
    np.testing.assert_array_equal(theirs.depth, ours.depth)


@pytest.mark.parametrize("compressor", ["none", "zstd"])
def test_what_is_written_has_the_bytes_of_a_store_on_the_disk(kit, bucket, tmp_path, compressor):
    values = kit.values()
    written = {}
    for where in (f"{bucket}/w.zarr", tmp_path / "w.zarr"):
        store = kit.store(path=place(where))
        kit.write(store, values, compressor=compressor)
        written[where] = store
    found = kit.files(download(f"{bucket}/w.zarr", tmp_path / "down"))
    assert found == kit.files(tmp_path / "w.zarr")


def test_a_shard_and_its_commit_are_one_request_each(kit, bucket, s3):
    store = kit.store(path=place(f"{bucket}/w.zarr"))
    with kit.writer(store) as writer:
        s3.forget()
        kit.fill(writer, store, kit.values(), blocks=[0])
        assert s3.counts() == {"PUT": 2}


def test_what_was_cut_off_is_gone_on_with_to_the_same_bytes(kit, bucket, tmp_path):
    values, where = kit.values(), place(f"{bucket}/w.zarr")
    with kit.writer(kit.store(path=where)) as writer:
        kit.fill(writer, open_store(where), values, blocks=[2, 0])
    objects.put(where / "level4/depth/c/1/0/0/0", b"of a request that nobody committed")
    store = open_store(where)
    assert store.status("level4", "depth") == "incomplete"
    with pytest.raises(StoreError, match="2 of 3 blocks are committed"):
        store.features("level4", "depth")
    with kit.writer(store, resume=True) as writer:
        assert writer.missing_blocks() == [1]
        kit.fill(writer, store, values)
        writer.finish()
    here = kit.store(path=tmp_path / "w.zarr")
    kit.write(here, values)
    assert kit.files(download(str(where), tmp_path / "down")) == kit.files(here.path)


def test_a_damaged_shard_is_found_and_written_again(kit, bucket):
    values, where = kit.values(), place(f"{bucket}/w.zarr")
    store = kit.store(path=where)
    kit.write(store, values)
    shard = where / "level4/depth/c/1/0/0/0"
    data = bytearray(objects.get(shard))
    data[3] ^= 1
    objects.put(shard, bytes(data))
    (problem,) = verify_store(where).problems
    assert "c/1/0/0/0" in problem and "s3://" in problem
    with kit.writer(store, resume=True) as writer:
        assert writer.missing_blocks() == [1]
        kit.fill(writer, store, values)
        writer.finish()
    assert verify_store(where).problems == ()
    objects.remove([shard])
    with pytest.raises(StoreError, match="missing"):
        open_store(where).features("level4", "depth")


FAULTED = {
    "PUT": (r"/c/1/0", r"/commits/1", r"ledger\.jsonl", r"depth/writer\.lock", r"sample_id/c/0"),
    "GET": (r"level4/depth/zarr\.json", r"a/zarr\.json"),
    "DELETE": (r"/commits/1",),
}


@pytest.mark.parametrize("what", ["busy", "dropped", "lost", "failed"])
def test_whatever_goes_wrong_once_ends_in_the_same_store(kit, bucket, s3, tmp_path, what):
    values, where = kit.values(), place(f"{bucket}/a")
    s3.faults += [Fault(what, method, key) for method, keys in FAULTED.items() for key in keys]
    store = kit.store(path=where)
    kit.write(store, values)
    assert [fault.happened for fault in s3.faults] == [1] * 8
    here = kit.store(path=tmp_path / "w.zarr")
    kit.write(here, values)
    assert kit.files(download(str(where), tmp_path / "down")) == kit.files(here.path)


def test_a_server_that_stays_busy_is_told_of_and_gone_on_with(kit, bucket, s3, impatient):
    values, where = kit.values(), place(f"{bucket}/w.zarr")
    store = kit.store(path=where)
    s3.faults.append(Fault("busy", "PUT", r"/c/1/0", times=1000))
    with (
        pytest.raises(StoreError, match=r"c/1/0/0/0: .*try again.*--resume"),
        kit.writer(store) as writer,
    ):
        kit.fill(writer, store, values)
    s3.forget()
    with kit.writer(store, resume=True) as writer:
        assert writer.missing_blocks() == [1, 2]
        kit.fill(writer, store, values)
        writer.finish()
    assert verify_store(where).problems == ()


def test_a_second_writer_is_refused(kit, bucket):
    store = kit.store(path=place(f"{bucket}/w.zarr"))
    with kit.writer(store), pytest.raises(StoreError, match=r"process \d+ on .* is writing it"):
        kit.writer(store, resume=True)
    kit.write(store, kit.values(), resume=True)


def asleep(monkeypatch):
    """Leases are not renewed and expire at once."""
    from atdt import lease

    monkeypatch.setattr(lease, "EXPIRES", -1.0)
    monkeypatch.setattr(lease, "RENEW", 1000.0)
    return lease


def test_a_writer_that_was_asleep_while_another_took_over_stops(kit, bucket, monkeypatch):
    lease = asleep(monkeypatch)
    values, where = kit.values(), place(f"{bucket}/w.zarr")
    store = kit.store(path=where)
    first = kit.writer(store)
    kit.fill(first, store, values, blocks=[0])
    second = kit.writer(store, resume=True)
    kit.fill(second, store, values, blocks=[1])
    monkeypatch.setattr(lease, "RENEW", -1.0)  # its next look at the clock
    with pytest.raises(StoreError, match="another writer has taken it over"):
        kit.fill(first, store, values, blocks=[2])
    first.close()
    kit.fill(second, store, values)
    second.finish()
    assert verify_store(where).problems == ()


def test_what_a_late_writer_does_in_between_harms_nothing(kit, bucket, monkeypatch):
    asleep(monkeypatch)
    values, where = kit.values(), place(f"{bucket}/w.zarr")
    store = kit.store(path=where)
    first = kit.writer(store)
    second = kit.writer(store, resume=True)
    kit.fill(second, store, values, blocks=[0, 1])
    with pytest.raises(StoreError, match="another writer has just written it otherwise"):
        kit.fill(first, store, values + 1, blocks=[1])
    kit.fill(first, store, values, blocks=[2])  # the same bits, of the block that is left
    kit.fill(second, store, values, blocks=[2])
    second.finish()
    first.close()
    assert verify_store(where).problems == ()
    np.testing.assert_array_equal(
        open_store(where).features("level4", "depth").read_all(progress=False),
        values.astype(np.float16),
    )


def test_the_lock_of_a_process_that_is_gone_hinders_nobody(kit, bucket):
    values, where = kit.values(), place(f"{bucket}/w.zarr")
    store = kit.store(path=where)
    with kit.writer(store) as writer:
        kit.fill(writer, store, values, blocks=[0])
        lock = where / "level4/depth/writer.lock.1"
        said = json.loads(objects.get(lock))
    objects.put(lock, json.dumps(said | {"process": 2**22 + 1}).encode())
    kit.write(store, values, resume=True)
    assert verify_store(where).problems == ()
    assert not [n for n in objects.below(where) if "writer.lock" in n]


def test_prune_shows_what_nothing_refers_to_and_deletes_it(kit, bucket):
    where = place(f"{bucket}/w.zarr")
    store = kit.store(path=where)
    kit.write(store, kit.values())
    folder = where / "level4/depth"
    before = objects.below(where)
    stray = {
        "c/1/.0.1f.partial": b"12345",
        "c/7/0/0/0": b"123",
        "commits/1": b"12",
        "writer.lock.1": json.dumps({"host": "gone", "process": 1}).encode(),
    }
    for name, data in stray.items():
        objects.put(folder / name, data)
    objects.put(where / "level4/half/zarr.json", objects.get(folder / "zarr.json"))
    (array, leftover) = store_usage(where).arrays
    assert (array.name, leftover.name) == ("level4/depth", "level4/half")
    assert (array.state, leftover.state) == ("being written", "leftover")
    freed = free_orphans(where)
    assert len(freed.left) == 1 and "process 1 on gone" in freed.left[0]
    with pytest.MonkeyPatch.context() as patch:
        asleep(patch)
        (array,) = store_usage(where).arrays
        assert array.state == "complete"
        assert {orphan.path.relative_to(folder).as_posix() for orphan in array.orphans} == set(
            stray
        )
        objects.put(where / "level4/.zarr.json.1f.partial", b"")
        freed = free_orphans(where)
    assert freed.left == []
    assert freed.bytes == sum(map(len, stray.values()))
    assert objects.below(where) == before
    assert find_stores(place(bucket)) == [where]


def test_arrays_and_stores_are_deleted(kit, bucket):
    where = place(f"{bucket}/w.zarr")
    store = kit.store(path=where)
    kit.write(store, kit.values())
    kit.write(store, kit.values(), name="other")
    delete_array(where, "level4/other")
    assert open_store(where).arrays("level4") == ["depth"]
    assert verify_store(where).problems == ()
    delete_store(where)
    assert objects.below(place(bucket)) == {}
