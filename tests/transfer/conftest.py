"""Readers of plain arrays, and a small store with two encoders and labels."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from atdt.transfer import TransferTraining
from tests import made_agreement
from tests.made_ground import Ground, make_ground


class ArrayReader:
    """An array cut into blocks of `per_block` samples; notes what is read."""

    def __init__(self, array: np.ndarray, per_block: int):
        self.array = array
        self.per_block = per_block
        self.shape = array.shape
        self.dtype = array.dtype
        self.reads: list[int] = []

    @property
    def blocks(self) -> int:
        return -(-len(self.array) // self.per_block)

    def block_range(self, block: int) -> tuple[int, int]:
        start = block * self.per_block
        return start, min(start + self.per_block, len(self.array))

    def read_block(self, block: int, out: np.ndarray | None = None) -> np.ndarray:
        self.reads.append(block)
        start, stop = self.block_range(block)
        if out is None:
            return self.array[start:stop].copy()
        out[...] = self.array[start:stop]
        return out


@pytest.fixture(scope="session")
def array_reader() -> type[ArrayReader]:
    return ArrayReader


@pytest.fixture(scope="session")
def ground(tmp_path_factory) -> Ground:
    return make_ground(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def config(ground, tmp_path) -> Callable[..., TransferTraining]:
    """A short training on the store; keywords change it."""
    standard = TransferTraining(
        store=ground.store,
        source="depth",
        target="semantic",
        out=tmp_path / "g",
        options={"width": 8},
        steps=9,
        batch=5,
        held_out=0.3,
        device="cpu",
        checkpoint_every=3,
    )
    return lambda **changes: replace(standard, **changes)


@pytest.fixture(scope="session")
def agreement(tmp_path_factory) -> made_agreement.Ground:
    return made_agreement.make_agreement(tmp_path_factory.mktemp("agreement"))
