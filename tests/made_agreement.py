"""Ground for cross-task consistency: T1 = semantic with labels on A and B, T2 = depth on A alone.

Networks have drawn weights, as in `made_ground`: what is tested does not need good ones.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from atdt.consistency import CrossTaskTraining, train_cross_task
from atdt.domains import ViewPlan, encodings
from atdt.extract import Extraction, extract
from atdt.transfer import TransferTraining
from tests.made_ground import COLOURS, SIZE, write_network


def write_domain(folder: Path, images: int, *, depth: bool = True, seed: int = 0) -> str:
    """Sky above a road, on which stands a vehicle; depth grows upwards. Without `depth` there are
    labels of classes alone."""
    generator = np.random.default_rng(seed)
    kinds = ["image", "semantic", *(["depth"] if depth else [])]
    lines = []
    for index in range(images):
        ids = np.zeros(SIZE, np.uint8)
        ids[: generator.integers(6, 12)] = 1
        row, column = generator.integers(12, SIZE[0] - 4), generator.integers(SIZE[1] - 8)
        ids[row : row + 4, column : column + 8] = 2
        metres = np.repeat(np.linspace(60, 4, SIZE[0], dtype=np.float32)[:, None], SIZE[1], axis=1)
        metres[ids == 1] = 0
        pixels = COLOURS[ids] + generator.integers(-15, 15, (*SIZE, 3))
        names = [f"{kind}/{index}.png" for kind in kinds]
        encodings.write_png(folder / names[0], np.clip(pixels, 0, 255).astype(np.uint8))
        encodings.write_png(folder / names[1], ids)
        if depth:
            encodings.write_depth(folder / names[2], metres, "uint16/256")
        lines.append(";".join(names))
    (folder / "train.txt").write_text("\n".join(lines) + "\n")
    (folder / "domain.toml").write_text(
        f'name = "{folder.name}"\nlabel_space = "coarse4"\ncolumns = {kinds}\n'
        '[encodings]\ndepth = "uint16/256"\n[lists]\ntrain = "train.txt"\n'
    )
    return f"{folder}:train"


@dataclass(frozen=True)
class Ground:
    """Specs of A and B, runs of N1 (semantic) and N2 (depth), stores of both, and a run of R.

    The store of A has both encoders and both tasks' labels, that of B has E1 and labels of T1.
    """

    folder: Path
    a: str
    b: str
    n1: Path
    n2: Path
    store: Path
    b_store: Path
    r: Path

    def training(self, out: Path, **changes: Any) -> TransferTraining:
        """A short training of G from semantic to depth, so far on A alone; keywords change it."""
        standard = TransferTraining(
            store=self.store,
            source="semantic",
            target="depth",
            out=out,
            options={"width": 8},
            steps=9,
            batch=5,
            window=1,
            held_out=0.3,
            target_run=self.n2,
            device="cpu",
            checkpoint_every=3,
        )
        return replace(standard, **changes)


def make_agreement(folder: Path) -> Ground:
    """Ten images of A in two views, seven of B in two views."""
    a, b = write_domain(folder / "a", 10), write_domain(folder / "b", 7, depth=False, seed=1)
    n1 = write_network(folder / "n1", "semantic", 1)
    n2 = write_network(folder / "n2", "depth", 2)
    plan = ViewPlan(views=2, seed=5, photometric="paper")
    fixed = {"plan": plan, "device": "cpu"}
    both = ((None, n1), (None, n2))
    labels = ("semantic", "depth")
    store = extract(
        Extraction(a, both, folder / "a.zarr", labels=labels, samples_per_shard=7, **fixed)
    )
    b_store = extract(
        Extraction(b, both[:1], folder / "b.zarr", labels=labels[:1], samples_per_shard=4, **fixed)
    )
    r = train_cross_task(
        CrossTaskTraining(
            store, "depth", "semantic", n2, folder / "r", steps=3, batch=4, device="cpu"
        )
    )
    return Ground(folder, a, b, n1, n2, store, b_store, r)
