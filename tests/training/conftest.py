"""A small domain whose labels can be learnt from its images in a few steps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atdt.domains import encodings, open_domain
from atdt.networks import NetworkSpec
from atdt.tasks import get_task
from atdt.training import TaskTraining
from tests.made_predictions import write_index

COLOURS = {"road": (90, 80, 90), "sky": (110, 170, 240), "vehicle": (200, 40, 30)}
TINY = NetworkSpec("tiny", {})


def write_domain(
    folder: Path, name: str, *, counts=None, size=(16, 24), focal=50.0, seed=0
) -> Path:
    """Write a domain: sky above road, a vehicle somewhere; depth grows upwards."""
    generator = np.random.default_rng(seed)
    height, width = size
    lists = []
    for split, count in (counts or {"train": 6, "val": 3}).items():
        lines = []
        for index in range(count):
            ids = np.full(size, 0, np.uint8)
            ids[: generator.integers(height // 4, height // 2)] = 1
            row, column = generator.integers(height // 2, height - 4), generator.integers(width - 6)
            ids[row : row + 4, column : column + 6] = 2
            noise = generator.integers(-20, 20, (*size, 3))
            image = np.clip(np.array(list(COLOURS.values()))[ids] + noise, 0, 255).astype(np.uint8)
            depth = np.repeat(np.linspace(60, 4, height, dtype=np.float32)[:, None], width, axis=1)
            depth[ids == 1] = 0
            paths = [f"{split}/{kind}/{index}.png" for kind in ("image", "semantic", "depth")]
            encodings.write_png(folder / paths[0], image)
            encodings.write_png(folder / paths[1], ids)
            encodings.write_depth(folder / paths[2], depth, "uint16/256")
            lines.append(";".join([paths[0], "_", *paths[1:], "_"]))
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n")
        lists.append(f'{split} = "{split}.txt"')
    (folder / "domain.toml").write_text(
        f'name = "{name}"\nroot = "."\nlabel_space = "coarse4"\nfocal = {focal}\n'
        '[encodings]\ndepth = "uint16/256"\n[lists]\n' + "\n".join(lists) + "\n"
        '[labels]\n0 = "road"\n1 = "sky"\n2 = "vehicle"\n'
    )
    return folder


@pytest.fixture(scope="session")
def make_domain() -> Callable[..., Path]:
    return write_domain


@pytest.fixture(scope="session")
def domain_a(tmp_path_factory) -> Path:
    return write_domain(tmp_path_factory.mktemp("a"), "a")


@pytest.fixture(scope="session")
def domain_b(tmp_path_factory) -> Path:
    return write_domain(
        tmp_path_factory.mktemp("b"), "b", counts={"train": 4, "val": 2}, focal=80.0, seed=9
    )


@pytest.fixture
def config(domain_a, tmp_path) -> Callable[..., TaskTraining]:
    """A short training on domain A; keywords change it."""
    standard = TaskTraining(
        task="semantic",
        train=(f"{domain_a}:train",),
        validation=(f"{domain_a}:val",),
        network=TINY,
        out=tmp_path / "run",
        steps=7,
        batch=2,
        learning_rate=1e-3,
        device="cpu",
        validate_every=3,
        checkpoint_every=2,
    )
    return lambda **changes: replace(standard, **changes)


@pytest.fixture
def write_predictions(domain_b, tmp_path) -> Callable[..., Path]:
    """`write_predictions(task, make, …)`: a predictions folder of B's train split.

    `make` and `confidence` get (height, width) and give a prediction and its confidence; further
    keywords change predictions.json.
    """

    def write(task, make, *, confidence=None, name="predicted", **changes):
        domain, folder = open_domain(f"{domain_b}:train"), tmp_path / name
        files: dict[str, str] = {}
        sure: dict[str, str] = {}
        for index, sample in enumerate(domain.samples):
            size = domain.image_size(index)
            path = get_task(task).write(folder / f"predictions/{index}", make(size))
            files[sample.image] = str(path.relative_to(folder))
            if confidence is not None:
                sure[sample.image] = f"confidence/{index}.png"
                encodings.write_png(folder / f"confidence/{index}.png", confidence(size))
        info = {"method": {"kind": "network", "network": {"sha256": "5a" * 32}}}
        if confidence is not None:
            info["confidence"] = sure
        return write_index(folder, domain, task, files, **info | changes)

    return write


@pytest.fixture
def own_module(tmp_path_factory, monkeypatch) -> str:
    """Name of an importable module with a user's builder, `build`: no norm, but dropout."""
    folder = tmp_path_factory.mktemp("own")
    name = f"nets_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(
        "from torch import nn\n"
        "from atdt.networks import TaskNetwork\n"
        "def build(out_channels, width=4, dropout=0.3):\n"
        "    first = nn.Conv2d(3, width, 3, padding=1)\n"
        "    stages = [first, nn.ELU(), nn.Dropout(dropout), nn.ELU()]\n"
        "    return TaskNetwork(stages, nn.Conv2d(width, out_channels, 1), stride=1)\n"
    )
    monkeypatch.syspath_prepend(folder)
    return name


@pytest.fixture(autouse=True)
def short_rows(monkeypatch):
    """Rows of the curves that do not divide the steps between two checkpoints."""
    monkeypatch.setattr("atdt.training.loop.LOG_EVERY", 3)
