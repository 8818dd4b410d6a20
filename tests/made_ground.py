"""Ground that trainings of G can stand on: runs of two task networks, and a store of both."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from atdt.domains import ViewPlan, encodings, label_space
from atdt.extract import Extraction, extract
from atdt.networks import NetworkSpec, build_network
from atdt.runs import create_run
from atdt.tasks import get_task
from atdt.training.load import KIND, network_keys

TINY = NetworkSpec("tiny", {})
SIZE = (20, 28)  # no multiple of the stride
COLOURS = np.array([(90, 80, 90), (110, 170, 240), (200, 40, 30), (60, 150, 60)])


def write_domain(folder: Path, images: int) -> str:
    """Write images of coloured rectangles, whose classes are their labels."""
    generator = np.random.default_rng(0)
    lines = []
    for index in range(images):
        ids = np.zeros(SIZE, np.uint8)
        ids[: generator.integers(6, 12)] = 1
        for value in (2, 3):
            row, column = generator.integers(SIZE[0] - 6), generator.integers(SIZE[1] - 8)
            ids[row : row + 6, column : column + 8] = value
        pixels = COLOURS[ids] + generator.integers(-15, 15, (*SIZE, 3))
        names = [f"{kind}/{index}.png" for kind in ("image", "semantic")]
        encodings.write_png(folder / names[0], np.clip(pixels, 0, 255).astype(np.uint8))
        encodings.write_png(folder / names[1], ids)
        lines.append(";".join(names))
    (folder / "train.txt").write_text("\n".join(lines) + "\n")
    (folder / "domain.toml").write_text(
        f'name = "{folder.name}"\nlabel_space = "coarse4"\ncolumns = ["image", "semantic"]\n'
        '[lists]\ntrain = "train.txt"\n'
    )
    return f"{folder}:train"


def write_network(path: Path, task_name: str, seed: int, **more: object) -> Path:
    """A finished run of a tiny network whose weights are drawn from `seed`; `more` of run.json."""
    task, space = get_task(task_name), label_space("coarse4")
    network = build_network(TINY, task.channels(space), seed=seed)
    _calibrate(network)
    run = create_run(path, KIND, {"seed": seed})
    run.finish(network.state_dict(), **network_keys(network, TINY, task, space), **more)
    return path


def _calibrate(network: torch.nn.Module) -> None:
    """Fill in batch-norm statistics, without which features fade from stage to stage."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network(torch.rand(4, 3, *SIZE, generator=torch.Generator().manual_seed(0)))


@dataclass(frozen=True)
class Ground:
    """What trainings stand on: runs of N1 (depth), N2 (semantic) and of another N2, and a store."""

    folder: Path
    domain: str
    n1: Path
    n2: Path
    other: Path
    plan: ViewPlan
    store: Path

    def extracted(self, name: str, *, again: bool = False, **changes) -> Path:
        """A store of the domain, made once for each name, unless `again`."""
        path = self.folder / f"{name}.zarr"
        standard = Extraction(
            domain=self.domain,
            encoders=((None, self.n1), (None, self.n2)),
            out=path,
            plan=self.plan,
            labels=("semantic",),
            samples_per_shard=7,
            device="cpu",
        )
        made = path.exists() and not again
        return path if made else extract(replace(standard, **changes))


def make_ground(folder: Path) -> Ground:
    """Twelve images, N1, N2 and another N2, and the store of three views of them."""
    spec = write_domain(folder / "a", 12)
    n1 = write_network(folder / "n1", "depth", 1)
    n2 = write_network(folder / "n2", "semantic", 2)
    other = write_network(folder / "other", "semantic", 3)
    plan = ViewPlan(views=3, seed=5, photometric="paper")
    bare = Ground(folder, spec, n1, n2, other, plan, folder / "standard.zarr")
    bare.extracted("standard")
    return bare
