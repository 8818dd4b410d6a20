"""How long an image takes, side by side for several files."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

WARMING = 2
RUNS = 20
FEWEST, LONGEST = 5, 20.0  # runs, and seconds after which there are no more than these


@dataclass(frozen=True)
class Latency:
    """Milliseconds an image: the median of some runs, and their quartiles."""

    median: float
    low: float
    high: float
    runs: int

    def __str__(self) -> str:
        return f"{self.median:.3g} ms an image [{self.low:.3g}–{self.high:.3g}]"


@torch.inference_mode()
def latencies(
    calls: Mapping[str, Callable[[Tensor], Tensor]], images: Tensor
) -> dict[str, Latency]:
    """Time `calls` on one batch. They take turns, so that a busy machine slows all of them."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(WARMING):
            _seconds(call, images)
    begun = time.perf_counter()
    for run in range(RUNS):
        if run >= FEWEST and time.perf_counter() - begun > LONGEST:
            break
        for name, call in calls.items():
            spent[name].append(_seconds(call, images) * 1000 / len(images))
    return {name: _summary(values) for name, values in spent.items()}


def _seconds(call: Callable[[Tensor], Tensor], images: Tensor) -> float:
    begun = time.perf_counter()
    call(images)
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - begun


def _summary(values: list[float]) -> Latency:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Latency(median, low, high, len(values))
