"""Rendered streets, whose labels are transferred both ways."""

import pytest

from atdt.domains.streets import RenderConfig, render


@pytest.fixture(scope="package")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    render(RenderConfig(folder, train=6, val=2, test=2, size=(32, 64), right=False, workers=1))
    return folder
