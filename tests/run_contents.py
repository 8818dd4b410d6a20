"""What tests read of a run: its weights and its curves."""

import csv
from pathlib import Path

import pytest
import torch

from atdt.tensors import load_tensors


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_tensors(run / "weights.safetensors")[0]


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def curves(run: Path) -> list[dict[str, str]]:
    with (run / "curves.csv").open() as file:
        return list(csv.DictReader(file))


def column(run: Path, name: str) -> list[float]:
    """The values of one curve; not every row has one."""
    return [float(row[name]) for row in curves(run) if row[name]]


def check_alike(one: Path, two: Path, rel: float = 1e-4, of_weights: float = 1e-5) -> None:
    """Two runs that differ by rounding: the same rows of curves, scores and weights, nearly."""
    rows, others = curves(one), curves(two)
    assert len(rows) == len(others) > 0
    for row, other in zip(rows, others, strict=True):
        assert {key for key in row if row[key]} == {key for key in other if other[key]}
        for key in filter(row.get, row):
            # A pixel between two classes is counted for the one or the other.
            near = 5e-3 if key == "validation_miou" else 1e-6
            assert float(other[key]) == pytest.approx(float(row[key]), rel=rel, abs=near), key
    mine, yours = weights(one), weights(two)
    assert mine.keys() == yours.keys()
    # Not each weight: Adam makes a whole step of a gradient that is nothing but rounding.
    size = sum(float(tensor.double().square().sum()) for tensor in mine.values())
    apart = sum(float((mine[name] - yours[name]).double().square().sum()) for name in mine)
    assert apart <= of_weights**2 * size
