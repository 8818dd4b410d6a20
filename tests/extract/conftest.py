"""A small domain of noise, two task networks with drawn weights, and an extraction of both."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atdt.cluster import Cluster
from atdt.domains import ViewPlan, encodings, label_space
from atdt.extract import Extraction, extract
from atdt.networks import NetworkSpec, build_network
from atdt.runs import create_run
from atdt.tasks import get_task
from atdt.training.load import KIND, network_keys
from tests.extract.store_content import content

TINY = NetworkSpec("tiny", {})
SIZE = (18, 26)  # no multiple of the stride


def write_domain(folder: Path, sizes: list[tuple[int, int]], seed: int = 0) -> str:
    """Write images of noise with all kinds of labels; returns the domain's spec."""
    generator = np.random.default_rng(seed)
    lines = []
    for index, size in enumerate(sizes):
        names = [f"{kind}/{index}.png" for kind in ("image", "semantic", "depth", "normals")]
        image, semantic, depth, normals = (folder / name for name in names)
        encodings.write_png(image, generator.integers(0, 256, (*size, 3), np.uint8))
        encodings.write_png(semantic, generator.integers(0, 4, size, np.uint8))
        metres = generator.uniform(1, 90, size).astype(np.float32)
        encodings.write_depth(depth, metres, "uint16/256")
        directions = generator.normal(size=(*size, 3)).astype(np.float32)
        lengths = np.linalg.norm(directions, axis=-1, keepdims=True)
        encodings.write_normals(normals, directions / lengths)
        lines.append(";".join([names[0], "_", *names[1:]]))
    (folder / "train.txt").write_text("\n".join(lines) + "\n")
    (folder / "domain.toml").write_text(
        f'name = "{folder.name}"\nroot = "."\nlabel_space = "coarse4"\n'
        '[encodings]\ndepth = "uint16/256"\n[lists]\ntrain = "train.txt"\n'
    )
    return f"{folder}:train"


def write_network(path: Path, task_name: str, seed: int) -> Path:
    """A finished run of a tiny network whose weights are drawn from `seed`."""
    task, space = get_task(task_name), label_space("coarse4")
    network = build_network(TINY, task.channels(space), seed=seed)
    run = create_run(path, KIND, {"seed": seed})
    run.finish(network.state_dict(), **network_keys(network, TINY, task, space))
    return path


@pytest.fixture(scope="session")
def domain(tmp_path_factory) -> str:
    return write_domain(tmp_path_factory.mktemp("a"), [SIZE] * 7)


@pytest.fixture(scope="session")
def networks(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    tasks = {"n1": "depth", "n2": "semantic", "other": "depth"}
    return {
        name: write_network(folder / name, task, seed)
        for seed, (name, task) in enumerate(tasks.items())
    }


@pytest.fixture
def config(domain, networks, tmp_path) -> Callable[..., Extraction]:
    """An extraction of both encoders from seven images in two views; keywords change it."""
    standard = Extraction(
        domain=domain,
        encoders=((None, networks["n1"]), (None, networks["n2"])),
        out=tmp_path / "a.zarr",
        plan=ViewPlan(views=2, seed=3, crop=(16, 20), flip=True, photometric="strong"),
        labels=("semantic",),
        samples_per_shard=4,
        batch=3,
        device="cpu",
    )
    return lambda **changes: replace(standard, **changes)


@pytest.fixture(scope="session")
def new_domain() -> Callable[..., str]:
    return write_domain


@pytest.fixture(scope="session")
def new_network() -> Callable[..., Path]:
    return write_network


@pytest.fixture
def own(watched_run) -> Path:
    """The folder of a user's own network, whose files say what it does in a worker."""
    (watched_run.parent / "seen").write_text("")
    return watched_run.parent


@pytest.fixture
def watched(own, config, monkeypatch):
    """An extraction by that network and a built-in one; its relative paths are of its folder."""
    monkeypatch.chdir(own)
    encoders = (("mine", Path("run")), *config().encoders)
    return lambda **changes: config(
        **{"encoders": encoders, "allow_import": True, "samples_per_shard": 2, **changes}
    )


@pytest.fixture
def theirs(dask_workers) -> Cluster:
    return Cluster(address=dask_workers.scheduler_address)


@pytest.fixture
def alone(watched, tmp_path) -> dict[str, object]:
    """What a single process makes of it."""
    return content(extract(watched(out=tmp_path / "alone.zarr")))
