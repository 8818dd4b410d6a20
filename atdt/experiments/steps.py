"""Steps of an experiment: named as they start, done once, found again the next time.

A step is known by what it makes and by a key over everything that went into it. A step whose key is
recorded as done is reused; one that was cut off is resumed; one whose key changed is made again.
Several processes may share a record, such as one for each seed: each keeps what others noted, and
waits for a step that another is at.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any

from atdt.files import read_json, sha256_json, write_json


class Steps:
    """The record of an experiment's steps, kept in one JSON file.

    Args:
        record: the JSON file; made when the first step starts.
        total: how many steps there will be, for the line that names each; 0 where it is not known.
    """

    def __init__(self, record: Path, total: int = 0):
        self.record = record
        self.total = total
        self.count = 0
        self.seconds: dict[str, float] = {}
        self._known: dict[str, dict[str, Any]] = self._noted()

    def do(
        self, title: str, verb: Callable[[Any], Path], config: Any, *inputs: Path, out: Path
    ) -> Path:
        """Run `verb(config)`, which makes `out`, unless it was done from the same things before.

        Args:
            title: what the progress line says.
            verb: a verb of the project; its configuration has `resume` or `overwrite` or neither.
            config: the verb's configuration, a dataclass.
            inputs: what other steps made and this one reads: when one of them was made anew, so is
                this step.
            out: what the step makes.

        Returns:
            the path that the verb returned.
        """
        self.count += 1
        with _alone(self._lock(out), lambda: self._say(f"{title}: another process is at it")):
            self._known = self._noted()
            return self._do(title, verb, config, inputs, out)

    def _do(
        self,
        title: str,
        verb: Callable[[Any], Path],
        config: Any,
        inputs: tuple[Path, ...],
        out: Path,
    ) -> Path:
        key = sha256_json([verb.__qualname__, plain(config), [self._made(i) for i in inputs]])
        known = self._known.get(str(out), {})
        if known.get("key") == key and known.get("done") and _still_there(known):
            self._say(f"{title}: found {known['path']}")
            self.seconds[title] = known["seconds"]
            return Path(known["path"])
        self._say(title)
        goes_on = known.get("key") == key and not known.get("done")
        self._write(out, {"key": key, "done": False})
        start = time.monotonic()
        if out.exists():
            config = _resumed(config) if goes_on else _replacing(config, out, ours=bool(known))
        path = verb(config)
        self.seconds[title] = round(time.monotonic() - start, 1)
        made = {"key": key, "done": True, "path": str(path), "seconds": self.seconds[title]}
        self._write(out, made | {"made": time.time_ns(), "files": _sizes(path)})
        return path

    def _made(self, path: Path) -> Any:
        """What tells one making of an input from another: the time at which its step was done."""
        return [str(path), self._known.get(str(path), {}).get("made")]

    def _noted(self) -> dict[str, dict[str, Any]]:
        return read_json(self.record) if self.record.exists() else {}

    def _write(self, out: Path, entry: dict[str, Any]) -> None:
        with _alone(self.record.with_suffix(".lock")):
            self._known = self._noted() | {str(out): entry}
            write_json(self.record, self._known)

    def _lock(self, out: Path) -> Path:
        """What a process holds while it makes `out`."""
        return self.record.parent / "locks" / sha256_json(str(out))[:16]

    def _say(self, text: str) -> None:
        of = f"/{self.total}" if self.total else ""
        print(f"[{self.count}{of}] {text}", file=sys.stderr, flush=True)


class Counted(Steps):
    """Steps that are only counted: an experiment is walked through once to learn their number."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere.json"))

    def do(
        self, title: str, verb: Callable[[Any], Path], config: Any, *inputs: Path, out: Path
    ) -> Path:
        """Count the step; nothing is run, read or written."""
        self.count += 1
        return out


def plain(value: Any) -> Any:
    """`value` with dataclasses, paths and tuples turned into what JSON holds."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


@contextmanager
def _alone(lock: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Wait until no other process holds `lock`, then hold it; Windows has no such locks.

    Args:
        waiting: called when there is another one.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sizes(path: Path) -> dict[str, int]:
    """Bytes of a file, or of the files right inside a folder, among which is its complete mark."""
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    return {str(file): file.stat().st_size for file in files}


def _still_there(known: dict[str, Any]) -> bool:
    return all(
        Path(file).is_file() and Path(file).stat().st_size == size
        for file, size in known["files"].items()
    )


def _resumed(config: Any) -> Any:
    """`config` told to go on where a cut-off step stopped, where its verb can."""
    return replace(config, resume=True) if hasattr(config, "resume") else config


def _replacing(config: Any, out: Path, *, ours: bool) -> Any:
    """`config` told to replace what an older key left behind; what no step made is left alone."""
    if not ours:
        return config
    if isinstance(getattr(config, "overwrite", None), bool):
        return replace(config, overwrite=True)
    shutil.rmtree(out) if out.is_dir() else out.unlink()
    return config
