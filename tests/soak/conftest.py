"""What the soak makes for all of its short forms."""

import pytest

from benchmarks.soak.jobs import Job, all_jobs
from benchmarks.soak.world import SHORT, Size, World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("soak"), SHORT)


@pytest.fixture(scope="session")
def jobs(world: World) -> dict[str, Job]:
    return {job.name: job for job in all_jobs(world)}


@pytest.fixture(scope="session")
def small(world: World) -> tuple[World, dict[str, Job]]:
    """Short jobs, of which every call can be failed."""
    short = world.shortened(Size(images=4, views=1, steps=4))
    return short, {job.name: job for job in all_jobs(short)}
