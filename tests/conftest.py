"""Shared by all tests: one thread a process, so that results do not depend on the machine."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)
