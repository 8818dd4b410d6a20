"""A run: the folder that a training leaves behind.

    run.json                 what was trained, how, from what, and what came out
    weights.safetensors      the result; its sha256 is in run.json
    checkpoint.safetensors   while the training is unfinished: all that is needed to go on exactly
    curves.csv, tensorboard/ what the training logged

Nothing in a run is ever unpickled, and no path in it may leave the folder.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from atdt import objects
from atdt.checks import check_goes_on_or_anew
from atdt.digests import sha256_file, sha256_json
from atdt.errors import RunError, UserError
from atdt.files import inside, remove, remove_cut_off
from atdt.hold import is_of_writers
from atdt.places import is_remote, place
from atdt.provenance import provenance
from atdt.tensors import load_tensors, save_tensors, tensors_sha256
from atdt.texts import read_json, write_json

SCHEMA = 1
INFO = "run.json"
WEIGHTS = "weights.safetensors"
CHECKPOINT = "checkpoint.safetensors"
CURVES = "curves.csv"
TENSORBOARD = "tensorboard"
LARGEST_INFO = 2**24  # bytes: a stranger's run.json must not fill the memory


@dataclass
class Run:
    """A run folder; `info` is the content of its run.json."""

    path: Path
    info: dict[str, Any]

    @property
    def kind(self) -> str:
        """What the run holds: "task-network" or "transfer"."""
        return self.info["kind"]

    @property
    def complete(self) -> bool:
        """Whether the run has its final weights."""
        return self.info["complete"]

    def weights(self) -> dict[str, torch.Tensor]:
        """The final weights, on the CPU.

        Raises:
            RunError: there are none yet, or the file is unreadable.
        """
        if not self.complete:
            raise RunError(unfinished(self.path))
        return load_tensors(inside(self.path, self.info["weights"]["file"]))[0]

    def finish(self, weights: Mapping[str, torch.Tensor], **keys: Any) -> None:
        """Write the final weights, then `keys` and the mark of completeness, then clean up."""
        file = save_tensors(self.path / WEIGHTS, weights)
        self.info |= keys
        self.info["weights"] = {"file": WEIGHTS, "sha256": sha256_file(file)}
        self.info["complete"] = True
        write_json(self.path / INFO, self.info)
        remove(self.path / CHECKPOINT)


def create_run(
    path: str | Path,
    kind: str,
    config: dict[str, Any],
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> Run:
    """Start a run in the folder `path`, or take up the one that is there.

    Args:
        path: the folder, made where it is missing.
        kind: "task-network" or "transfer".
        config: all that the result depends on, as JSON can hold it.
        overwrite: replace a run that is there.
        resume: go on with an unfinished run of the same `config`; where nothing was begun,
            begin. A finished run of the same `config` is given back as it is (`run.complete`).

    Raises:
        RunError: both options are given; or the folder holds something else, or a run and neither
            option is given, or the run there has another config (the message names what differs).
    """
    path = place(path)
    check_goes_on_or_anew(resume=resume, overwrite=overwrite, wrong=RunError)
    config = json.loads(json.dumps(config, allow_nan=False))
    there = _held(path)
    if there and resume:
        return _taken_up(_read(path), kind, config)
    if there and not overwrite:
        state = "a finished run" if _read(path).complete else "an unfinished run"
        going_on = "" if "a finished" in state else "--resume goes on with it, "
        raise RunError(f"{path}: holds {state}; {going_on}--overwrite replaces it")
    # In this order a kill in between leaves no checkpoint beside a config that it is not of.
    remove(path / CHECKPOINT)
    info = {"schema": SCHEMA, "kind": kind, "complete": False, "config": config}
    run = Run(path, info | {"provenance": provenance()})
    write_json(path / INFO, run.info)
    _remove_results(path)
    return run


def open_run(path: str | Path, kind: str | None = None) -> Run:
    """Open a finished run and prove that its weights are the ones it was finished with.

    Args:
        kind: what the run must hold ("task-network", "transfer"); any kind when None.

    Raises:
        RunError: not a run, of another schema or kind, unfinished, or its weights are absent,
            changed, or lie outside the folder.
    """
    path = place(path)
    run = _read(path)
    if kind is not None and run.kind != kind:
        raise RunError(f"{path}: holds a {run.kind}, where a {kind} is needed")
    if not run.complete:
        raise RunError(unfinished(path))
    weights = run.info.get("weights")
    if not isinstance(weights, dict) or not isinstance(weights.get("file"), str):
        raise RunError(f"{path / INFO}: names no weights; train again")
    try:
        file = inside(path, weights["file"])
    except UserError as error:
        raise RunError(f"{path / INFO}: weights: {error}") from None
    if not file.is_file():
        raise RunError(f"{file}: named by {INFO}, but not there; train again")
    if sha256_file(file) != weights.get("sha256"):
        raise RunError(f"{file}: changed since the run was finished (sha256); train again")
    return run


def unfinished(path: Path) -> str:
    """What to tell who needs the result of a run that has none yet."""
    return f"{path}: an unfinished run; repeat the command that made it with --resume"


def save_checkpoint(run: Run, tensors: Mapping[str, torch.Tensor], state: dict[str, Any]) -> Path:
    """Replace the run's checkpoint by `tensors` and `state`, atomically.

    Args:
        state: what JSON can hold; floats come back to the bit.
    """
    notes = {"state": state, "sha256": sha256_json([tensors_sha256(tensors), state])}
    return save_tensors(run.path / CHECKPOINT, tensors, notes)


def load_checkpoint(run: Run) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """The tensors (on the CPU) and the state that were saved last; None before the first time.

    Raises:
        RunError: the file is damaged, or a link that leads out of the run.
    """
    try:
        file = inside(run.path, CHECKPOINT)
    except UserError as error:
        raise RunError(str(error)) from None
    if not file.exists():
        return None
    tensors, notes = load_tensors(file)
    state = notes.get("state")
    if notes.get("sha256") != sha256_json([tensors_sha256(tensors), state]):
        raise RunError(f"{file}: damaged (sha256); start again with --overwrite")
    return tensors, state


def differences(recorded: Any, wanted: Any, name: str = "") -> list[str]:
    """Where two configs differ, one line each: "steps: the run has 100, now 200"."""
    if isinstance(recorded, dict) and isinstance(wanted, dict):
        keys = [*recorded, *(key for key in wanted if key not in recorded)]
        return [
            line
            for key in keys
            for line in differences(
                recorded.get(key), wanted.get(key), f"{name}.{key}" if name else str(key)
            )
        ]
    return [] if recorded == wanted else [f"{name}: the run has {recorded!r}, now {wanted!r}"]


def _held(path: Path) -> bool:
    """Whether `path` holds a run; false when it is absent, empty, or holds cut-off writes only."""
    if not path.exists():
        return False
    if not path.is_dir():
        raise RunError(f"{path}: is a file; a run needs a folder")
    if is_remote(path):
        return _held_remotely(path)
    remove_cut_off(path)
    if (path / INFO).exists():
        return True
    if any(path.iterdir()):
        raise RunError(f"{path}: holds other files and no {INFO}; choose another folder")
    return False


def _held_remotely(path: Path) -> bool:
    """As `_held`, of a folder of objects that is not empty."""
    found = objects.entries(path)
    if INFO not in found and not all(map(is_of_writers, found)):
        raise RunError(f"{path}: holds other files and no {INFO}; choose another folder")
    return INFO in found


def _read(path: Path) -> Run:
    """The run in `path`, finished or not, with the keys that every run has."""
    try:
        file = inside(path, INFO)
    except UserError as error:
        raise RunError(str(error)) from None
    if not file.is_file():
        raise RunError(f"{path}: not a run (it holds no {INFO})")
    if file.stat().st_size > LARGEST_INFO:
        raise RunError(f"{file}: larger than {LARGEST_INFO} bytes, which no {INFO} is")
    try:
        info = read_json(file)
    except UserError as error:
        raise RunError(str(error)) from None
    if not isinstance(info, dict) or info.get("schema") != SCHEMA:
        raise RunError(f"{file}: not of schema {SCHEMA}; train again with this version")
    kinds = {"kind": str, "complete": bool, "config": dict, "provenance": dict}
    for key, kind in kinds.items():
        if not isinstance(info.get(key), kind):
            raise RunError(f"{file}: {key!r} is missing or no {kind.__name__}")
    return Run(path, info)


def _taken_up(run: Run, kind: str, config: dict[str, Any]) -> Run:
    """The run that is there, after checking that it is the one that is meant."""
    if run.kind != kind:
        raise RunError(f"{run.path}: holds a {run.kind}, not a {kind}; choose another --out")
    recorded = run.info["config"]
    if None in (recorded.get("threads", 0), config.get("threads", 0)):
        # Several ranks: sums are taken in another order, so that no bits are promised.
        recorded, config = ({**each, "threads": None} for each in (recorded, config))
    different = differences(recorded, config)
    if different:
        raise RunError(
            f"{run.path}: --resume needs the options it was started with; {'; '.join(different)}"
        )
    if not run.complete:
        run.info["provenance"].setdefault("resumed", []).append(provenance())
        write_json(run.path / INFO, run.info)
    return run


def _remove_results(path: Path) -> None:
    """Delete what an overwritten run left behind."""
    for name in (WEIGHTS, CURVES):
        remove(path / name)
    if is_remote(path):
        objects.remove_below(path / TENSORBOARD)
        return
    if (path / TENSORBOARD).is_dir() and not (path / TENSORBOARD).is_symlink():
        for events in (path / TENSORBOARD).iterdir():
            events.unlink()
