"""Rows of a table on the same resamples of the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from atdt.errors import MismatchError
from atdt.evaluate.bootstrap import LEVEL, image_counts, interval, seed_counts
from atdt.evaluate.gap import Gap, gap_with_interval
from atdt.evaluate.records import Measured

SAME = ("task", "domain", "view", "label_space", "truth_sha256")
Row = Sequence[Sequence[Measured]]


@dataclass(frozen=True)
class Compared:
    """A row's figures: `scores` are means over its trainings, `replicates` (R,) float64 the same of
    every resample, paired with those of the other rows; `plain`: see `Metric.plain`, by key."""

    scores: dict[str, float]
    replicates: dict[str, np.ndarray]
    plain: Mapping[str, str] = field(default_factory=dict)

    def interval(self, key: str, level: float = LEVEL) -> tuple[float, float] | None:
        """The percentile interval of a figure; None where it has none."""
        return interval(self.replicates[key], level)

    def described(self) -> dict[str, dict[str, Any]]:
        """Scores and intervals for JSON, which has no NaN: what is undefined is null."""
        scores = {key: value if np.isfinite(value) else None for key, value in self.scores.items()}
        return {"scores": scores, "intervals": {key: self.interval(key) for key in scores}}


def compare(
    rows: Mapping[str, Row], *, replicates: int = 1000, block: int = 1, seed: int = 0
) -> dict[str, Compared]:
    """Measure rows over trainings and images, and resample both.

    Images and trainings are crossed: a resample draws encoder seeds, trainings within each of
    them, and one set of images that all of them are measured on (Owen, "The Pigeonhole Bootstrap",
    Annals of Applied Statistics 2007), since an image that is hard is hard for every training.

    Args:
        rows: for each row its seeds of encoders, and for each of these its trainings (seeds of G;
            one for a row that has none). Rows are paired by encoder seed: all have as many.
        replicates: R; 0 gives no intervals, nor does a set of one image.
        block: see `image_counts`.

    Raises:
        MismatchError: rows of other tasks, images, views or truth, or with other numbers of seeds.
    """
    everything = [measured for row in rows.values() for group in row for measured in group]
    for measured in everything[1:]:
        check_comparable(everything[0], measured)
    if len({len(row) for row in rows.values()}) > 1:
        counts = ", ".join(f"{name} {len(row)}" for name, row in rows.items())
        raise MismatchError(f"rows are paired by encoder seed, but have {counts}")
    images = len(everything[0].images)
    if images < 2:
        replicates = 0
    weights = image_counts(images, replicates, seed, block)
    whole = np.ones((1, images))
    metrics = everything[0].task.metrics(everything[0].space)
    plain = {metric.key: metric.plain for metric in metrics if metric.plain}
    compared = {}
    for name, row in rows.items():
        scores = _over_seeds(row, whole, None)
        compared[name] = Compared(
            scores={key: float(values[0]) for key, values in scores.items()},
            replicates=_over_seeds(row, weights, seed),
            plain=plain,
        )
    return compared


def gaps(
    method: Compared, baseline: Compared, oracle: Compared, higher_is_better: Mapping[str, bool]
) -> dict[str, Gap]:
    """Gap closed for each figure that the rows have and of which `higher_is_better` tells.

    The oracle, which was trained with this camera, counts as it is against baseline and method
    × focal ratio.
    """
    closed = {}
    for figure, better in higher_is_better.items():
        places = ((method, figure), (baseline, figure), (oracle, oracle.plain.get(figure, figure)))
        if all(key in row.scores for row, key in places):
            closed[figure] = gap_with_interval(
                tuple(row.scores[key] for row, key in places),
                tuple(row.replicates[key] for row, key in places),
                better,
            )
    return closed


def check_comparable(first: Measured, second: Measured) -> None:
    """Prove that two rows were measured on the same truth of the same images in the same view.

    Raises:
        MismatchError: naming what differs.
    """
    different = [key for key in SAME if _identity(first, key) != _identity(second, key)]
    if first.images != second.images:
        different.append("images")
    if different:
        raise MismatchError(
            f"{first.where} and {second.where} cannot be compared: other {', '.join(different)}; "
            "predict and evaluate both on the same images in the same way"
        )


def _identity(measured: Measured, key: str) -> object:
    """What must be equal; of a domain not its path, of a label space not its colours."""
    value = measured.info[key]
    if key == "domain":
        return value["digest"]
    return value["classes"] if key == "label_space" else value


def _over_seeds(row: Row, weights: np.ndarray, seed: int | None) -> dict[str, np.ndarray]:
    """Figures (R,) of a row, averaged over trainings: each once (no seed), or as drawn."""
    shape = len(weights)

    def drawn(count: int, stream: int) -> np.ndarray:
        if seed is None:
            return np.ones((shape, count))
        return seed_counts(count, shape, seed, stream)

    encoders = drawn(len(row), 0)
    total: dict[str, np.ndarray] = {}
    for place, group in enumerate(row):
        trainings = drawn(len(group), 1 + place)
        for number, measured in enumerate(group):
            share = encoders[:, place] * trainings[:, number] / (len(row) * len(group))
            for key, values in measured.scores(weights).items():
                # What is not drawn adds nothing, even where it is undefined.
                part = np.where(share > 0, share * values, 0.0)
                total[key] = total.get(key, 0.0) + part
    return total
