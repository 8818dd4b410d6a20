"""How much of the way from baseline to oracle a method goes, and how many labels that is worth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atdt.evaluate.bootstrap import LEVEL, interval


@dataclass(frozen=True)
class Gap:
    """Gap closed, as a fraction of the way from baseline to oracle.

    Attributes:
        value: below 0: worse than the baseline; above 1: better than the oracle; None: undefined.
        interval: of the paired replicates; None where too many are undefined to have one.
        undefined: the share of replicates in which the oracle does not beat the baseline.
    """

    value: float | None
    interval: tuple[float, float] | None
    undefined: float


def gap_closed(
    method: float, baseline: float, oracle: float, higher_is_better: bool
) -> float | None:
    """(method − baseline) / (oracle − baseline), or None where the oracle does not beat the
    baseline or a figure is not finite."""
    value = gaps_closed(*(np.array([x]) for x in (method, baseline, oracle)), higher_is_better)[0]
    return None if math.isnan(value) else float(value)


def gaps_closed(
    method: np.ndarray, baseline: np.ndarray, oracle: np.ndarray, higher_is_better: bool
) -> np.ndarray:
    """`gap_closed` of R paired replicates: (R,) float64, NaN where undefined."""
    way = oracle - baseline
    beaten = (way > 0 if higher_is_better else way < 0) & np.isfinite(way)
    gaps = (method - baseline) / np.where(beaten, way, np.nan)
    return np.where(np.isfinite(gaps), gaps, np.nan)


def gap_with_interval(
    scores: tuple[float, float, float],
    replicates: tuple[np.ndarray, np.ndarray, np.ndarray],
    higher_is_better: bool,
) -> Gap:
    """The gap closed by (method, baseline, oracle), with the interval of their replicates (R,),
    which must come from the same resamples."""
    gaps = gaps_closed(*replicates, higher_is_better)
    value = gap_closed(*scores, higher_is_better)
    return Gap(
        value=value,
        interval=None if value is None else interval(gaps),
        undefined=float(np.isnan(gaps).mean()) if gaps.size else 0.0,
    )


@dataclass(frozen=True)
class Worth:
    """So many labelled images of B: exactly `images`, or beyond an end of the curve.

    `bound` is "" for a number on the curve, "<" below the score of its first point and ">" above
    all of its scores; `images` is then that of the first or the last point.
    """

    images: float
    bound: str = ""

    def __str__(self) -> str:
        number = f"{self.images:.2g}" if self.images < 10 else f"{self.images:.0f}"
        return f"{self.bound} {number}".strip()


def worth(
    curve: Sequence[tuple[float, float]], score: float, higher_is_better: bool = True
) -> Worth:
    """The smallest number of labelled images with which the oracle reaches `score`.

    Args:
        curve: (labelled images, the oracle's score with them), two points or more, in rising
            order of images. Between points the score is taken as linear in log(1 + images), since
            the points are spaced so.

    Raises:
        ValueError: fewer than two points, not in rising order, or a score that is not finite.
    """
    images, scores = _checked(curve)
    if not math.isfinite(score):
        raise ValueError(f"a score of {score} is worth nothing known")
    value = _reached(images, scores[None], np.array([score], float), higher_is_better)[0]
    return _bounded(value, images)


def worth_interval(
    images: Sequence[float],
    curves: np.ndarray,
    scores: np.ndarray,
    higher_is_better: bool = True,
    level: float = LEVEL,
) -> tuple[Worth, Worth] | None:
    """The percentile interval of `worth` over paired replicates.

    Args:
        images: the P numbers of labelled images, in rising order.
        curves: (R, P) the oracle's scores with them.
        scores: (R,) the method's.

    Returns:
        its ends, either of which may lie beyond the curve; None where replicates that are not
        finite could be one of them.
    """
    numbers, _ = _checked([(count, 0.0) for count in images])
    values = np.sort(_reached(numbers, curves, scores, higher_is_better))  # NaN goes last
    tail = (1 - level) / 2
    undefined = int(np.isnan(values).sum())
    values = values[: values.size - undefined]
    if not values.size or undefined > tail * (values.size + undefined):
        return None
    # Order statistics, not interpolation: an end may be infinite.
    low = values[max(math.ceil(tail * values.size) - 1, 0)]
    high = values[min(math.ceil((1 - tail) * values.size), values.size) - 1]
    return _bounded(low, numbers), _bounded(high, numbers)


def _checked(curve: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    images = np.array([point[0] for point in curve], float)
    scores = np.array([point[1] for point in curve], float)
    if len(images) < 2 or images[0] < 0 or not (np.diff(images) > 0).all():
        raise ValueError(f"a curve needs two or more rising numbers of images, not {images}")
    if not np.isfinite(scores).all():
        raise ValueError(f"the curve's scores are not all finite: {scores}")
    return images, scores


def _reached(
    images: np.ndarray, curves: np.ndarray, scores: np.ndarray, higher_is_better: bool
) -> np.ndarray:
    """Images at which each curve (R, P) first reaches its score (R,): (R,), −inf where its first
    point is already better, +inf where no point is as good, NaN where anything is not finite."""
    sign = 1.0 if higher_is_better else -1.0
    curves, scores = sign * curves, sign * scores
    places = np.log1p(images)
    reached = np.full(len(scores), np.inf)
    for after in range(len(images) - 1, 0, -1):  # backwards: the first crossing is written last
        low, high = curves[:, after - 1], curves[:, after]
        crosses = (low < scores) & (scores <= high)
        share = (scores - low) / np.where(crosses, high - low, 1.0)
        place = places[after - 1] + share * (places[after] - places[after - 1])
        reached = np.where(crosses, np.expm1(np.where(crosses, place, 0.0)), reached)
    reached = np.where(curves[:, 0] == scores, images[0], reached)
    reached = np.where(curves[:, 0] > scores, -np.inf, reached)
    known = np.isfinite(curves).all(axis=1) & np.isfinite(scores)
    return np.where(known, reached, np.nan)


def _bounded(value: float, images: np.ndarray) -> Worth:
    if math.isinf(value):
        return Worth(float(images[-1]), ">") if value > 0 else Worth(float(images[0]), "<")
    return Worth(float(value))
