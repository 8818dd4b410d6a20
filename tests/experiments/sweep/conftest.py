"""A store to sweep, and one of B to judge on."""

from dataclasses import replace

import pytest

from atdt.experiments.sweep import Sweep
from tests.made_ground import Ground, make_ground, write_domain


@pytest.fixture(scope="session")
def ground(tmp_path_factory) -> Ground:
    return make_ground(tmp_path_factory.mktemp("swept"))


@pytest.fixture(scope="session")
def b(ground):
    """A store of other images, with E1 alone."""
    spec = write_domain(ground.folder / "b", 7)
    return ground.extracted("b", domain=spec, encoders=((None, ground.n1),))


@pytest.fixture
def grid(tmp_path):
    def write(text: str):
        path = tmp_path / "grid.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def config(ground, tmp_path, grid):
    """A sweep of the ground's store; keywords change it, `text` is the grid's."""

    def make(text: str, **changes) -> Sweep:
        standard = Sweep(
            store=ground.store,
            grid=grid(text),
            out=tmp_path / "sweep",
            source="depth",
            target="semantic",
            target_runs={"": ground.n2},
            device="cpu",
        )
        return replace(standard, **changes)

    return make
