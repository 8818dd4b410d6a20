"""All scores, each one entry here: what it is called, how it is read, and the function behind it.

Another score is one more line: a function of what is shown of a few images (`of_images`, which sees
no label of T2), or of a network as a whole (`of_network`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from atdt.diagnose.scores import of_images, of_networks
from atdt.diagnose.scores.evidence import Evidence
from atdt.diagnose.scores.figures import Which, figure_of
from atdt.diagnose.scores.outputs import Candidate
from atdt.diagnose.scores.shown import Shown
from atdt.domains.labels import LabelSpace
from atdt.evaluate.report_table import Better, Column
from atdt.tasks.base import Metric, Task

LOWER, HIGHER = "lower", "higher"
CLASSES = ("semantic",)

OfImages = Callable[[Shown], np.ndarray | None]
OfNetwork = Callable[[Evidence, Candidate], float | None]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A number that says, without a label of T2 on B, how well a network does there.

    Attributes:
        key: in files.
        title: of its column; "{}" stands for the name of T2's figure.
        reading: a sentence on how to read it.
        better: "lower" or "higher"; None: as T2's figure.
        figure: which of T2's figures it is measured in; None: in a unit of its own.
        digits: behind the point; of T2's figure where it is measured in one.
        percent: a fraction that tables show in per cent.
        tasks: of T2, for which it means something; () for all.
        detail: in files alone, unless it is known to predict well.
        of_images, of_network: the function, one of them.
    """

    key: str
    title: str
    reading: str
    better: Better | None = None
    figure: Which | None = None
    digits: int = 3
    percent: bool = False
    tasks: tuple[str, ...] = ()
    detail: bool = False
    of_images: OfImages | None = None
    of_network: OfNetwork | None = None

    def metric(self, task: Task | None, space: LabelSpace | None) -> Metric | None:
        """T2's figure that it is measured in."""
        if self.figure is None or task is None:
            return None
        return figure_of(task, space, self.figure)

    def applies(self, task: Task | None, space: LabelSpace | None) -> bool:
        """Whether it means something for T2."""
        if self.tasks and (task is None or task.name not in self.tasks):
            return False
        return self.figure is None or self.metric(task, space) is not None

    def column(self, task: Task | None, space: LabelSpace | None) -> Column:
        """Of a table; values are to be divided by `unit`."""
        metric = self.metric(task, space)
        if metric is None:
            return Column(self.title, self.digits, self.better)
        return Column(self.title.format(metric.title), metric.digits, self.better or metric.better)

    def unit(self, task: Task | None, space: LabelSpace | None) -> float:
        """What a value is divided by in tables."""
        metric = self.metric(task, space)
        percent = self.percent if metric is None else metric.percent
        return 0.01 if percent else 1.0


def _both(key: str, title: str, reading: str, **functions: Callable) -> tuple[Score, Score]:
    """A score in each of T2's two figures."""
    made = []
    for which, suffix in (("headline", ""), ("second", "_second")):
        bound = {kind: partial(function, which=which) for kind, function in functions.items()}
        names = {"key": key + suffix, "title": title, "reading": reading}
        made.append(Score(**names, figure=which, detail=which == "second", **bound))
    return made[0], made[1]


SCORES: tuple[Score, ...] = (
    Score(
        key="held_out_loss",
        title="held-out loss on A",
        better=LOWER,
        digits=4,
        reading="By the losses that G was trained with; it compares Gs of the same losses only.",
        of_network=of_networks.loss_on_a,
    ),
    Score(
        key="explained_variance",
        title="explained % on A",
        better=HIGHER,
        digits=1,
        percent=True,
        reading="How much of E2's features G makes on A's held-out images; 100 is all.",
        of_network=partial(of_networks.recorded, name="held_out_explained_variance"),
    ),
    *_both(
        "on_a",
        "{} on A",
        "On A's held-out images, with their labels: what B asks beyond it, it does not say.",
        of_network=of_networks.on_a,
    ),
    *_both(
        "on_rehearsal",
        "{} rehearsed",
        "On images of A in B's look, with A's labels; of depth × the focal ratio of the cameras.",
        of_network=of_networks.on_rehearsal,
    ),
    Score(
        key="outside_on_a",
        title="% outside E2, A",
        better=LOWER,
        percent=True,
        digits=2,
        detail=True,
        reading="As on B, but on A: its own doing.",
        of_network=of_networks.outside_on_a,
    ),
    Score(
        key="outside",
        title="% outside E2",
        better=LOWER,
        percent=True,
        digits=2,
        reading="Of all places on B, where G leaves the features that D2 knows; E2's own are at 1.",
        of_images=of_images.share_outside,
    ),
    *_both(
        "seeds",
        "{} vs other seeds",
        "Gs of other seeds in the place of the truth: where they disagree, chance decides.",
        of_images=of_images.agreement_of_seeds,
    ),
    *_both(
        "baseline",
        "{} vs N2",
        "N2's own prediction in the place of the truth: how far going through E1 changes it; "
        "agreeing with a baseline that fails is no virtue.",
        of_images=of_images.agreement_with_baseline,
    ),
    *_both(
        "median",
        "{} vs the median",
        "The median output of all in the place of the truth: a G far from most is seldom the one "
        "that is right.",
        of_images=of_images.agreement_with_median,
    ),
    *_both(
        "views",
        "{} vs other views",
        "Its plain prediction in the place of the truth for those of other views: the same pixels, "
        "other colours, mirrored or cut elsewhere. Who always says the same is consistent, too.",
        of_images=of_images.consistency_under_views,
    ),
    Score(
        key="cross_task",
        title="T1 read off it",
        better=LOWER,
        reading="How far T1, read off the prediction by a cross-task network, is from B's labels "
        "of T1; not for Gs that learnt by the same network.",
        of_images=of_images.cross_task_consistency,
    ),
    Score(
        key="entropy",
        title="entropy",
        better=LOWER,
        tasks=CLASSES,
        reading="Of the classes of a pixel; 1 is a guess, 0 certainty, which may be misplaced.",
        of_images=of_images.entropy,
    ),
    Score(
        key="density",
        title="neighbourhood density",
        better=HIGHER,
        tasks=CLASSES,
        reading="How many pixels are given nearly the same classes as another: high where they "
        "form clusters; highest where all are one class.",
        of_images=of_images.soft_neighbourhood_density,
    ),
)
