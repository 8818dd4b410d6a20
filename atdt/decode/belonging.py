"""Whether an E1, a G and a D2 belong together, by what the run of G recorded."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from atdt.errors import MismatchError, RunError
from atdt.networks import TaskNetwork
from atdt.places import is_remote, is_url, place
from atdt.stores.provenance import differences
from atdt.training.load import LoadedNetwork, load_task_network
from atdt.transfer.load import LoadedTransfer
from atdt.transfer.setting import network_key

ROLES = {"source": "E1", "target": "E2 of D2"}
OPTIONS = {"source": "--encoder", "target": "--decoder"}


def load_side(
    side: str,
    given: Path | None,
    transfer: LoadedTransfer,
    size: tuple[int, int],
    allowed: Sequence[str],
    device: Any,
    allow_import: bool,
) -> tuple[LoadedNetwork, list[str]]:
    """Load N1 ("source") or N2 ("target") and prove that G was trained between its features.

    Args:
        given: its run; where G's run saw it when None (see `recorded_run`), and then nothing may
            differ.
        size: (height, width) of images that will be decoded.
        allowed: "encoder", "preprocessing": differences that are let through.

    Returns:
        the network, and the differences that were let through.

    Raises:
        RunError: no such run, or it was not given and is not where it was.
        NetworkError: a network with skips.
        MismatchError: another network, level, task or number of channels.
    """
    recorded = transfer.run.info[side]
    path = given or recorded_run(side, transfer)
    loaded = load_task_network(path, device, allow_import)
    loaded.network.check_can_be_cut(str(path))
    level = recorded["level"]
    check_shape(side, loaded.network, level, transfer, path, size)
    task = recorded.get("task")
    if task is not None and task != loaded.task.name:
        raise MismatchError(
            f"{path}: its task is {loaded.task.name!r}, but {transfer.run.path} goes with a "
            f"network for {task!r}"
        )
    found = check_key(
        side,
        recorded["key"],
        network_key(loaded.network, level),
        transfer,
        path,
        allowed if given else (),
    )
    return loaded, found


def recorded_run(side: str, transfer: LoadedTransfer) -> Path:
    """Where the run of G saw the run of N1 ("source") or N2 ("target").

    A run may be a stranger's: it is followed no further than to what lies in the folder that it
    lies in itself.

    Raises:
        RunError: it lies elsewhere, is not there any more, or was not recorded.
    """
    hint = transfer.run.info[side].get("run")
    if not isinstance(hint, str):
        what = "recorded no run for it"
    elif not _lies_beside(hint, transfer.run.path):
        what = f"saw it in {hint}, which is not beside it and so not opened unasked"
    elif not place(hint).is_dir():
        what = f"saw it in {hint}, which is gone"
    else:
        return place(hint)
    raise RunError(
        f"{transfer.run.path}: {what}; give {OPTIONS[side]} RUN, whose network has {ROLES[side]}"
    )


def _lies_beside(hint: str, run: Path) -> bool:
    if is_remote(run):
        beside = f"{run.parent}/".rstrip("/") + "/"
        return hint.startswith(beside) and ".." not in hint.split("/")
    try:
        return not is_url(hint) and Path(hint).resolve().is_relative_to(run.resolve().parent)
    except (OSError, ValueError, RuntimeError):  # no path at all; links in a circle
        return False


def check_key(
    side: str,
    recorded: Mapping[str, Any],
    found: Mapping[str, Any],
    transfer: LoadedTransfer,
    path: Path,
    allowed: Sequence[str],
    advice: str | None = None,
) -> list[str]:
    """Compare what G was trained with (`recorded`) to what it is given (`found`, from `path`).

    Args:
        advice: what one can do instead; None: name another network, or let the difference through.

    Returns:
        the differences, all of which `allowed` lets through.

    Raises:
        MismatchError: one that is not.
    """
    sides = ("G was trained with", "this is")
    lines = [f"{ROLES[side]}: {line}" for line in differences(recorded, found, sides=sides)]
    refused = [line for line in lines if _subject(line) not in allowed]
    if refused:
        by = OPTIONS[side]
        usual = f"give what it was trained with by {by}, or proceed with --allow-mismatch"
        raise MismatchError(
            f"{path}: does not belong to {transfer.run.path}: {'; '.join(refused)}; "
            f"{advice or usual}"
        )
    return lines


def check_shape(
    side: str,
    network: TaskNetwork,
    level: str,
    transfer: LoadedTransfer,
    path: Path,
    size: tuple[int, int],
) -> None:
    """Refuse a network without the level, or with another number of channels there.

    Raises:
        MismatchError: always; such a difference cannot be let through.
    """
    if level not in network.levels:
        raise MismatchError(
            f"{path}: has no {level}, at which {transfer.run.path} works; its levels are "
            f"{', '.join(network.levels)}"
        )
    check_channels(side, network.feature_shape(level, size)[0], transfer, path)


def check_channels(side: str, channels: int, transfer: LoadedTransfer, path: Path) -> None:
    """Refuse features with another number of channels than G takes or gives.

    Raises:
        MismatchError: always; such a difference cannot be let through.
    """
    key = {"source": "in_channels", "target": "out_channels"}[side]
    wanted = transfer.run.info[key]
    if channels != wanted:
        raise MismatchError(
            f"{path}: {ROLES[side]} has {channels} channels at {transfer.run.info[side]['level']}, "
            f"but {transfer.run.path} works with {wanted}"
        )


def _subject(line: str) -> str:
    """What a line is about: "preprocessing" of "E1: preprocessing.mean: …"."""
    return re.split(r"[.:]", line.partition(": ")[2], maxsplit=1)[0]
