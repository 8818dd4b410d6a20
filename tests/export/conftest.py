"""Networks to export: Gs of several kinds, a head, and a task network with skips."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atdt.cli import main
from atdt.domains import label_space
from atdt.export import Exporting, export
from atdt.networks import NetworkSpec, build_network
from atdt.runs import create_run
from atdt.tasks import get_task
from atdt.training.load import KIND, network_keys
from atdt.transfer import TransferTraining, train
from tests.made_ground import Ground, make_ground

SKIPPING = """
import torch
from torch import nn
from atdt.networks.skips import SkipNetwork

class Decoder(nn.Module):
    def __init__(self, out_channels):
        super().__init__()
        self.last = nn.Conv2d(8, out_channels, 1)

    def forward(self, deep, early):
        deep = nn.functional.interpolate(deep, early.shape[-2:])
        return nn.functional.interpolate(self.last(torch.cat([deep, early], dim=1)), scale_factor=2)

def build(out_channels):
    def layer(of, stride):
        return nn.Sequential(nn.Conv2d(of, 4, 3, stride, 1), nn.ELU())

    stages = [layer(3, 2), layer(4, 2), layer(4, 1), layer(4, 1)]
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    return SkipNetwork(
        stages, Decoder(out_channels), skips=["0"], stride=4, mean=mean, std=std
    )
"""


@dataclass(frozen=True)
class Exportable:
    """Runs by name, and the ground that they stand on."""

    ground: Ground
    runs: dict[str, Path]


@pytest.fixture(scope="session")
def exportable(tmp_path_factory: pytest.TempPathFactory) -> Exportable:
    folder = tmp_path_factory.mktemp("exportable")
    ground = make_ground(folder)
    shallow = ground.extracted("shallow", levels=("level1", "level4"))
    g = TransferTraining(
        store=ground.store,
        source="depth",
        target="semantic",
        target_run=ground.n2,
        out=folder / "g",
        options={"width": 8},
        steps=2,
        batch=2,
        device="cpu",
    )
    to_depth = {"source": "semantic", "target": "depth", "target_run": ground.n1}
    levels = {"store": shallow, "source_level": "level1", "target_level": "level4"}
    changes = {
        "g": {},
        "ridge": {"architecture": "ridge", "options": {"neighbourhood": 3}},
        "to depth": {**to_depth, "architecture": "paper"},
        "head": {"architecture": "head", "steps": 30, "learning_rate": 1e-2},
        "levels": {**levels, "architecture": "residual"},
    }
    runs = {
        name: train(replace(g, out=folder / name.replace(" ", "-"), **change))
        for name, change in changes.items()
    }
    module = f"skipping_{folder.name}"
    (folder / f"{module}.py").write_text(SKIPPING)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        runs["skips"] = _skipping(folder / "skips", f"{module}:build")
        yield Exportable(ground, runs)


def _skipping(path: Path, name: str) -> Path:
    task, space, spec = get_task("normals"), label_space("coarse4"), NetworkSpec(name)
    network = build_network(spec, task.channels(space), seed=1, allow_import=True)
    run = create_run(path, KIND, {})
    run.finish(network.state_dict(), **network_keys(network, spec, task, space))
    return path


@pytest.fixture
def call():
    """Run `atdt …` in this process."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exported is timed too, twice."""
    monkeypatch.setattr("atdt.export.timing.RUNS", 2)


@pytest.fixture(autouse=True)
def untimed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed unless a test asks for it: a file of the baseline would be written too."""
    if "timed" not in request.fixturenames:
        monkeypatch.setattr("atdt.export.exporting._time", lambda *_: None)


@pytest.fixture(scope="session")
def exported(exportable: Exportable) -> Callable[[str, str], Path]:
    """(name of a run, suffix) -> a file of it, made once, with all else as it is by default."""
    size = (20, 28)

    @cache
    def make(name: str, suffix: str) -> Path:
        run = exportable.runs[name]
        return export(Exporting(run=run, out=run.with_suffix(suffix), size=size, device="cpu"))

    return make
