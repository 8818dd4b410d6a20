"""Runs made when schema version 1 began: what was trained once must load for good.

`make_golden_runs.py` made them, once; weights and outputs are computed here by formulas.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from atdt.errors import RunError
from atdt.training import load_task_network
from atdt.transfer import load_transfer

DATA = Path(__file__).parent / "data"
RUNS = DATA / "golden-runs"


def eighths(*shape):
    return (torch.arange(float(np.prod(shape))) % 7 - 2).reshape(shape) / 8


def test_a_golden_task_network_loads(monkeypatch):
    monkeypatch.syspath_prepend(DATA)
    loaded = load_task_network(RUNS / "task-network", allow_import=True)
    assert (loaded.task.name, loaded.space.name) == ("semantic", "coarse4")
    assert (loaded.network.mean, loaded.network.std) == ((0.5, 0.25, 0.125), (0.5, 1.0, 2.0))
    info = loaded.run.info
    for part in ("network", "encoder"):  # what stores and transfers of that time refer to it by
        assert loaded.network.weights_digest(part) == info[f"{part}_sha256"]
    weights = loaded.network.state_dict()
    assert torch.equal(weights["stages.0.0.weight"], eighths(2, 3, 3, 3))
    assert torch.equal(weights["decoder.1.weight"], eighths(4, 2, 1, 1))
    assert loaded.network(torch.rand(1, 3, 5, 7)).shape == (1, 4, 5, 7)


def test_a_golden_transfer_network_computes_what_it_did():
    loaded = load_transfer(RUNS / "transfer")
    assert (loaded.mode, loaded.source_level, loaded.level) == ("features", "level3", "level3")
    features = eighths(1, 2, 3, 4)
    # The scales are 1, and a mean and a bias of −2/8 and −1/8 stand about a 1×1 convolution.
    mean = bias = np.array([-2, -1]) / 8
    weight = np.array([[-2, -1], [0, 1]]) / 8
    centred = features[0].numpy() - mean[:, None, None]
    expected = np.einsum("oc,chw->ohw", weight, centred) + (bias + mean)[:, None, None]
    np.testing.assert_allclose(loaded.module(features)[0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["task-network", "transfer"])
def test_golden_runs_of_another_schema_are_refused(name, tmp_path):
    path = Path(shutil.copytree(RUNS / name, tmp_path / name))
    info = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(info | {"schema": 2}))
    load = load_transfer if name == "transfer" else load_task_network
    with pytest.raises(RunError, match=r"run\.json: not of schema 1; train again"):
        load(path)
