"""A small domain on disk, and predictions folders as `atdt predict` leaves them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from atdt.domains import Domain, ViewPlan, encodings, open_domain
from atdt.tasks import get_task
from tests.made_predictions import write_index

SIZE = (6, 8)
DESCRIPTION = """
name = "town"
label_space = "coarse4"
focal = 120.0
columns = ["image", "semantic", "depth", "normals"]
[lists]
val = "val.txt"
few = "few.txt"
"""


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    """Eight images of 6×8 with every label; the last has no depth, and no class but "other"."""
    root = tmp_path / "town"
    random = np.random.default_rng(5)
    lines = []
    for k in range(8):
        files = [f"{kind}/{k}.png" for kind in ("image", "semantic", "depth", "normals")]
        image = random.integers(0, 256, (*SIZE, 3), np.uint8)
        semantic = random.choice(np.array([0, 1, 2, 255], np.uint8), SIZE)
        depth = np.where(random.random(SIZE) < 0.8, random.uniform(2, 60, SIZE), 0)
        normals = random.normal(size=(*SIZE, 3))
        normals /= np.linalg.norm(normals, axis=2, keepdims=True)
        if k == 7:
            semantic[:], depth[:] = 3, 0
        encodings.write_png(root / files[0], image)
        encodings.write_png(root / files[1], semantic)
        encodings.write_depth(root / files[2], depth, "rgb24-1000m")
        encodings.write_normals(root / files[3], normals)
        lines.append(";".join(files))
    (root / "val.txt").write_text("\n".join(lines))
    (root / "few.txt").write_text("\n".join(lines[:3]))
    (root / "domain.toml").write_text(DESCRIPTION)
    return open_domain(f"{root}:val")


Predict = Callable[..., Path]


@pytest.fixture
def predict(tmp_path: Path, domain: Domain) -> Predict:
    """`predict(name, task, predictions)` writes a predictions folder of `domain`."""

    def write(
        name: str,
        task_name: str,
        predictions: Sequence[np.ndarray],
        *,
        plan: ViewPlan | None = None,
        method: dict | None = None,
        mismatch: Sequence[str] = (),
    ) -> Path:
        folder, task = tmp_path / name, get_task(task_name)
        files = {}
        for sample, prediction in zip(domain.samples, predictions, strict=True):
            stem = Path(sample.image).with_suffix("")
            path = task.write(folder / "predictions" / stem, prediction)
            files[sample.image] = str(path.relative_to(folder))
        return write_index(
            folder,
            domain,
            task_name,
            files,
            view=(plan or ViewPlan()).to_dict(),
            mismatch=list(mismatch),
            method={"kind": "network", "name": name, **(method or {})},
        )

    return write


@pytest.fixture
def noisy(domain: Domain) -> Callable[[str, float], list[np.ndarray]]:
    """`noisy(kind, share)`: the truth of every image, spoilt in that share of the pixels."""

    def spoil(kind: str, share: float) -> list[np.ndarray]:
        random = np.random.default_rng(int(1000 * share))
        spoilt = []
        for index in range(len(domain)):
            truth = domain.label(index, kind)
            wrong = random.random(SIZE) < share
            if kind == "semantic":
                known = np.where(truth == 255, 0, truth)
                spoilt.append(np.where(wrong, (known + 1) % 4, known).astype(np.uint8))
            else:
                spoilt.append(np.where(wrong, truth + 20, truth).astype(np.float32))
        return spoilt

    return spoil
