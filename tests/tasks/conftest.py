import pytest
from hypothesis import settings

from atdt.domains import LabelSpace

settings.register_profile("tasks", deadline=None)  # a busy machine is no failure
settings.load_profile("tasks")


@pytest.fixture(scope="session")
def space() -> LabelSpace:
    return LabelSpace(
        "three", ("road", "sky", "car"), ((128, 64, 128), (70, 130, 180), (0, 0, 142))
    )
