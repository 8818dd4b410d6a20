"""One writer at a time in an object store, which has no locks that end with a process.

Who holds a folder has an object `NAME.1` there, made by a request that refuses to replace one, and
touches it every `RENEW` seconds. One that was not touched for `EXPIRES` seconds, by the server's
own clock, or whose process on this machine is gone, was left by the dead: the next writer makes
`NAME.2`, which again only one can, and the highest number holds. So a writer that was only asleep
finds that it has lost its hold, and `check` tells it before it commits anything.
"""

import json
import os
import secrets
import socket
import threading
import time
import weakref
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atdt import objects
from atdt.errors import PlaceError, UserError

RENEW = 20.0  # seconds
EXPIRES = 120.0


class Held(UserError):
    """Somebody else holds it."""


class Lease:
    """Holds `folder` from its construction until `release()`, or until `check` says otherwise.

    Raises:
        Held: another writer does; says who and since when it was last seen.
        PlaceError: the object store refuses it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._me = {"token": secrets.token_hex(8), **_here()}
        self._number, self._seen = self._take(), _clocks()
        self._lost = False
        self._stop = threading.Event()
        self._renewing = threading.Lock()
        ours = weakref.ref(self)  # else the thread would keep what nobody holds any more
        threading.Thread(target=_renew, args=(ours, self._stop), daemon=True).start()

    @property
    def path(self) -> Path:
        """The object that says it is held."""
        return self._object(self._number)

    def check(self) -> None:
        """Prove that it is still ours, asking the server where we have not done so for a while.

        Raises:
            Held: it is not.
        """
        if not self._lost and max(n - s for n, s in zip(_clocks(), self._seen, strict=True)) > (
            2 * RENEW
        ):
            self.renew()
        if self._lost:
            raise Held(f"{self._folder}: another writer has taken it over; this one stops")

    def renew(self) -> None:
        """Say that we are still there: two requests."""
        with self._renewing:
            if self._stop.is_set():
                return
            clocks = _clocks()
            if max(_numbers(self._folder, self._name), default=0) != self._number:
                self._lost = True
                return
            objects.put(self.path, self._content())
            self._seen = clocks

    def release(self) -> None:
        """Let the next writer in; a second call does nothing."""
        with self._renewing:
            if self._stop.is_set() or os.getpid() != self._me["process"]:
                return
            self._stop.set()
        if not self._lost:
            with suppress(PlaceError):  # then it expires
                objects.remove([self.path])

    def __del__(self) -> None:
        if hasattr(self, "_stop"):
            self._stop.set()

    def _take(self) -> int:
        found = _numbers(self._folder, self._name)
        last = max(found, default=0)
        if last:
            refuse_held(self._folder, self._object(last))
        number = last + 1
        if not objects.put_new(self._object(number), self._content()):
            refuse_held(self._folder, self._object(number))
            raise Held(f"{self._folder}: another writer has just taken it; wait for it")
        if objects.get(self._object(number)) != self._content():  # a server that replaces
            raise Held(f"{self._folder}: another writer has just taken it; wait for it")
        objects.remove(self._object(old) for old in found)
        return number

    def _object(self, number: int) -> Path:
        return self._folder / f"{self._name}.{number}"

    def _content(self) -> bytes:
        return json.dumps(self._me).encode()


def holder(folder: Path, name: str) -> str | None:
    """Who holds `folder`, in words; None where nobody does. Changes nothing but a probe's object,
    and that only where there is a lease at all."""
    last = max(_numbers(folder, name), default=0)
    return None if not last else _living(folder / f"{name}.{last}")


def leases(folder: Path, name: str) -> list[Path]:
    """The objects that say, or said, that it is held."""
    return [folder / f"{name}.{number}" for number in _numbers(folder, name)]


def refuse_held(folder: Path, lease: Path) -> None:
    """Raise where the writer of that lease is alive, as far as one can know."""
    who = _living(lease)
    if who is not None:
        raise Held(
            f"{folder}: {who} is writing it; wait for it or stop it. A writer that was killed is "
            f"taken for gone after {EXPIRES:.0f} s"
        )


def _numbers(folder: Path, name: str) -> list[int]:
    ends = (entry.rpartition(".") for entry in objects.entries(folder))
    return sorted(int(end) for start, _, end in ends if start == name and end.isdecimal())


def _living(lease: Path) -> str | None:
    """Who touches a lease, in words; None where nobody does any more."""
    try:
        content = json.loads(objects.get(lease))
        host, process = str(content["host"]), int(content["process"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        content, host, process = {}, "unknown", 0
    if content.get("machine") == _machine() and not _runs(process):
        return None
    age = _age(lease)
    if age is None or age > EXPIRES:
        return None
    return f"process {process} on {host} (seen {age:.0f} s ago)"


def _age(lease: Path) -> float | None:
    """Seconds since an object was made or replaced, by the server's clock; by ours where we may not
    ask for its time by making an object. None if it is gone."""
    probe = lease.with_name(f".{lease.name}.{secrets.token_hex(8)}.partial")
    try:
        objects.put(probe, b"")
        now = _modified(probe)
        objects.remove([probe])
    except PlaceError:  # who only looks may have no right to write
        now = datetime.now(UTC)
    try:
        return max(0.0, (now - _modified(lease)).total_seconds())
    except FileNotFoundError:
        return None


def _modified(path: Path) -> datetime:
    with objects.asking(path):
        return path.fs.modified(path.path)


def _here() -> dict[str, Any]:
    return {"host": socket.gethostname(), "process": os.getpid(), "machine": _machine()}


def _machine() -> str:
    """What makes processes' numbers comparable: one running system, and one space of numbers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 – of a link
    except OSError:  # no Linux: a host's name is the best there is
        return socket.gethostname()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _clocks() -> tuple[float, float]:
    """Two, since the first does not count the time that a machine sleeps."""
    return time.monotonic(), time.time()


def _renew(lease: "weakref.ref[Lease]", stop: threading.Event) -> None:
    while not stop.wait(RENEW):
        held = lease()
        if held is None:
            return
        with suppress(Exception):  # the network may come back; `check` asks again
            held.renew()
        del held
