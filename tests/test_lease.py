"""One writer at a time where there are no locks; in memory, where a request takes no time."""

import json
import time

import pytest

from atdt import lease, objects
from atdt.errors import PlaceError
from atdt.lease import Held, Lease, holder, leases
from atdt.places import place


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("upath")
    return place(f"memory://{tmp_path.name}/run")


def touched(folder, number=1):
    return folder.fs.modified((folder / f"lock.{number}").path)


def test_it_is_held_until_it_is_released(folder):
    held = Lease(folder, "lock")
    with pytest.raises(Held, match=r"process \d+ on .* \(seen 0 s ago\) is writing it"):
        Lease(folder, "lock")
    assert "process" in holder(folder, "lock")
    held.check()
    held.release()
    held.release()
    assert holder(folder, "lock") is None
    assert objects.below(folder) == {}
    Lease(folder, "lock").release()


def test_it_is_touched_again_and_again(folder, monkeypatch):
    monkeypatch.setattr(lease, "RENEW", 0.01)
    held = Lease(folder, "lock")
    first = touched(folder)
    while touched(folder) == first:
        time.sleep(0.01)
    held.release()
    time.sleep(0.05)
    assert objects.below(folder) == {}  # not made again by a thread that came late


def test_one_that_expired_is_taken_over_by_one_alone_and_its_holder_learns_of_it(
    folder, monkeypatch
):
    monkeypatch.setattr(lease, "RENEW", 1000.0)
    first = Lease(folder, "lock")
    with monkeypatch.context() as patch:
        patch.setattr(lease, "EXPIRES", -1.0)
        second = Lease(folder, "lock")
    assert second.path.name == "lock.2"
    assert leases(folder, "lock") == [second.path]
    with pytest.raises(Held):
        Lease(folder, "lock")
    monkeypatch.setattr(lease, "RENEW", -1.0)  # so that it asks the server
    with pytest.raises(Held, match="another writer has taken it over"):
        first.check()
    first.release()
    second.check()
    assert leases(folder, "lock") == [second.path]
    second.release()


def test_two_that_take_over_at_once_do_not_both_succeed(folder, monkeypatch):
    put_new = objects.put_new

    def late(path, data):
        monkeypatch.setattr(objects, "put_new", put_new)
        Lease(folder, "lock")
        return put_new(path, data)

    monkeypatch.setattr(objects, "put_new", late)
    with pytest.raises(Held):
        Lease(folder, "lock")


def test_a_process_of_this_machine_that_is_gone_is_known_at_once(folder):
    held = Lease(folder, "lock")
    said = json.loads(objects.get(held.path))
    objects.put(held.path, json.dumps(said | {"process": 2**22 + 1}).encode())
    assert holder(folder, "lock") is None
    objects.put(held.path, json.dumps(said | {"process": 2**22 + 1, "machine": "m"}).encode())
    assert "process 4194305" in holder(folder, "lock")
    held.release()


def test_who_may_not_write_can_look(folder, monkeypatch):
    held = Lease(folder, "lock")

    def refused(*_, **__):
        raise PlaceError("access denied")

    with monkeypatch.context() as patch:
        patch.setattr(objects, "put", refused)
        assert "process" in holder(folder, "lock")
    held.release()
