"""A small domain on disk, with every kind of label."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from atdt.domains.encodings import write_depth, write_normals, write_png

SIZE = 12, 20


@pytest.fixture
def make_domain(tmp_path) -> Callable[..., Path]:
    """Writes `images` samples of random content and a description; returns the folder."""

    def make(images: int = 3, *, toml: str = "", size: tuple[int, int] = SIZE) -> Path:
        folder = tmp_path / "domain"
        lines = [write_sample(folder, f"a/{k}", size, seed=k) for k in range(images)]
        (folder / "train.txt").write_text("\n".join(lines) + "\n")
        (folder / "domain.toml").write_text(
            f'name = "made"\nlabel_space = "shared11"\n{toml}\n[lists]\ntrain = "train.txt"\n'
        )
        return folder

    return make


def write_sample(folder: Path, stem: str, size: tuple[int, int], seed: int) -> str:
    """Write an image and its labels; returns the line of a list."""
    random = np.random.default_rng(seed)
    paths = [f"{part}/{stem}.png" for part in ("image", "right", "semantic", "depth", "normals")]
    image, right, semantic, depth, normals = (folder / path for path in paths)
    write_png(image, random.integers(0, 256, (*size, 3), np.uint8))
    write_png(right, random.integers(0, 256, (*size, 3), np.uint8))
    write_png(semantic, random.choice(np.array([*range(11), 255], np.uint8), size))
    write_depth(depth, random.choice([0, 1.5, 80], size), "rgb24-1000m")
    vectors = random.normal(size=(*size, 3))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    write_normals(normals, vectors * (random.random((*size, 1)) < 0.8))
    return ";".join(paths)
