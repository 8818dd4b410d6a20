"""All rows of a direction on the same resamples of seeds and images, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from atdt.evaluate.bootstrap import LEVEL, interval
from atdt.evaluate.compare import Compared, compare, gaps
from atdt.evaluate.gap import Gap, Worth, worth, worth_interval
from atdt.evaluate.records import load_measured
from atdt.evaluate.report_table import metric_title, number_text
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
from atdt.experiments.label_students import ORACLE_ALIKE, TAUGHT, UNTAUGHT
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
    TAUGHT: "student of transferred labels",
    SWEPT: "the sweep's choice, by A",
    GUIDED: "the sweep's choice, by a rehearsal",
    ORACLE: "oracle",
    ORACLE_ALIKE: "oracle, two decoders from E1",
}
# The same in a sentence.
SHORT = {
    BASELINE: "the baseline",
    ADAPTED: "the baseline with batch norm re-estimated on B",
    WARM: "N2 started from E1",
    SELF: "self-training",
    FOUNDATION: "a decoder on a frozen foundation encoder",
    SHARED: "one encoder with two decoders",
    HEAD: "a head on frozen E1",
    PLAIN: "AT/DT with the paper's loss alone",
    ATDT: "AT/DT itself",
    MERGED: "merged predictions",
    STUDENT_BASELINE: "the student of the baseline",
    UNTAUGHT: "two decoders started from E1",
}
ORACLES = (ORACLE, ORACLE_ALIKE)
RIVALS = (SHARED, HEAD, WARM, ADAPTED, SELF, FOUNDATION)
STUDENTS = (STUDENT_BASELINE, STUDENT, STUDENT_MERGED)
CHOICES = {SWEPT: "by A", GUIDED: "by a rehearsal"}
FEW_SEEDS = 5  # below it a bootstrap over seeds says too little of their spread
# What gap closed is read off, by task: the first that was measured.
GAP_ON = {"depth": ("focal/abs_rel", "abs_rel"), "semantic": ("miou",)}


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
    labelled images in rising order, on the figure of gap closed."""

    metrics: dict[str, dict]
    rows: dict[str, Compared]
    gaps: dict[str, Gap]
    gap_on: str
    by_seed: dict[str, list[float]]
    curve: Mapping[int, Point] = field(default_factory=dict)

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
    better = {gap_on: metrics[gap_on]["better"] == "higher"}
    closed = {
        name: gaps(compared[name], compared[BASELINE], compared[ORACLE], better)[gap_on]
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
    return Figures(metrics, compared, closed, gap_on, by_seed, points)


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


def verdict(measured: Figures) -> str:
    """What the table says of AT/DT, rival by rival, and how certain it is."""
    metric = measured.metrics[measured.gap_on]
    name = metric_title(metric, unit=False)
    gap = measured.gaps[ATDT]
    closed = (
        "the gap that it closes is undefined, since the oracle is no better than the baseline"
        if gap.value is None
        else f"AT/DT closes {_percent(gap)} of the gap between baseline and oracle"
    )
    one_loss = "" if PLAIN in measured.rows else " (its losses are the paper's here)"
    rivals = [
        name for name in measured.rows if name not in (ATDT, TAUGHT, *ORACLES, *STUDENTS, *CHOICES)
    ]
    ahead = [_against(measured, ATDT, rival) for rival in rivals]
    of_others = f"{_of_students(measured)}{_of_labels(measured)}{_of_sweep(measured)}"
    return (
        f"By {name} on B, {closed}. AT/DT{one_loss} is "
        f"{'; '.join(ahead)}.{of_others} A difference is certain "
        f"where its paired {100 * LEVEL:.0f} % interval over seeds and images excludes zero."
        f"{_few_seeds(measured)}{_scalar_warning(measured)}"
    )


def _percent(gap: Gap) -> str:
    value, *ends = (number_text(100 * x, 0) for x in (gap.value, *(gap.interval or ())))
    return f"{value} [{', '.join(ends)}] %" if ends else f"{value} %"


def _of_students(measured: Figures) -> str:
    """A sentence on AT/DT's student: against its teacher, and against what people do without."""
    if STUDENT not in measured.rows:
        return ""
    others = (ATDT, STUDENT_BASELINE if STUDENT_BASELINE in measured.rows else SELF)
    said = "; ".join(_against(measured, STUDENT, other) for other in others)
    return f" The student of AT/DT is {said}."


def _of_labels(measured: Figures) -> str:
    """A sentence on the student of transferred labels: against AT/DT and every rival."""
    if TAUGHT not in measured.rows:
        return ""
    others = [row for row in (BASELINE, ATDT, UNTAUGHT, *RIVALS) if row in measured.rows]
    said = "; ".join(_against(measured, TAUGHT, other) for other in others)
    gap = measured.gaps[TAUGHT]
    closed = "" if gap.value is None else f"closes {_percent(gap)} of the gap and "
    return f" The student of transferred labels {closed}is {said}."


def _of_sweep(measured: Figures) -> str:
    """A sentence on each G that a sweep chose: against the baseline and the row AT/DT."""
    said = ""
    for row, how in CHOICES.items():
        if row in measured.rows:
            against = "; ".join(_against(measured, row, other) for other in (BASELINE, ATDT))
            said += f" What the sweep chooses {how} is {against}."
    return said


def _few_seeds(measured: Figures) -> str:
    """A sentence where so few trainings were drawn from that the interval is too narrow."""
    seeds = len(measured.by_seed[ATDT])
    if seeds >= FEW_SEEDS:
        return ""
    drawn = f"{seeds} seeds of the encoders" if seeds > 1 else "one training"
    return f" Drawn from {drawn}, that interval is narrower than what another training would move."


def _scalar_warning(measured: Figures) -> str:
    """A sentence where the baseline × one scalar fitted on B is as good as AT/DT: no claim then."""
    scaled = f"scalar/{measured.gap_on.rpartition('/')[2]}"
    if scaled not in measured.metrics:
        return ""
    baseline, own = measured.rows[BASELINE].scores[scaled], measured.rows[ATDT].scores
    lower = measured.metrics[scaled]["better"] == "lower"
    if not (baseline <= own[measured.gap_on] if lower else baseline >= own[measured.gap_on]):
        return ""
    return (
        f" But the baseline × one scalar fitted on B's labels has {baseline:.3f}, against AT/DT's "
        f"{own[measured.gap_on]:.3f}: by this figure no transfer is claimed, only by those that "
        "no scalar changes."
    )


def _against(measured: Figures, method: str, rival: str) -> str:
    sign = 1 if measured.metrics[measured.gap_on]["better"] == "higher" else -1
    pairs = zip(measured.by_seed[method], measured.by_seed[rival], strict=True)
    wins = sum(sign * (own - other) > 0 for own, other in pairs)
    difference = sign * (
        measured.rows[method].replicates[measured.gap_on]
        - measured.rows[rival].replicates[measured.gap_on]
    )
    ends = interval(difference)
    certain = ends is not None and (ends[0] > 0 or ends[1] < 0)
    verb = "ahead of" if measured.better(method, rival) else "behind"
    label = SHORT[rival]
    seeds = len(measured.by_seed[method])
    return f"{verb} {label} ({'certain' if certain else 'uncertain'}; ahead on {wins} of {seeds})"
