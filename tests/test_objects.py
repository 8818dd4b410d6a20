"""What is asked of an object store, and what comes back when it refuses."""

import pytest

from atdt import objects
from atdt.errors import PlaceError
from atdt.places import place
from benchmarks.s3 import Fault


@pytest.fixture(params=["bucket", "gs_bucket"])
def folder(request):
    return place(request.getfixturevalue(request.param))


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
    with pytest.raises(FileNotFoundError, match=r"\w+://.*/none"):
        objects.get(folder / "none")
    found = objects.get_all([folder / "a", folder / "none", folder / "empty"])
    assert found == [b"0123456789", None, b""]
    assert (objects.size(folder / "a"), objects.size(folder / "none")) == (10, None)


@pytest.mark.parametrize(
    ("server", "url", "counts"),
    [  # begun, three parts, and for S3 ended
        ("s3", "bucket", {"POST": 2, "PUT": 3}),
        ("gs", "gs_bucket", {"POST": 1 + 3}),
    ],
)
def test_large_objects_go_in_parts_and_replace_nothing_either(
    server, url, counts, request, monkeypatch
):
    server, folder = request.getfixturevalue(server), place(request.getfixturevalue(url))
    monkeypatch.setattr(objects, "PART", 5 * 2**20)  # the least that S3 allows
    data = bytes(range(256)) * (11 * 2**12)
    server.forget()
    objects.put(folder / "a", data, new=True)
    assert server.counts() == counts
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


def test_a_bucket_that_is_missing_is_named_by_google_too(gs, gs_bucket):
    with pytest.raises(PlaceError, match="gs://nowhere/a: no such bucket"):
        objects.reach(place("gs://nowhere/a"))
    objects.reach(place(gs_bucket))  # a folder that is empty yet


@pytest.mark.parametrize("what", ["busy", "dropped", "lost", "failed"])
def test_a_write_whose_answer_is_lost_is_ours_at_google_too(gs, gs_bucket, what):
    gs.faults.append(Fault(what, "POST", "/upload/"))
    assert objects.put_new(place(gs_bucket) / "a", b"ours")
    assert gs.faults[0].happened == 1
    assert objects.get(place(gs_bucket) / "a") == b"ours"


def test_lists_are_whole_and_files_are_copied_and_sent(folder, tmp_path):
    names = [f"{index}/{name}" for index in range(4) for name in "ab"]
    for name in names:
        objects.put(folder / name, name.encode())
    assert list(objects.below(folder)) == names
    assert objects.folders(folder) == ["0", "1", "2", "3"]
    objects.copy(folder / "0/a", folder / "c")
    (tmp_path / "local").write_bytes(b"sent")
    objects.put_file(folder / "d", tmp_path / "local")
    assert objects.get_all([folder / "c", folder / "d"]) == [b"0/a", b"sent"]
    objects.remove_below(folder)
    assert objects.below(folder) == {}


@pytest.mark.parametrize("what", ["busy", "dropped"])
def test_what_goes_wrong_for_good_names_the_object(bucket, s3, impatient, what):
    path = place(f"{bucket}/a")  # opened by clients that give up
    s3.faults.append(Fault(what, "GET", "/a$", times=100))
    with pytest.raises(PlaceError, match=r"s3://.*/a: "):
        objects.get(path)
    s3.forget()
    with pytest.raises(FileNotFoundError):
        objects.get(path)
