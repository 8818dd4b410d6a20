import pytest

from tests.made_agreement import Ground, make_agreement


@pytest.fixture(scope="session")
def ground(tmp_path_factory) -> Ground:
    return make_agreement(tmp_path_factory.mktemp("agreement"))
