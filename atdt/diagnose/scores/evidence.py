"""What networks are scored by: stores, N2, labels of A. No label of T2 on B."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from atdt.diagnose.clouds import cloud
from atdt.diagnose.judging import Judge, judge_on_a, judge_rehearsal
from atdt.diagnose.measures import Far
from atdt.diagnose.scores.outputs import D2, Candidate
from atdt.diagnose.scores.seen import Seen
from atdt.domains.labels import LabelSpace
from atdt.domains.sharing import Origin
from atdt.errors import UserError
from atdt.stores import FeatureReader, Store, open_store
from atdt.stores.provenance import differences
from atdt.tasks import get_task, task_names
from atdt.tasks.base import Task
from atdt.training.cross_task import CrossTask, load_cross_task
from atdt.training.load import LoadedNetwork
from atdt.transfer.building import focal_of
from atdt.transfer.lessons import labels_of
from atdt.transfer.setting import Setting, array_key, network_key, same_source, size_of_views


@dataclass(frozen=True, eq=False)
class Evidence:
    """What networks are scored by.

    Attributes:
        setting: what Gs learn from on A.
        task, space: T2; None: no network decodes.
        device: where networks compute.
        on_a: judges on A's held-out images; None: nothing is held out, or no labels are there.
        rehearsal: judges on A in B's look; None: there is none.
        seen: B's store; None: B is not looked at.
        cross_task: R, by which predictions of T2 are held to B's labels of T1; None: there is none.
    """

    setting: Setting
    task: Task | None
    space: LabelSpace | None
    device: torch.device
    on_a: Judge | None = None
    rehearsal: Judge | None = None
    seen: Seen | None = None
    cross_task: CrossTask | None = None
    _judged: dict[tuple[int, str], Mapping[str, float]] = field(default_factory=dict, init=False)

    @cached_property
    def known(self) -> Far | None:
        """How E2's features lie on A; None where B is not looked at, or no G makes such."""
        target = self.setting.readers.get("target")
        if self.seen is None or target is None:
            return None
        return Far(cloud(self.setting.store, target).vectors)

    def figures(self, judge: Judge, candidate: Candidate) -> Mapping[str, float]:
        """T2's figures of a network by a judge, measured once."""
        key = id(judge), candidate.name
        if key not in self._judged:
            scale = self._focal_scale(candidate)
            found = judge.figures(candidate.network, self.device, candidate.precision, scale)
            self._judged[key] = found
        return self._judged[key]

    def _focal_scale(self, candidate: Candidate) -> float | None:
        """N2's focal length over the one that depth behind this G holds under."""
        of_n2 = self.setting.teacher.run.info
        focals = focal_of({}, of_n2), focal_of(candidate.info, of_n2)
        return None if None in focals else focals[0] / focals[1]


def gather(
    setting: Setting,
    source: str,
    b: Path | None,
    rehearsal: Path | None,
    device: torch.device,
    cross_task: Path | None = None,
) -> Evidence:
    """Open what networks are scored by.

    Args:
        source: name of E1's array in each store.
        b: a store of B, or None.
        rehearsal: a store of A in B's look, with labels of T2, or None.
        cross_task: a run of R, or None.

    Raises:
        UserError: a store without the array, a rehearsal that is B or is without labels or N2, or R
            without N2 or B's labels of T1.
        MismatchError: a store's E1 is another than the one of `setting`, or R reads another task.
    """
    teacher = setting.teacher
    if teacher is not None:
        teacher.network.to(device)
    seen = None if b is None else see(b, source, setting)
    r = None
    if cross_task is not None:
        r = load_cross_task(cross_task, device)
        seen = _agreeing(seen, r, teacher)
    return Evidence(
        setting=setting,
        task=None if teacher is None else teacher.task,
        space=None if teacher is None else teacher.space,
        device=device,
        on_a=judge_on_a(setting),
        rehearsal=None if rehearsal is None else _rehearsed(rehearsal, source, setting, seen),
        seen=seen,
        cross_task=r,
    )


def _rehearsed(path: Path, source: str, setting: Setting, seen: Seen | None) -> Judge:
    """The judge of a rehearsal, which is not B itself."""
    if seen is not None and _origin(open_store(path)).shares(_origin(seen.store)):
        raise UserError(
            f"--rehearsal {path}: holds images of {seen.store.domain.get('name')}, B itself, whose "
            "labels may choose nothing; `atdt rehearse` makes one of A"
        )
    return judge_rehearsal(path, source, setting)


def _origin(store: Store) -> Origin:
    return Origin.recorded(store.domain, map(str, np.unique(store.samples.image)))


def _agreeing(seen: Seen | None, r: CrossTask, teacher: LoadedNetwork | None) -> Seen:
    """B's store with the labels that R is held to."""
    if seen is None or teacher is None:
        raise UserError(f"{r.run.path}: scores predictions of T2 on B: give N2 and a store of B")
    if r.task.label == teacher.task.label:
        raise UserError(f"{r.run.path}: gives {r.task.label!r}, whose labels T2 itself has")
    r.check_reads(teacher.task, teacher.space.classes, teacher.run.path)
    return replace(seen, t1=labels_of(seen.store, r))


def see(path: Path, source: str, setting: Setting) -> Seen:
    """B's store, as scores look at it.

    Raises:
        UserError: the store has no such features.
        MismatchError: its E1 is another than that of the store that Gs learn from.
    """
    store, teacher = open_store(path), setting.teacher
    size = size_of_views(store)
    d2 = None if teacher is None else D2(teacher, setting.target_level, size)
    return Seen(
        store=store,
        size=size,
        source=same_source(store, source, setting),
        baseline=None if d2 is None else _baseline(store, d2),
        d2=d2,
        t1=_labels_of_t1(store, setting),
    )


def _baseline(store: Store, d2: D2) -> FeatureReader | None:
    """E2's features in B's store, of whatever name, if N2 made them."""
    wanted = network_key(d2.teacher.network, d2.level)
    for name in store.arrays(d2.level) if d2.level in store.levels() else []:
        if store.status(d2.level, name) != "complete":
            continue
        reader = store.features(d2.level, name)
        if not differences(array_key(reader), wanted):
            return reader
    return None


def _labels_of_t1(store: Store, setting: Setting) -> FeatureReader | None:
    """T1's labels in B's store, unless T2 learns from labels of that kind."""
    name = setting.readers["source"].attrs.get("task")
    kind = get_task(name).label if name in task_names() else None
    t2 = None if setting.teacher is None else setting.teacher.task.label
    if kind is None or kind == t2 or kind not in store.labels():
        return None
    return store.labels_reader(kind)
