"""The four verbs that are stopped and gone on with: their results, and what is true in between."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from atdt.errors import UserError
from atdt.predictions import LEDGER as DECODED
from atdt.predictions import open_predictions
from atdt.runs import CURVES, INFO, WEIGHTS, load_checkpoint, open_run
from atdt.runs import Run as AnyRun
from benchmarks.soak.stores import StoreTruth, store_content
from benchmarks.soak.world import World, run

# keys of run.json and predictions.json that tell when and how, not what
TOLD = ("provenance", "seconds", "feed")


class Job(Protocol):
    """A verb with its options.

    Attributes:
        name: of the verb.
        arguments: of the command line, all but --out and --resume.
        whole: what it leaves when nothing stops it.
    """

    name: str
    arguments: list[str]
    whole: Path

    def content(self, path: Path) -> dict[str, Any]:
        """The result, all that must not differ between two makings of it."""

    def check_stopped(self, path: Path) -> float:
        """Prove that `path` is taken for what it is; the share of the work that is kept.

        Raises:
            AssertionError: something says too much, or too little.
        """


class Extract:
    """An extraction of two encoders and labels."""

    name = "extract"

    def __init__(self, world: World):
        self.arguments = _texts("extract", *world.extraction)
        self.whole = _made(world, self)
        self._truth = StoreTruth(self.whole)

    def content(self, path: Path) -> dict[str, Any]:
        return store_content(path)

    def check_stopped(self, path: Path) -> float:
        return self._truth.check(path)


class Training:
    """A training of any kind: a run."""

    def __init__(self, world: World, name: str, *arguments: object):
        self.name = name
        often = ("--batch", 2, "--checkpoint-every", 3, "--validate-every", 7, "--device", "cpu")
        self._steps = world.size.steps
        self.arguments = _texts(name, *arguments, *often, "--steps", self._steps)
        self.whole = _made(world, self)

    def content(self, path: Path) -> dict[str, Any]:
        info = {key: value for key, value in open_run(path).info.items() if key not in TOLD}
        files = {name: (path / name).read_bytes() for name in (WEIGHTS, CURVES)}
        return {"info": info, **files, "left": _left(path)}

    def check_stopped(self, path: Path) -> float:
        shown = run("inspect", path, "--json")
        if not (path / INFO).exists():
            assert shown.exit_code == 2, repr((shown.output, shown.exception))
            _refused(open_run, path)
            return 0.0
        assert shown.exit_code == 0, repr((shown.output, shown.exception))
        content = json.loads(shown.stdout)
        if content["complete"]:
            assert content["problem"] is None
            assert (path / WEIGHTS).read_bytes() == (self.whole / WEIGHTS).read_bytes()
            return 1.0
        assert "unfinished" in content["problem"] and "--resume" in content["problem"]
        _refused(open_run, path)
        checkpoint = load_checkpoint(AnyRun(path, content))
        return 0.0 if checkpoint is None else checkpoint[1]["step"] / self._steps


class Decode:
    """A decoding: one file an image, and logits."""

    name = "decode"

    def __init__(self, world: World):
        options = ("--domain", world.b, "--batch", 1, "--save-logits", "--device", "cpu")
        self.arguments = _texts("decode", world.g, *options)
        self.whole = _made(world, self)

    def content(self, path: Path) -> dict[str, Any]:
        info = {k: v for k, v in open_predictions(path).info.items() if k not in TOLD}
        files = (file for file in path.glob("*/**/*") if file.is_file())
        return {
            "info": info,
            **{str(file.relative_to(path)): file.read_bytes() for file in files},
            "left": _left(path),
        }

    def check_stopped(self, path: Path) -> float:
        total = len(open_predictions(self.whole).images)
        try:
            open_predictions(path)
        except UserError:
            pass
        else:
            assert self.content(path) == self.content(self.whole)
            return 1.0
        if not (path / DECODED).exists():
            return 0.0
        lines = (path / DECODED).read_bytes().split(b"\n")[1:-1]  # the header; what a kill cut off
        for entry in map(json.loads, lines):
            for name in entry.keys() - {"image"}:
                file = entry[name]
                assert (path / file).read_bytes() == (self.whole / file).read_bytes()
        return len(lines) / (total + 1)


def all_jobs(world: World) -> list[Job]:
    """The four verbs, each done once without a stop."""
    pair = ("--from", "edges", "--to", "semantic", "--feed", "stream", "--window", 2)
    task = ("--task", "semantic", "--train", world.a, "--validation", world.val)
    return [
        Extract(world),
        Training(world, "train-task", *task),
        Training(world, "train", world.store, *pair, "--keep", "best"),
        Decode(world),
    ]


def same(job: Job, path: Path) -> None:
    """Prove that `path` holds what an uninterrupted making leaves, bit for bit.

    Raises:
        AssertionError: it does not; names what differs.
    """
    ours, whole = job.content(path), job.content(job.whole)
    differ = [key for key in {**ours, **whole} if ours.get(key) != whole.get(key)]
    assert not differ, f"{job.name}: {path} differs from {job.whole} in {differ}"


def _made(world: World, job: Job) -> Path:
    """The result of a job that nothing stops."""
    path = world.new(f"whole-{job.name}")
    world.do(*job.arguments, "--out", path)
    return path


def _texts(*arguments: object) -> list[str]:
    return [str(argument) for argument in arguments]


def _left(path: Path) -> list[str]:
    """What a stop may leave and nobody needs."""
    return stray(path.rglob("*"))


def stray(files: Iterable[Path]) -> list[str]:
    """Names of cut-off writes and of locks."""
    return sorted(f.name for f in files if f.name.endswith((".partial", ".lock")))


def _refused(reader: Any, path: Path) -> None:
    try:
        reader(path)
    except UserError:
        return
    raise AssertionError(f"{path} is taken for finished")
