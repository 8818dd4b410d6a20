"""A rendered pair of domains, of a handful of small images."""

import pytest

from atdt.domains.streets import RenderConfig, render


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The folder of both; only read."""
    root = tmp_path_factory.mktemp("streets")
    return render(RenderConfig(root / "data", train=2, val=1, test=1, size=(48, 96), workers=1))
