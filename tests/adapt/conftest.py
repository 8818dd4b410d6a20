"""Two small domains that look different, and a short training between them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atdt.adapt import Adaptation, CycleGANTraining, train_cyclegan
from atdt.domains import encodings
from atdt.texts import write_json

SIZE = 32, 32


def write_domain(
    folder: Path,
    name: str,
    *,
    count: int = 3,
    size: tuple[int, int] = SIZE,
    tint: tuple[int, int, int] = (0, 0, 0),
    extra: str = "",
    suffix: str = "png",
) -> Path:
    """Write a domain with semantic labels, depth and a camera file for each image.

    Args:
        extra: lines for the description, before its tables.
        suffix: of the images; their content is always a PNG file's.
    """
    random = np.random.default_rng(len(name) + size[0])
    lines = []
    for index in range(count):
        ids = np.zeros(size, np.uint8)
        ids[: random.integers(8, size[0] // 2)] = 7
        image = np.array([(90, 80, 90), (110, 170, 240)])[(ids > 0).astype(int)] + tint
        image = image + random.integers(-20, 20, image.shape)
        depth = np.full(size, 5 + index, np.float32)
        paths = [f"train/image/{index}.{suffix}", f"train/semantic/{index}.png"]
        paths.append(f"train/depth/{index}.png")
        encodings.write_png(folder / paths[0], np.clip(image, 0, 255).astype(np.uint8))
        encodings.write_png(folder / paths[1], ids)
        encodings.write_depth(folder / paths[2], depth, "uint16/256")
        write_json(folder / f"train/camera/{index}.json", {"focal": 40.0 + index, "pitch": 3.5})
        lines.append(f"{paths[0]};_;{paths[1]};{paths[2]}\n")
    (folder / "train.txt").write_text("".join(lines))
    (folder / "domain.toml").write_text(
        f'name = "{name}"\nlabel_space = "coarse4"\ncamera = "camera"\n{extra}\n'
        '[encodings]\ndepth = "uint16/256"\n[lists]\ntrain = "train.txt"\n'
        '[labels]\n0 = "road"\n7 = "sky"\n'
    )
    return folder


@pytest.fixture(scope="session")
def make_domain() -> Callable[..., Path]:
    return write_domain


@pytest.fixture(scope="session")
def domain_a(tmp_path_factory) -> Path:
    return write_domain(tmp_path_factory.mktemp("a"), "plain")


@pytest.fixture(scope="session")
def domain_b(tmp_path_factory) -> Path:
    return write_domain(tmp_path_factory.mktemp("b"), "reddish", count=2, tint=(60, -20, -40))


@pytest.fixture
def config(domain_a, domain_b, tmp_path) -> Callable[..., CycleGANTraining]:
    """A training of four steps between the two domains; keywords change it."""
    standard = CycleGANTraining(
        a=str(domain_a),
        b=str(domain_b),
        out=tmp_path / "run",
        steps=4,
        width=4,
        blocks=1,
        history=1,
        device="cpu",
        checkpoint_every=2,
    )
    return lambda **changes: replace(standard, **changes)


@pytest.fixture(scope="session")
def trained(domain_a, domain_b, tmp_path_factory) -> Path:
    """A finished run, not to be changed."""
    return train_cyclegan(
        CycleGANTraining(
            a=str(domain_a),
            b=str(domain_b),
            out=tmp_path_factory.mktemp("trained") / "run",
            steps=1,
            width=4,
            blocks=1,
            device="cpu",
        )
    )


@pytest.fixture
def adaptation(trained, domain_b, tmp_path) -> Callable[..., Adaptation]:
    """Domain B in the look of A; keywords change it."""
    standard = Adaptation(
        run=trained, domain=str(domain_b), to="a", out=tmp_path / "adapted", device="cpu"
    )
    return lambda **changes: replace(standard, **changes)
