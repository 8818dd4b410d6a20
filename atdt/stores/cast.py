"""Casting with checks, and statistics that merge to the same bits whatever was interrupted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from atdt.errors import NumericsError

if TYPE_CHECKING:
    import torch

FLOAT16_MAX = float(np.finfo(np.float16).max)
# At a time: few enough to stay in the cache, enough to hide the cost of a call and to be worth
# torch's threads, which are idle while features are cast.
CACHED_VALUES = 1 << 18


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of the values as stored: float32 within a channel of a sample, float64 across.

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


def merge(parts: Iterable[Statistics]) -> Statistics | None:
    """Statistics of all parts together, None of no parts; their order decides the last bits.

    Pairwise update of mean and squares: Chan, Golub & LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances", 1979.
    """
    parts = iter(parts)
    total = next(parts, None)
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
    array: "np.ndarray | torch.Tensor",
    dtype: str,
    sample_ids: Sequence[str],
    where: str,
    out: np.ndarray | None = None,
    keep_bits: int | None = None,
) -> tuple[np.ndarray, Statistics | None]:
    """Cast samples to the array's dtype and measure them, on the device where they are.

    Args:
        array: (n, C, h, w) or (n, h, w) float32, or `dtype` itself.
        dtype: what is stored.
        sample_ids: n names, for messages.
        where: the array's name, for messages.
        out: filled and given back; contiguous, in `dtype`, of the shape of `array`.
        keep_bits: bits of the mantissa that are kept, rounded to nearest; all when None.

    Returns:
        The samples in `dtype`, contiguous, and their statistics (None for integers).

    Raises:
        NumericsError: a value is not finite, or beyond the range of float16.
        TypeError: `array` is neither float32 nor `dtype`.
    """
    import torch  # so that reading a store does without it

    given = array if isinstance(array, torch.Tensor) else _as_tensor(array, dtype, where)
    if out is None:
        out = np.empty(tuple(given.shape), dtype)
    if np.dtype(dtype).kind != "f":
        out[...] = given.cpu().numpy()
        return out, None
    if keep_bits is not None:
        given = given.cpu()  # numcodecs rounds in main memory
    kept = torch.from_numpy(out) if given.device.type == "cpu" else None
    if kept is None:
        kept = torch.empty(given.shape, dtype=torch.from_numpy(out).dtype, device=given.device)
    channels = given.shape[1] if given.ndim == 4 else 1
    measured = _measure(given, kept, channels, keep_bits)
    for peak, name in zip(measured.peaks, sample_ids, strict=True):
        _check_peak(peak, dtype, str(name), where)
    if given.device.type != "cpu":
        torch.from_numpy(out).copy_(kept)
    return out, measured.statistics()


def _as_tensor(array: np.ndarray, dtype: str, where: str) -> "torch.Tensor":
    import torch

    if array.dtype != dtype and (array.dtype != np.float32 or np.dtype(dtype).kind != "f"):
        raise TypeError(f"{where} stores {dtype}, and was given {array.dtype}")
    return torch.from_numpy(np.ascontiguousarray(array))


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


@dataclass(frozen=True, eq=False)
class _Measured:
    """Of each channel of each sample, (samples, channels) float64; `count` values in each."""

    count: int
    peak: np.ndarray
    error_max: np.ndarray
    error_sum: np.ndarray
    mean: np.ndarray
    squares: np.ndarray

    @property
    def peaks(self) -> list[float]:
        """Largest magnitude of each sample; NaN where it holds one."""
        return self.peak.max(axis=1).tolist()

    def statistics(self) -> Statistics:
        """Of all samples together."""
        mean = self.mean.mean(axis=0)
        between = ((self.mean - mean) ** 2).sum(axis=0)
        return Statistics(
            count=self.count * len(self.mean),
            max_abs=float(self.peak.max()),
            cast_error_max=float(self.error_max.max()),
            cast_error_sum=float(self.error_sum.sum()),
            mean=mean,
            squares=self.squares.sum(axis=0) + self.count * between,
        )


def _measure(
    given: "torch.Tensor", kept: "torch.Tensor", channels: int, keep_bits: int | None
) -> _Measured:
    """Fill `kept` from `given`, so many channels at a time that they stay in the cache."""
    count = given.numel() // (len(given) * channels)
    on_cpu = given.device.type == "cpu"
    samples = max(1, CACHED_VALUES // (count * channels)) if on_cpu else len(given)
    together = max(1, CACHED_VALUES // count) if on_cpu else len(given) * channels
    pieces = []
    for some, room in zip(given.split(samples), kept.split(samples), strict=True):
        for rows, place in zip(
            _ordered(some, channels).split(together),
            room.view(-1, count).split(together),
            strict=True,
        ):
            pieces.append(_measure_rows(rows, place, keep_bits))
    columns = np.concatenate(pieces, axis=1).reshape(len(pieces[0]), len(given), channels)
    return _Measured(count, *columns)


def _ordered(samples: "torch.Tensor", channels: int) -> "torch.Tensor":
    """Rows of channels (samples · channels, values), each in one piece."""
    if samples.is_contiguous() or samples.device.type != "cpu":
        return samples.reshape(len(samples) * channels, -1)
    rows = samples.new_empty(len(samples), channels, samples[0, 0].numel())
    for row, sample in zip(rows, samples, strict=True):
        row.copy_(sample.reshape(channels, -1))  # as a matrix, torch has a fast way to turn it
    return rows.view(len(samples) * channels, -1)


def _measure_rows(given: "torch.Tensor", kept: "torch.Tensor", keep_bits: int | None) -> np.ndarray:
    """Fill `kept` (R, n) from `given`; (5, R) float64: the columns of `_Measured`."""
    import torch

    kept.copy_(given)
    if keep_bits is not None:
        _round(kept.numpy(), keep_bits)
    values = kept.float() if kept.dtype == torch.float16 else kept.clone()
    peak = given.abs().amax(dim=1).double()
    if keep_bits is not None:  # what is rounded up may leave the range
        peak = torch.maximum(peak, values.abs().amax(dim=1).double())
    if given.dtype == kept.dtype and keep_bits is None:
        error_max = error_sum = torch.zeros_like(peak)
    else:
        error = (values - given).abs_()
        error_max, error_sum = error.amax(dim=1).double(), error.sum(dim=1).double()
    mean = values.mean(dim=1, keepdim=True)
    values -= mean
    rest = values.mean(dim=1).double()  # what float32 rounded off the mean
    squares = values.square_().sum(dim=1).double() - values.shape[1] * rest**2
    exact = mean[:, 0].double() + rest
    return torch.stack([peak, error_max, error_sum, exact, squares.clamp_min(0)]).cpu().numpy()


def _round(values: np.ndarray, keep_bits: int) -> None:
    """Round mantissas in place, to nearest and ties to even (Klöwer et al. 2021)."""
    from numcodecs import BitRound

    values[...] = BitRound(keep_bits).encode(values).view(values.dtype)
