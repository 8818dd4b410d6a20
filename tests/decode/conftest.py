"""A whole road in small: domains, task networks with drawn weights, stores, a G and a head."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from atdt.domains import LabelSpace, ViewPlan, encodings, label_space, open_domain
from atdt.networks import NetworkSpec, build_network
from atdt.runs import create_run
from atdt.stores import SampleTable, create_store
from atdt.tasks import get_task
from atdt.training.load import KIND, load_task_network, network_keys
from atdt.transfer import TransferTraining, train

SIZE = (18, 26)  # no multiple of the stride: padding and cropping are at work
TINY = NetworkSpec("tiny", {})


def write_domain(folder: Path, images: dict[str, tuple[int, int]], seed: int = 0) -> str:
    """Write a domain of noise with semantic labels; `images` are names and sizes. Its spec."""
    generator = np.random.default_rng(seed)
    lines = []
    for name, size in images.items():
        label = f"labels/{name.replace('/', '+').replace('.', '+')}.png"
        encodings.write_png(folder / name, generator.integers(0, 256, (*size, 3), np.uint8))
        encodings.write_png(folder / label, generator.integers(0, 4, size, np.uint8))
        lines.append(f"{name};{label}")
    (folder / "test.txt").write_text("\n".join(lines) + "\n")
    (folder / "domain.toml").write_text(
        f'name = "{folder.name}"\nlabel_space = "coarse4"\ncolumns = ["image", "semantic"]\n'
        'focal = 40.0\n[lists]\ntest = "test.txt"\n'
    )
    return f"{folder}:test"


def write_network(path: Path, task_name: str, seed: int, space: LabelSpace) -> Path:
    """A finished run of a tiny network whose weights are drawn from `seed`."""
    task = get_task(task_name)
    network = build_network(TINY, task.channels(space), seed=seed)
    run = create_run(path, KIND, {"seed": seed})
    keys = network_keys(network, TINY, task, space)
    run.finish(network.state_dict(), **keys, training_focal=20.0)
    return path


def write_store(
    path: Path, spec: str, encoders: dict[str, Path], plan: ViewPlan, dtype: str, level: str
) -> Path:
    """A store of a domain under a plan, with labels and the features of several networks."""
    domain = open_domain(spec, labels=["semantic"])
    order = np.random.default_rng(1).permutation(len(domain))
    drawn = [
        (int(index), view, plan.draw(domain.samples[index].image, view, domain.image_size(index)))
        for view in range(plan.views)
        for index in order
    ]
    names = [domain.samples[index].image for index, _, _ in drawn]
    table = SampleTable(
        sample_id=np.array([f"{n}#{v}" for n, (_, v, _) in zip(names, drawn, strict=True)]),
        image=np.array(names),
        view=np.array([number for _, number, _ in drawn]),
        flip=np.array([view.flip for *_, view in drawn]),
        box=np.array([view.box for *_, view in drawn]),
        size=np.array([view.native for *_, view in drawn]),
    )
    store = create_store(path, table, plan.to_dict(), domain.to_dict(), samples_per_shard=3)
    images = np.stack([view.image(domain.image(index)) for index, _, view in drawn])
    labels = np.stack(
        [view.label(domain.label(index, "semantic"), "semantic") for index, _, view in drawn]
    )
    arrays = {}
    for name, run in encoders.items():
        network = load_task_network(run).network
        with torch.inference_mode():
            features = network.encode(torch.from_numpy(images), level).numpy()
        provenance = {
            "encoder_sha256": network.weights_digest("encoder", level),
            "level": level,
            "preprocessing": {"mean": list(network.mean), "std": list(network.std)},
            "task": load_task_network(run).task.name,
            "run": str(run),
        }
        arrays[store.feature_writer(level, name, features.shape[1:], dtype, provenance)] = features
    arrays[store.label_writer("semantic", labels.shape[1:], "uint8", {})] = labels
    for writer, array in arrays.items():
        for block in range(store.blocks):
            start, stop = store.block_range(block)
            writer.write_block(block, array[start:stop])
        writer.finish()
    return path


@dataclass(frozen=True)
class Road:
    """Everything that decode needs, by path; `other` is a second network for depth."""

    folder: Path
    n1: Path
    n2: Path
    other: Path
    transfer: Path
    head: Path
    domain: str
    store: Path


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    folder = tmp_path_factory.mktemp("road")
    space = label_space("coarse4")
    n1 = write_network(folder / "n1", "depth", 1, space)
    n2 = write_network(folder / "n2", "semantic", 2, space)
    other = write_network(folder / "other", "depth", 3, space)
    level = load_task_network(n1).network.levels[-1]
    a = write_domain(folder / "a", {f"{index}.png": SIZE for index in range(4)}, 4)
    names = ("x_y/0.png", "x/y_0.png", "x/y_1.png", "x/z.0001.png", "x/z.0002.png")
    b = write_domain(folder / "b", dict.fromkeys(names, SIZE), 5)
    encoders = {"depth": n1, "semantic": n2}
    plan = ViewPlan(views=2, seed=7, crop=SIZE, flip=True, photometric="strong")
    a_store = write_store(folder / "a.zarr", a, encoders, plan, "float32", level)
    b_store = write_store(folder / "b.zarr", b, {"depth": n1}, plan, "float32", level)
    common = {
        "store": a_store,
        "source": "depth",
        "target": "semantic",
        "steps": 2,
        "batch": 2,
        "device": "cpu",
        "target_run": n2,
    }
    transfer = train(TransferTraining(out=folder / "g", **common))
    head = train(TransferTraining(out=folder / "head", architecture="head", **common))
    return Road(folder, n1, n2, other, transfer, head, b, b_store)


@pytest.fixture(name="write_domain")
def _write_domain():
    return write_domain


@pytest.fixture(name="write_network")
def _write_network():
    return write_network


@pytest.fixture(name="write_store")
def _write_store():
    return write_store
