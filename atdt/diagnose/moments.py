"""Which channels of E1 see B otherwise than A."""

import csv
import io
from dataclasses import dataclass

import numpy as np

COLUMNS = ("channel", "mean_a", "std_a", "mean_b", "std_b", "shift", "log_ratio")


@dataclass(frozen=True, eq=False)
class Moments:
    """Of each channel, over every location of every plain view, summed in float64.

    Attributes:
        mean, std: (C,) float64.
    """

    mean: np.ndarray
    std: np.ndarray


def moment_shifts(a: Moments, b: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Of each channel the difference of means, B's less A's, in standard deviations of A, and the
    log of the ratio of standard deviations, (C,) each; NaN for one that is constant in either."""
    alive = (a.std > 0) & (b.std > 0)
    own, other = (np.where(alive, of.std, np.nan) for of in (a, b))
    return (b.mean - a.mean) / own, np.log(other / own)


def moments_csv(a: Moments, b: Moments) -> str:
    """A row for each channel, as `COLUMNS` says; what a constant channel has none of is empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    columns = (a.mean, a.std, b.mean, b.std, *moment_shifts(a, b))
    for channel, values in enumerate(zip(*columns, strict=True)):
        rows.writerow([channel, *("" if np.isnan(v) else f"{v:.6g}" for v in values)])
    return text.getvalue()
