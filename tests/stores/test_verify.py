import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.errors import StoreError
from atdt.stores import open_store, verify_store


@pytest.fixture(scope="module")
def scratch(kit, finished):
    """One copy for all examples, each of which puts back what it changed."""
    return kit.copy(finished)


def test_a_sound_store(kit, finished):
    report = verify_store(finished)
    store = open_store(finished)
    folders = [
        store.folder(level, n) for level in ("level4", "level2") for n in store.arrays(level)
    ]
    shards = [path for folder in folders for path in folder.glob("c/*/*/*/*")]
    shards += store.folder("labels", "semantic").glob("c/*/*/*")
    assert len(shards) == 12
    assert (report.problems, report.arrays_checked) == ((), 4)
    assert report.bytes_read == sum(path.stat().st_size for path in shards)


def test_a_store_without_arrays_and_no_store(kit, tmp_path):
    assert verify_store(kit.store().path).problems == ()
    with pytest.raises(StoreError, match="not a feature store"):
        verify_store(tmp_path)
    with pytest.raises(StoreError, match="no such store"):
        verify_store(tmp_path / "none")


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_flipped_byte_of_any_file_is_found_and_named(scratch, data):
    path = scratch
    files = sorted(p.relative_to(path) for p in path.rglob("*") if p.is_file())
    name = data.draw(st.sampled_from(files))
    content = (path / name).read_bytes()
    changed = bytearray(content)
    position = data.draw(st.integers(0, len(content) - 1))
    changed[position] ^= data.draw(st.integers(1, 255))
    (path / name).write_bytes(changed)
    try:
        problems = verify_store(path).problems
    finally:
        (path / name).write_bytes(content)
    assert problems
    array = "/".join(name.parts[:2])
    assert any(array in problem or str(name) in problem for problem in problems)
    assert all("--resume" in problem for problem in problems)


@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_any_deleted_file_is_found(scratch, data):
    path = scratch
    files = sorted(p for p in path.rglob("*") if p.is_file())
    file = data.draw(st.sampled_from(files))
    content = file.read_bytes()
    file.unlink()
    try:
        problems = verify_store(path).problems
    finally:
        file.write_bytes(content)
    assert problems


def test_every_problem_is_told(kit, finished):
    path = kit.copy(finished)
    kit.flip(path / "box/c/0/0", 0)
    kit.flip(path / "level2/zarr.json", 5)
    kit.flip(path / "level4/depth/c/0/0/0/0", 0)
    (path / "level4/semantic/c/2/0/0/0").unlink()
    kit.flip(path / "labels/semantic/ledger.jsonl", 3)
    problems = verify_store(path).problems
    assert len(problems) == 5
    for part in ("box/c/0/0", "level2/zarr.json", "level4/depth/c/0", "semantic/c/2", "labels"):
        assert sum(part in problem for problem in problems) == 1


def test_incomplete_arrays_are_told_and_their_blocks_checked(kit, finished):
    path = kit.copy(finished)
    store, values = open_store(path), kit.values()
    with store.feature_writer("level4", "third", (3, 2, 5), "float16", {}) as writer:
        kit.fill(writer, store, values, [0, 1])
    assert "level4/third: incomplete, 2 of 3 blocks" in verify_store(path).problems[0]
    kit.flip(path / "level4/third/c/1/0/0/0", 9)
    problems = verify_store(path).problems
    assert len(problems) == 2
    assert "third/c/1/0/0/0" in problems[1]


def test_what_a_killed_writer_leaves_is_no_problem(kit, finished):
    path = kit.copy(finished)
    for name in ("writer.lock", ".ledger.jsonl.x.partial", "c/0/0/0/0.ab.partial"):
        (path / "level4/depth" / name).write_text("?")
    assert verify_store(path).problems == ()


def test_an_array_that_zarr_sees_but_no_ledger_names(kit, finished):
    path = kit.copy(finished)
    (path / "level4/depth/ledger.jsonl").unlink()
    (problem,) = verify_store(path).problems
    assert "level4/depth: it has no ledger" in problem


def test_an_array_of_other_samples(kit, finished):
    path = kit.copy(finished)
    other = kit.store(9, 3)
    kit.write(other, kit.values(9), name="third")
    (other.path / "level4/third").rename(path / "level4/third")
    assert any(
        "level4/third: made for other sample vectors" in p for p in verify_store(path).problems
    )


def test_a_link_out_of_the_store_is_reported_and_not_followed(kit, finished):
    path, outside = kit.copy(finished), kit.folder()
    for name in ("view/c/0", "level4/depth/zarr.json", "level4/semantic/c/0/0/0/0"):
        target = outside / name.replace("/", "-")
        (path / name).rename(target)
        (path / name).symlink_to(target)
    problems = verify_store(path).problems
    assert sum("leads out of" in problem for problem in problems) == 3


def test_a_folder_of_other_things_is_no_store(tmp_path):
    (tmp_path / "a" / "train").mkdir(parents=True)
    with pytest.raises(StoreError, match="not a feature store"):
        verify_store(tmp_path)
