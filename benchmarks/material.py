"""What is measured on: domains of noise, task networks with drawn weights, stores of features.

Speed does not depend on what networks have learnt, so nothing here is trained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atdt.domains import ViewPlan, encodings, label_space
from atdt.networks import NetworkSpec, build_network
from atdt.runs import create_run
from atdt.stores import SampleTable, create_store
from atdt.tasks import get_task
from atdt.training.load import KIND, network_keys

PLAN = ViewPlan(views=1)


@dataclass(frozen=True)
class Shape:
    """A feature shape that is measured at.

    Attributes:
        name: in the tables.
        network: of the task networks whose deepest features have this shape.
        size: (height, width) of the images.
        item: (C, h, w) of a sample's features.
    """

    name: str
    network: NetworkSpec
    size: tuple[int, int]
    item: tuple[int, int, int]

    @property
    def sample_bytes(self) -> int:
        """Of one array in float16."""
        return 2 * int(np.prod(self.item))


DEMO = Shape("demo 128×12×24", NetworkSpec("tiny", {}), (96, 192), (128, 12, 24))
PAPER = Shape("paper 2048×32×32", NetworkSpec("dilated-resnet50", {}), (512, 512), (2048, 32, 32))


def feature_store(
    path: Path,
    shape: Shape,
    samples: int,
    per_shard: int,
    names: tuple[str, ...] = ("depth", "semantic"),
    dtype: str = "float16",
    compressor: str = "none",
) -> Path:
    """A store of drawn features at "deepest", as an ELU leaves them: half of them small.

    One block is drawn and written again and again, each time moved by a channel, so that large
    stores are made in little time.
    """
    store = create_store(path, _table(samples, shape.size), PLAN.to_dict(), _domain(), per_shard)
    for number, name in enumerate(names):
        block = _features((min(per_shard, samples), *shape.item), number)
        with store.feature_writer(
            "deepest", name, shape.item, dtype, _provenance(name), compressor=compressor
        ) as writer:
            for index in range(store.blocks):
                start, stop = store.block_range(index)
                writer.write_block(index, np.roll(block, index, axis=1)[: stop - start])
            writer.finish()
    return path


def image_domain(folder: Path, images: int, size: tuple[int, int], copies: int = 1) -> str:
    """A domain of smooth noise as PNG files, about as hard to decode as photographs.

    Args:
        copies: the list names each image so many times under other names (links are refused, so
            files are written), which makes domains of N and 8N images alike.

    Returns:
        its spec.
    """
    lines = []
    for index in range(images * copies):
        name = f"image/{index:05d}.png"
        encodings.write_png(folder / name, _picture(size, index % images))
        lines.append(name)
    (folder / "train.txt").write_text("\n".join(lines) + "\n")
    (folder / "domain.toml").write_text(
        f'name = "{folder.name}"\nlabel_space = "coarse4"\ncolumns = ["image"]\n'
        '[lists]\ntrain = "train.txt"\n'
    )
    return f"{folder}:train"


def task_run(path: Path, task_name: str, shape: Shape, seed: int) -> Path:
    """A finished run of a task network whose weights are drawn from `seed`."""
    task, space = get_task(task_name), label_space("coarse4")
    network = build_network(shape.network, task.channels(space), seed=seed)
    _calibrate(network, shape.size)
    run = create_run(path, KIND, {"seed": seed})
    run.finish(network.state_dict(), **network_keys(network, shape.network, task, space))
    return path


def _calibrate(network: torch.nn.Module, size: tuple[int, int]) -> None:
    """Fill in batch-norm statistics, without which features fade from stage to stage."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network(torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)))


def _features(shape: tuple[int, ...], seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return np.where(drawn > 0, drawn, np.expm1(drawn)).astype(np.float32)


def _picture(size: tuple[int, int], seed: int) -> np.ndarray:
    """Noise of several scales, (h, w, 3) uint8."""
    generator = np.random.default_rng(seed)
    total = np.zeros((*size, 3))
    for cell in (64, 16, 4):
        coarse = generator.integers(0, 200, (-(-size[0] // cell), -(-size[1] // cell), 3))
        total += np.kron(coarse, np.ones((cell, cell, 1)))[: size[0], : size[1]] / 3
    return (total + generator.integers(0, 8, total.shape)).astype(np.uint8)


def _table(samples: int, size: tuple[int, int]) -> SampleTable:
    zeros = np.zeros(samples, np.int64)
    return SampleTable(
        sample_id=[f"{index}@0" for index in range(samples)],
        image=[f"image/{index:05d}.png" for index in range(samples)],
        view=zeros,
        flip=zeros == 1,
        box=[[0, 0, *size]] * samples,
        size=[list(size)] * samples,
    )


def _domain() -> dict[str, str]:
    return {"name": "noise", "split": "train", "digest": "0" * 64, "root": "noise"}


def _provenance(name: str) -> Mapping[str, Any]:
    return {
        "task": name,
        "network": {"name": "none", "options": {}},
        "encoder_sha256": "0" * 64,
        "level": "deepest",
        "preprocessing": {"mean": [0.0] * 3, "std": [1.0] * 3},
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "precision": "float32",
        "batch": 1,
        "created": "never",
    }
