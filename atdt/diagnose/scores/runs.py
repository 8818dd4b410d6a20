"""From runs of Gs, and predictions folders, to what is scored and by what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from atdt.diagnose.scores.evidence import Evidence, gather
from atdt.diagnose.scores.outputs import Baseline, Candidate, Predicted, Transferred
from atdt.diagnose.scores.seen import Seen
from atdt.domains import ViewPlan
from atdt.errors import MismatchError, UserError
from atdt.predictions import INDEX, open_predictions
from atdt.runs import Run
from atdt.stores.provenance import differences
from atdt.transfer import TransferTraining
from atdt.transfer.building import HEAD_MODE
from atdt.transfer.config import HEAD
from atdt.transfer.head import DEFAULT_BODY
from atdt.transfer.load import LoadedTransfer
from atdt.transfer.setting import Setting, array_key, network_key, prepare

SHARE = 0.1  # held out of A where no run says how much
# Options of a training by which Gs of one configuration may differ.
OF_A_SEED = ("seed", "order_seed")


def evidence_of(
    a: Path,
    b: Path,
    source: str,
    transfers: Sequence[LoadedTransfer],
    target: str | None,
    level: str | None,
    target_run: Path | None,
    rehearsal: Path | None,
    device: torch.device,
    cross_task: Path | None = None,
) -> Evidence:
    """What runs of G are scored by.

    Args:
        a, b: stores of the two domains.
        source, target: names of E1's array in both and of E2's in `a`; None: as the first G has it.
        transfers: cut at the same levels.
        level: where both are cut if there is no G; None: the deepest.
        target_run: N2's run; None: nothing decodes.
        rehearsal: a store, or None.
        cross_task: a run of R, or None.

    Raises:
        UserError: Gs of several levels, or what `prepare` and `gather` refuse.
        MismatchError: a G is of another E1 or D2.
    """
    heads = [one for one in transfers if one.mode == HEAD_MODE]
    if heads and target_run is None:
        raise UserError(f"{heads[0].run.path}: is a head, which makes no features; --target-run N2")
    levels = _levels(transfers) or (level, level)
    arrays = [one.run.info["target"]["array"] for one in transfers]
    if not (target or arrays):
        raise UserError("--predictions alone: name E2's features in A by --to")
    shares = [float(_config(one.run).get("held_out", SHARE)) for one in transfers]
    setting = prepare(
        TransferTraining(
            store=a,
            source=source,
            target=target or arrays[0],
            out=a,  # of no training: nothing is written
            source_level=levels[0],
            target_level=levels[1],
            architecture=HEAD if transfers and len(heads) == len(transfers) else DEFAULT_BODY,
            target_run=target_run,
            held_out=min(shares, default=SHARE),
        )
    )
    for one in transfers:
        _check_belongs(one, setting)
    return gather(setting, source, b, rehearsal, device, cross_task)


def _levels(transfers: Sequence[LoadedTransfer]) -> tuple[str, str] | None:
    """Where E1 and E2 of all Gs are cut; None without a G."""
    found = {(one.source_level, one.level): one.run.path for one in transfers}
    if len(found) > 1:
        (one, path), (other, second) = list(found.items())[:2]
        raise UserError(
            f"{second}: is cut at {' and '.join(other)}, {path} at {' and '.join(one)}; score them "
            "apart"
        )
    return next(iter(found), None)


def networks_of(
    evidence: Evidence, transfers: Sequence[LoadedTransfer], predictions: Sequence[Path]
) -> list[Candidate]:
    """All that is scored: Gs, predictions folders and, where B's store has its features, N2.

    Raises:
        MismatchError: predictions of another task, of other images or another view.
    """
    seen, device = evidence.seen, evidence.device
    names = _names([one.run.path for one in transfers] + list(predictions))
    found: list[Candidate] = []
    for one in transfers:
        info = one.run.info
        one.module.to(device)
        found.append(
            Transferred(
                name=names[one.run.path],
                network=one.module,
                info=info,
                d2=seen.d2,
                device=device,
                configuration=_configuration(info),
                precision=_config(one.run).get("precision", "float32"),
            )
        )
    for folder in predictions:
        found.append(_predicted(folder, names[folder], evidence, seen))
    if seen.baseline is not None:
        found.append(Baseline(seen.d2, device))
    return found


def _check_belongs(transfer: LoadedTransfer, setting: Setting) -> None:
    wanted = {"source": ("learnt from another E1", array_key(setting.readers["source"]))}
    if setting.teacher is not None:
        key = network_key(setting.teacher.network, setting.target_level)
        wanted["target"] = (f"goes with another N2 than {setting.teacher.run.path}", key)
    for side, (problem, key) in wanted.items():
        found = differences(transfer.run.info[side]["key"], key, sides=("trained with", "this is"))
        if found:
            raise MismatchError(f"{transfer.run.path}: {problem}: {'; '.join(found)}")


def _predicted(folder: Path, name: str, evidence: Evidence, seen: Seen) -> Predicted:
    predictions, task = open_predictions(folder), evidence.task
    index = folder / INDEX
    if predictions.task != task.name:
        raise MismatchError(
            f"{index}: holds predictions of {predictions.task!r}, not {task.name!r}"
        )
    if predictions.domain.get("digest") != seen.store.domain.get("digest"):
        raise MismatchError(f"{index}: predictions of other images than {seen.store.path} holds")
    classes = tuple(predictions.label_space.get("classes", ()))
    if task.label == "semantic" and classes != evidence.space.classes:
        raise MismatchError(f"{index}: of other classes than {seen.d2.teacher.run.path}")
    plans = (ViewPlan.from_dict(plan).plain() for plan in (predictions.view, seen.store.plan))
    if len(set(plans)) > 1:
        raise MismatchError(f"{index}: of another view than the plain one of {seen.store.path}")
    return Predicted(predictions, task, seen.size, name)


def _configuration(info: Mapping[str, Any]) -> str:
    """What a G has in common with Gs of other seeds."""
    rest = {key: value for key, value in info["config"].items() if key not in OF_A_SEED}
    return repr(sorted(rest.items()))


def _config(run: Run) -> Mapping[str, Any]:
    found = run.info.get("config")
    return found if isinstance(found, Mapping) else {}


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """The shortest ends of paths that tell them apart."""
    whole = {path: path.resolve().parts for path in paths}
    for length in range(1, max(map(len, whole.values())) + 1):
        names = {path: "/".join(parts[-length:]) for path, parts in whole.items()}
        if len(set(names.values())) == len(names):
            return names
    raise UserError(f"{paths[0]}: is given twice")
