import pytest

from atdt.domains import LabelSpace


@pytest.fixture(scope="session")
def space() -> LabelSpace:
    return LabelSpace(
        "three", ("road", "sky", "car"), ((128, 64, 128), (70, 130, 180), (0, 0, 142))
    )
