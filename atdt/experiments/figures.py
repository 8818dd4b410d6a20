"""All rows of a direction on the same resamples of seeds and images, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from atdt.evaluate.compare import Compared, compare, gaps
from atdt.evaluate.gap import Gap, Worth, worth, worth_interval
from atdt.evaluate.records import load_measured
from atdt.experiments.direction import (
    ADAPTED,
    ATDT,
    BASELINE,
    FOUNDATION,
    GUIDED,
    HEAD,
    ORACLE,
    PLAIN,
    SELF,
    SHARED,
    SWEPT,
    WARM,
)
from atdt.experiments.label_students import ORACLE_ALIKE, TAUGHT, TAUGHT_G, TAUGHT_HEAD, UNTAUGHT
from atdt.experiments.sides import Direction, Outcome
from atdt.experiments.students import MERGED, STUDENT, STUDENT_BASELINE, STUDENT_MERGED

LABELS = {
    BASELINE: "baseline (N2)",
    ADAPTED: "(iv) batch norm of B",
    WARM: "(iii) N2 from E1",
    SELF: "(v) self-training",
    FOUNDATION: "(vi) frozen foundation encoder",
    SHARED: "(i) two decoders",
    HEAD: "(ii) head on E1",
    PLAIN: "AT/DT, the paper's loss",
    ATDT: "AT/DT",
    MERGED: "merged predictions",
    STUDENT_BASELINE: "student of the baseline",
    STUDENT: "student of AT/DT",
    STUDENT_MERGED: "student of merged predictions",
    UNTAUGHT: "two decoders from E1",
    TAUGHT_HEAD: "head on E1, transferred labels",
    TAUGHT_G: "AT/DT, transferred labels",
    TAUGHT: "student of transferred labels",
    SWEPT: "the sweep's choice, by A",
    GUIDED: "the sweep's choice, by a rehearsal",
    ORACLE: "oracle",
    ORACLE_ALIKE: "oracle, two decoders from E1",
}
ORACLES = (ORACLE, ORACLE_ALIKE)
STUDENTS = (STUDENT_BASELINE, STUDENT, STUDENT_MERGED)
BY_LABELS = (TAUGHT_HEAD, TAUGHT_G, TAUGHT)  # that know what transferred labels say
CHOICES = {SWEPT: "by A", GUIDED: "by a rehearsal"}
# What gap closed is read off, by task: the first that was measured.
GAP_ON = {"depth": ("focal/abs_rel", "abs_rel"), "semantic": ("miou",)}
# And besides, of what no scale changes.
GAP_ALSO = {"depth": "scale_free/silog"}


@dataclass(frozen=True)
class Result:
    """A direction measured over one or more seeds of the encoders.

    Attributes:
        directions, outcomes: one for each seed, in the same order.
        curves: for each seed the oracle's curve, labelled images → measured folder; may be empty.
        block: neighbouring images that the bootstrap draws together.
        merged: rows whose predictions are merged, where any are.
    """

    directions: Sequence[Direction]
    outcomes: Sequence[Outcome]
    curves: Sequence[dict[int, Path]] = ()
    block: int = 1
    merged: Sequence[str] = ()

    @property
    def methods(self) -> list[str]:
        """The rows that were measured, in the order of the table."""
        return [name for name in LABELS if name in self.outcomes[0].rows]


@dataclass(frozen=True)
class Point:
    """The oracle with so many labelled images of B: its score, and replicates (R,) paired with
    those of all rows."""

    score: float
    replicates: np.ndarray


@dataclass(frozen=True)
class Figures:
    """All rows of a direction on the same resamples of seeds and images; `curve`: the oracle's, by
    labelled images in rising order, on the figure of gap closed; `gaps_also`: on `gap_also`."""

    metrics: dict[str, dict]
    rows: dict[str, Compared]
    gaps: dict[str, Gap]
    gap_on: str
    by_seed: dict[str, list[float]]
    curve: Mapping[int, Point] = field(default_factory=dict)
    gap_also: str | None = None
    gaps_also: Mapping[str, Gap] = field(default_factory=dict)

    def worth(self, method: str) -> tuple[Worth, tuple[Worth, Worth] | None]:
        """Labelled images of B that a method is worth on the oracle's curve, and the interval."""
        row, higher = self.rows[method], self.metrics[self.gap_on]["better"] == "higher"
        points = [(count, point.score) for count, point in self.curve.items()]
        curves = np.stack([point.replicates for point in self.curve.values()], axis=1)
        draws = row.replicates[self.gap_on]
        return (
            worth(points, row.scores[self.gap_on], higher),
            worth_interval(list(self.curve), curves, draws, higher),
        )

    def better(self, method: str, other: str) -> bool:
        """Whether a method's mean figure beats another's, on the figure of gap closed."""
        first, second = (self.rows[name].scores[self.gap_on] for name in (method, other))
        higher = self.metrics[self.gap_on]["better"] == "higher"
        return first > second if higher else first < second


def figures(result: Result, *, replicates: int = 1000) -> Figures:
    """Compare all rows of a direction: means over seeds, paired intervals, gap closed."""
    rows = {
        name: [[load_measured(path) for path in outcome.rows[name]] for outcome in result.outcomes]
        for name in result.methods
    }
    labelled = {
        count: [[load_measured(curve[count])] for curve in result.curves]
        for count in sorted(next(iter(result.curves), {}))
    }
    together = rows | {f"{count} labels": row for count, row in labelled.items()}
    compared = compare(together, replicates=replicates, block=result.block)
    info = rows[BASELINE][0][0].info
    metrics = {metric["key"]: metric for metric in info["metrics"]}
    gap_on = next(key for key in GAP_ON.get(info["task"], (info["headline"],)) if key in metrics)
    gap_also = GAP_ALSO.get(info["task"])
    gap_also = gap_also if gap_also in metrics else None
    better = {key: metrics[key]["better"] == "higher" for key in (gap_on, gap_also) if key}
    closed = {
        name: gaps(compared[name], compared[BASELINE], compared[ORACLE], better)
        for name in rows
        if name not in (BASELINE, *ORACLES)
    }
    by_seed = {}
    for name, row in rows.items():
        key = own_key(name, metrics[gap_on])
        by_seed[name] = [
            float(np.mean([m.scores(np.ones((1, len(m.images))))[key][0] for m in group]))
            for group in row
        ]
    points = {n: _best_way(compared.pop(f"{n} labels"), metrics[gap_on]) for n in labelled}
    return Figures(
        metrics,
        compared,
        {name: gap[gap_on] for name, gap in closed.items()},
        gap_on,
        by_seed,
        points,
        gap_also,
        {name: gap[gap_also] for name, gap in closed.items() if gap_also},
    )


def own_key(method: str, metric: Mapping[str, Any]) -> str:
    """Of a method's figure: an oracle that was trained with B's camera is not scaled to it."""
    return (metric["plain"] or metric["key"]) if method in ORACLES else metric["key"]


def shown_factor(metric: Mapping[str, Any]) -> float:
    """What a figure is multiplied by where it is shown, in per cent or as it is."""
    return 100.0 if metric["percent"] else 1.0


def _best_way(row: Compared, metric: dict) -> Point:
    """A figure, plain or in the table's way, whichever is better: a network that saw few images of
    B's camera may be scaled to it or not, and the oracle has labels to choose."""
    keys = filter(None, (metric["key"], metric["plain"]))
    best = (max if metric["better"] == "higher" else min)(keys, key=row.scores.__getitem__)
    return Point(row.scores[best], row.replicates[best])
