"""Small folders that are laid out like the data sets that are known."""

import pytest

from tests.made_datasets import make_dataset as make


@pytest.fixture
def make_dataset(tmp_path):
    """`make_dataset(name, labels=None) -> root`, with two samples in each split."""
    return lambda name, labels=None: make(tmp_path / name, name, labels)
