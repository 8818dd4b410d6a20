"""What tests read of a run: its weights and its curves."""

import csv
from pathlib import Path

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
