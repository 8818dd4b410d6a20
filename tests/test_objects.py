"""What is asked of an object store, and what comes back when it refuses."""

import pytest

from atdt import objects
from atdt.errors import PlaceError
from atdt.places import place
from benchmarks.s3 import Fault


@pytest.fixture
def folder(bucket):
    return place(bucket)


def test_an_object_is_replaced_unless_it_must_be_new(folder):
    path = folder / "a/ü [1]?*.bin"  # a name that is a pattern, too
    objects.put(path, b"one")
    objects.put(path, b"two")
    with pytest.raises(FileExistsError):
        objects.put(path, b"three", new=True)
    assert objects.get(path) == b"two"
    assert objects.put_new(path, b"two")  # as if our own answer had been lost
    assert not objects.put_new(path, b"three")
    assert objects.below(folder) == {"a/ü [1]?*.bin": 3}
    objects.remove([path, folder / "none"])
    assert objects.below(folder) == objects.entries(folder) == {}


def test_ranges_end_where_the_object_does(folder):
    objects.put(folder / "a", b"0123456789")
    objects.put(folder / "empty", b"")
    assert objects.get(folder / "a", 2, 5) == b"234"
    assert objects.get(folder / "a", 8, 50) == b"89"
    assert objects.get(folder / "a", 10, 50) == objects.get(folder / "empty") == b""
    with pytest.raises(FileNotFoundError, match=r"s3://.*/none"):
        objects.get(folder / "none")
    found = objects.get_all([folder / "a", folder / "none", folder / "empty"])
    assert found == [b"0123456789", None, b""]
    assert (objects.size(folder / "a"), objects.size(folder / "none")) == (10, None)


def test_large_objects_go_in_parts_and_replace_nothing_either(folder, s3, monkeypatch):
    monkeypatch.setattr(objects, "PART", 5 * 2**20)  # the least that S3 allows
    data = bytes(range(256)) * (11 * 2**12)
    s3.forget()
    objects.put(folder / "a", data, new=True)
    assert s3.counts() == {"POST": 2, "PUT": 3}  # begun, ended, and three parts
    assert objects.get(folder / "a") == data
    with pytest.raises(FileExistsError):
        objects.put(folder / "a", data[::-1], new=True)
    assert objects.get(folder / "a") == data


def test_a_bucket_that_is_missing_is_named(s3):
    where = place("s3://nowhere/a")
    for ask in (
        lambda: objects.put(where, b""),
        lambda: objects.get(where),
        lambda: objects.reach(where),
        lambda: objects.entries(where),
    ):
        with pytest.raises(PlaceError, match="s3://nowhere/a: no such bucket"):
            ask()


@pytest.mark.parametrize("what", ["busy", "dropped"])
def test_what_goes_wrong_for_good_names_the_object(folder, s3, impatient, what):
    path = place(f"{folder}/a")  # opened by clients that give up
    s3.faults.append(Fault(what, "GET", "/a$", times=100))
    with pytest.raises(PlaceError, match=r"s3://.*/a: "):
        objects.get(path)
    s3.forget()
    with pytest.raises(FileNotFoundError):
        objects.get(path)
