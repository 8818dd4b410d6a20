"""Programs for images of one size or of any, with a batch of one size or of any."""

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from atdt.errors import NetworkError, UserError
from atdt.export.tracing import Frame, trace, trace_sizes

IMAGES = torch.zeros(1, 3, 4, 4)


class Halving(nn.Module):
    """Strides of 2, then as many doublings, then the size that came in where it is another."""

    def __init__(self, times: int):
        super().__init__()
        self.down = nn.Sequential(*(nn.Conv2d(3, 3, 3, 2, 1) for _ in range(times)))
        self.factor = 2**times

    def forward(self, images):
        made = interpolate(self.down(images), scale_factor=self.factor)
        return made if made.shape == images.shape else interpolate(made, images.shape[-2:])


class OfOneSize(nn.Module):
    """Flattens an image of the size that it was made for."""

    def forward(self, images):
        return images.reshape(len(images), 3, 192).sum(dim=1)


@pytest.mark.parametrize(("times", "step"), [(0, 2), (1, 2), (2, 4)])
def test_the_smallest_step_that_will_do_is_found(times, step):
    module = Halving(times).eval()
    traced = trace_sizes(module, Frame((8, 16)), IMAGES, 2)
    assert traced.frame == Frame((8, 16), None, step)
    for shape in ((1, 3, 2 * step, 3 * step), (5, 3, 7 * step, 2 * step)):
        images = torch.rand(shape)
        assert torch.equal(traced.program.module()(images), module(images))


@pytest.mark.parametrize("size", [(8, 14), (4, 8)])
def test_a_size_that_is_no_multiple_is_refused(size):
    height, width = size
    with pytest.raises(UserError, match=f"--size {height}x{width}: .*multiples of 4, from 8 up"):
        trace_sizes(Halving(2), Frame(size), IMAGES, 2)


def test_a_network_of_one_size_is_named():
    with pytest.raises(NetworkError, match=r"--dynamic-size: leave it out: .*[^\n]{20}") as refusal:
        trace_sizes(OfOneSize(), Frame((8, 8)), IMAGES, 2)
    assert "\n" not in str(refusal.value)


def test_what_varies_is_named_and_nothing_else_does():
    module = Halving(1)
    free, fixed = trace(module, Frame((8, 6)), IMAGES), trace(module, Frame((8, 6), 3), IMAGES)
    assert free.frame.shape == ["batch", 3, 8, 6]
    assert fixed.frame.shape == [3, 3, 8, 6]
    assert free.program.module()(torch.rand(4, 3, 8, 6)).shape == (4, 3, 8, 6)
    for program, images in ((fixed, torch.rand(4, 3, 8, 6)), (free, torch.rand(2, 3, 8, 8))):
        with pytest.raises(AssertionError, match="Guard failed"):
            program.program.module()(images)


def test_a_network_that_looks_at_values_is_named(capfd):
    module = nn.Module()
    module.forward = lambda images: images if images.sum() > 0 else -images
    with pytest.raises(NetworkError, match=r"^torch\.export cannot trace the network \(.+\)$"):
        trace(module, Frame((8, 6)), IMAGES)
    assert capfd.readouterr().err == ""
