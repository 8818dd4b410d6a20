"""Steps of an experiment: named as they start, done once, found again the next time.

A step is known by what it makes and by a key over everything that went into it. A step whose key is
recorded as done is reused; one that was cut off is resumed; one whose key changed is made again.
Paths in it are below the experiment's root, which may be moved, or named from elsewhere.
Several processes may share a record, such as one for each seed: each keeps what others noted, and
waits for a step that another is at.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

from atdt.digests import sha256_json
from atdt.later import said
from atdt.texts import read_json, write_json

RECORD = "steps.json"  # among an experiment's reports


class Steps:
    """The record of an experiment's steps, kept in one JSON file.

    Args:
        record: the JSON file; made when the first step starts.
        total: how many steps there will be, for the line that names each; 0 where it is not known.
        root: of what the steps make and read.
    """

    def __init__(self, record: Path, total: int = 0, root: Path = Path()):
        self.record = record
        self.total = total
        self.root = root
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
        content = [verb.__qualname__, plain(config), [self._made(i) for i in inputs]]
        key, spelt = sha256_json(self._below(content)), sha256_json(content)
        known = self._known.get(self._below(str(out)), {})
        same = known.get("key") in (key, spelt)  # the latter is how it was kept before
        if same and known.get("done") and self._still_there(known):
            path = self.root / known["path"]
            self._say(f"{title}: found {path}")
            self.seconds[title] = known["seconds"]
            return path
        self._say(title)
        # A run that is not finished knows its paths as they were written: only so it goes on.
        goes_on = same and not known.get("done") and known.get("spelt", known["key"]) == spelt
        self._write(out, {"key": key, "spelt": spelt, "done": False})
        start = time.monotonic()
        if out.exists():
            config = _resumed(config) if goes_on else _replacing(config, out, ours=bool(known))
        path = verb(config)
        self.seconds[title] = round(time.monotonic() - start, 1)
        made = {"key": key, "done": True, "path": self._below(str(path))}
        made |= {"seconds": self.seconds[title], "made": time.time_ns()}
        self._write(out, made | {"files": self._below(_sizes(path))})
        return path

    def _made(self, path: Path) -> Any:
        """What tells one making of an input from another: the time at which its step was done."""
        return [str(path), self._known.get(self._below(str(path)), {}).get("made")]

    def _noted(self) -> dict[str, dict[str, Any]]:
        return self._below(read_json(self.record)) if self.record.exists() else {}

    def _below[Content](self, content: Content) -> Content:
        """JSON with the root taken off every text, and name, that begins with it."""
        if isinstance(content, str):
            return content.removeprefix(f"{self.root}/")
        if isinstance(content, dict):
            return {self._below(key): self._below(value) for key, value in content.items()}
        if isinstance(content, list):
            return [self._below(part) for part in content]
        return content

    def _write(self, out: Path, entry: dict[str, Any]) -> None:
        with _alone(self.record.with_suffix(".lock")):
            self._known = self._noted() | {self._below(str(out)): entry}
            write_json(self.record, self._known)

    def _lock(self, out: Path) -> Path:
        """What a process holds while it makes `out`."""
        return self.record.parent / "locks" / sha256_json(self._below(str(out)))[:16]

    def _still_there(self, known: dict[str, Any]) -> bool:
        files = {self.root / file: size for file, size in known["files"].items()}
        return all(file.is_file() and file.stat().st_size == size for file, size in files.items())

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
    """`value` with dataclasses, paths and tuples turned into what JSON holds; an option that came
    later is left out where it is not used, so that it changes no key."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(said(value))
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
