"""What one network is seen to do on a few images of B: all that a score of images may look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from atdt.diagnose.measures import Far
from atdt.diagnose.scores.outputs import Made
from atdt.domains.labels import LabelSpace
from atdt.tasks.base import Task
from atdt.training.cross_task import CrossTask

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Shown:
    """A few images of B, plain views, by one network. No label of T2 is among it.

    Attributes:
        task, space: T2; None where nothing decodes.
        images: their names (n).
        made: what the network makes of them.
        baseline: predictions (n, …) of N2 as it is; None: B's store has no E2.
        seeds: the same of each G of this configuration by another seed.
        median: the same by the median output of all networks; None: of fewer than three.
        views: for each image its prediction and, by another view, that of the same pixels.
        known: how E2's features lie on A; None: not asked for.
        t1: labels of T1 (n, …), which B has; None: its store holds none.
        cross_task: R, which reads T1 off predictions of T2; None: there is none.
        memory: for what several scores are read off, by name.
    """

    task: Task | None
    space: LabelSpace | None
    images: tuple[str, ...]
    made: Made
    baseline: np.ndarray | None = None
    seeds: Sequence[np.ndarray] = ()
    median: np.ndarray | None = None
    views: Sequence[Sequence[Pair]] = ()
    known: Far | None = None
    t1: np.ndarray | None = None
    cross_task: CrossTask | None = None
    memory: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
