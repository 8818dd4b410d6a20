"""Memory that processes share."""

import os
from pathlib import Path

import torch

from atdt.shared import nameless


def test_all_who_open_it_see_one_piece_which_outlives_its_path(monkeypatch):
    for linux in (True, False):
        if not linux:
            monkeypatch.delattr(os, "memfd_create", raising=False)
        with nameless() as path:
            one, two = (
                torch.from_file(path, shared=True, size=6, dtype=torch.float16) for _ in range(2)
            )
        assert not Path(path).exists()
        one.copy_(torch.arange(6))
        assert two.tolist() == [0, 1, 2, 3, 4, 5]
