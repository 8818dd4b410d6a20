"""Made data/golden-runs, once: finished runs of schema version 1 that later code must read.

Not run by the tests: golden runs that are made anew prove nothing. All weights are formulas, which
`test_golden_runs.py` computes on its own.

    PYTHONPATH=tests/data python tests/make_golden_runs.py tests/data/golden-runs
"""

import sys
from pathlib import Path

import torch
from torch import nn

from atdt.domains import label_space
from atdt.networks import NetworkSpec, build_network
from atdt.runs import create_run
from atdt.tasks import get_task
from atdt.training.load import network_keys
from atdt.transfer.network import Standard, build_transfer


def main(folder: Path) -> None:
    """Write both runs below `folder`."""
    task, space = get_task("semantic"), label_space("coarse4")
    spec = NetworkSpec("golden_network:build", {"width": 2})
    network = build_network(spec, task.channels(space), allow_import=True)
    network.mean, network.std = (0.5, 0.25, 0.125), (0.5, 1.0, 2.0)
    _fill(network)
    run = create_run(folder / "task-network", "task-network", {"seed": 0})
    keys = network_keys(network, spec, task, space)
    run.finish(network.state_dict(), **keys, training_focal=None, scores={"miou": 0.5})
    shape = [2, 3, 4]
    transfer = build_transfer("linear", {}, (2, 3, 4), (2, 3, 4), *[Standard.blank(2)] * 2)
    _fill(transfer)
    side = {"level": "level3", "shape": shape, "run": None, "key": {"encoder_sha256": "5a" * 32}}
    run = create_run(folder / "transfer", "transfer", {"seed": 0})
    run.finish(
        transfer.state_dict(),
        mode="features",
        architecture="linear",
        options=transfer.body.options | {"standardise": transfer.source_mean is not None},
        in_channels=2,
        out_channels=2,
        level="level3",
        source=side | {"array": "depth", "task": "depth"},
        target=side | {"array": "semantic", "task": "semantic"},
        mismatch=[],
    )


def _fill(module: nn.Module) -> None:
    """Eighths, the n-th value of every tensor (n mod 7 − 2) / 8, but 1 for what scales."""
    for name, tensor in module.state_dict().items():
        count = torch.arange(tensor.numel()).reshape(tensor.shape)
        is_scale = name.endswith(("_scale", "running_var"))
        tensor.copy_(torch.ones_like(tensor) if is_scale else (count % 7 - 2) / 8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
