"""The cross-task network: maps of the size of what it reads, image by image."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from atdt.errors import NetworkError
from atdt.networks.cross_task import CrossTaskNetwork


def network(**changes):
    torch.manual_seed(0)
    options = {"in_channels": 2, "out_channels": 3, "read": lambda output: output} | changes
    return CrossTaskNetwork(**options).eval()


@given(st.integers(1, 40), st.integers(1, 40))
def test_every_size_goes_in_and_comes_out(height, width):
    assume(max(height, width) > 8)  # group norm wants more than one value
    assert network()(torch.rand(1, 2, height, width)).shape == (1, 3, height, width)


def test_an_image_is_read_alone():
    made, outputs = network(), torch.rand(3, 2, 16, 24)
    together = made(outputs)
    for image, alone in zip(outputs, together, strict=True):
        torch.testing.assert_close(made(image[None])[0], alone)


def test_outputs_are_read_as_it_is_told():
    plain, told = network(), network(read=lambda output: 2 * output)
    outputs = torch.rand(1, 2, 16, 24)
    torch.testing.assert_close(told(outputs), plain(2 * outputs))


@pytest.mark.parametrize(
    "changes",
    [{"width": 12}, {"width": 0}, {"width": 10**6}, {"in_channels": 0}, {"out_channels": 10**9}],
)
def test_sizes_that_cannot_be_are_refused(changes):
    with pytest.raises(NetworkError):
        network(**changes)
