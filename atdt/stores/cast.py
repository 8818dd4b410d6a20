"""Casting with checks, and statistics that merge to the same bits whatever was interrupted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from atdt.errors import NumericsError

FLOAT16_MAX = float(np.finfo(np.float16).max)
CACHED_VALUES = 1 << 16


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of the values as stored, accumulated in float64.

    Attributes:
        count: values a channel.
        max_abs: largest magnitude before the cast.
        cast_error_max: largest |stored − given|; 0 for values given in the array's own dtype.
        cast_error_sum: sum of |stored − given| over all channels.
        mean: (C,) mean of each channel.
        squares: (C,) sum of squared deviations from the mean.
    """

    count: int
    max_abs: float
    cast_error_max: float
    cast_error_sum: float
    mean: np.ndarray
    squares: np.ndarray

    def to_record(self) -> dict[str, Any]:
        """As JSON; floats come back to the bit."""
        lists = {"mean": self.mean.tolist(), "squares": self.squares.tolist()}
        return {**self.__dict__, **lists}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        lists = {key: np.array(record[key], dtype=np.float64) for key in ("mean", "squares")}
        return cls(**{**record, **lists})

    def summary(self) -> dict[str, Any]:
        """What the ledger keeps of a finished array: `mean` and `variance` are lists, (C,)."""
        values = self.count * len(self.mean)
        return {
            "count": self.count,
            "max_abs": self.max_abs,
            "cast_error_max": self.cast_error_max,
            "cast_error_mean": self.cast_error_sum / values,
            "mean": self.mean.tolist(),
            "variance": (self.squares / self.count).tolist(),
        }


def merge(parts: Iterable[Statistics]) -> Statistics:
    """Statistics of all parts together; the order of `parts` decides the last bits.

    Pairwise update of mean and squares: Chan, Golub & LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances", 1979.
    """
    parts = iter(parts)
    total = next(parts)
    for part in parts:
        count = total.count + part.count
        delta = part.mean - total.mean
        total = Statistics(
            count=count,
            max_abs=max(total.max_abs, part.max_abs),
            cast_error_max=max(total.cast_error_max, part.cast_error_max),
            cast_error_sum=total.cast_error_sum + part.cast_error_sum,
            mean=total.mean + delta * (part.count / count),
            squares=total.squares
            + part.squares
            + delta * delta * (total.count * part.count / count),
        )
    return total


def cast_block(
    array: np.ndarray, dtype: str, sample_ids: Sequence[str], where: str
) -> tuple[np.ndarray, Statistics | None]:
    """Cast a block to the array's dtype, sample by sample, and measure it.

    Args:
        array: (n, C, h, w) or (n, h, w) float32, or `dtype` itself.
        dtype: what is stored.
        sample_ids: n names, for messages.
        where: the array's name, for messages.

    Returns:
        The block in `dtype`, contiguous, and its statistics (None for integers).

    Raises:
        NumericsError: a value is not finite, or beyond the range of float16.
        TypeError: `array` is neither float32 nor `dtype`.
    """
    if array.dtype != dtype and (array.dtype != np.float32 or np.dtype(dtype).kind != "f"):
        raise TypeError(f"{where} stores {dtype}, and was given {array.dtype}")
    if np.dtype(dtype).kind != "f":
        return np.ascontiguousarray(array), None
    stored = np.empty(array.shape, dtype)
    parts = []
    for given, kept, name in zip(array, stored, sample_ids, strict=True):
        peak = float(max(given.max(), -given.min()))
        _check_peak(peak, dtype, str(name), where)
        kept[...] = given
        parts.append(_measure(given, kept, peak))
    return stored, merge(parts)


def _check_peak(peak: float, dtype: str, name: str, where: str) -> None:
    if not np.isfinite(peak):
        raise NumericsError(
            f"{where}: sample {name!r} has values that are not finite; look at this image and at "
            "the network's weights, or compute with --precision float32"
        )
    if dtype == "float16" and peak > FLOAT16_MAX:
        raise NumericsError(
            f"{where}: sample {name!r} reaches {peak:.6g}, beyond float16's {FLOAT16_MAX:.0f}; "
            "extract with --dtype float32"
        )


def _measure(given: np.ndarray, kept: np.ndarray, peak: float) -> Statistics:
    """Statistics of one sample, a few channels at a time so that they stay in the cache."""
    channels = kept.shape[0] if kept.ndim == 3 else 1
    given, kept = given.reshape(channels, -1), kept.reshape(channels, -1)
    mean, squares = np.empty(channels), np.empty(channels)
    error_max = error_sum = 0.0
    together = max(1, CACHED_VALUES // kept.shape[1])
    for first in range(0, channels, together):
        rows = slice(first, first + together)
        values = kept[rows].astype(np.float32)
        if given.dtype != kept.dtype:
            error = np.abs(values - given[rows])
            error_max = max(error_max, float(error.max()))
            error_sum += float(error.sum(dtype=np.float64))
        deviations = values.astype(np.float64)
        mean[rows] = deviations.mean(axis=1)
        deviations -= mean[rows, None]
        squares[rows] = np.einsum("ij,ij->i", deviations, deviations)
    return Statistics(kept.shape[1], abs(peak), error_max, error_sum, mean, squares)
