"""How far apart predictions are, and how much of that is rounding."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from atdt.errors import NetworkError
from atdt.export.checking import CEILING, FLOOR, TIMES, compare, difference, let_through
from atdt.export.deployed import Deployed
from atdt.tasks import get_task


def deployed(network, task="depth", raw=False) -> Deployed:
    return Deployed(network, get_task(task), raw=raw, precision="float32")


@pytest.fixture
def images():
    return [torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))]


@given(seed=st.integers(0, 99), noise=st.floats(0, 0.3))
def test_classes_differ_by_no_more_than_the_logits_that_they_come_from(seed, noise):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 4, 5, 6, generator=generator)
    other = logits + noise * (2 * torch.rand(logits.shape, generator=generator) - 1)
    predict = get_task("semantic").predict
    found = difference(logits, predict(logits), predict(other))
    assert found <= 2 * noise / logits.abs().max().item() + 1e-6
    assert (found > 0) == (not torch.equal(predict(logits), predict(other)))


def test_numbers_differ_in_units_of_the_largest():
    expected = torch.tensor([[[1.0, -8.0]]])
    assert difference(expected, expected, expected + 2) == 0.25
    assert difference(expected, expected, expected) == 0
    assert difference(expected * 0, expected * 0, expected * 0) == 0


def test_what_is_no_answer_is_infinitely_far():
    logits = torch.randn(2, 4, 5, 6)
    classes = logits.argmax(dim=1).to(torch.uint8)
    for wrong in (classes[:1], classes.long(), classes * 0 + 4):
        assert difference(logits, classes, wrong) == math.inf
    assert math.isnan(difference(logits, logits, logits * math.nan))


def test_the_worst_batch_counts_and_nan_is_the_worst(images):
    module = deployed(nn.Identity(), raw=True)
    batches = [*images, images[0] + 1]
    off = {id(batches[0]): 0.5, id(batches[1]): 0.1}
    check = compare(module, lambda x: x + off[id(x)], batches)
    assert check.difference == pytest.approx(0.5 / images[0].max().item())
    check = compare(module, lambda x: x * (math.nan if x is batches[0] else 1), batches)
    assert math.isnan(check.difference)


def test_classes_that_differ_are_counted(images):
    module = deployed(nn.Identity(), "semantic")
    check = compare(module, lambda x: (x.argmax(dim=1) + 1).to(torch.uint8) % 3, images)
    assert (check.changed, check.pixels) == (40, 40)


def test_a_file_that_does_not_run_is_named(images):
    def call(images):
        raise AssertionError("Guard failed:\nbatch == 7")

    with pytest.raises(NetworkError, match=r"2×3×4×5 images \(AssertionError: Guard failed:\)"):
        compare(deployed(nn.Identity()), call, images)


class Rounding(nn.Module):
    """As large a rounding as one likes: what float32 loses of 1 + x, times a factor."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, images):
        return 1 + self.factor * ((images + 64) - 64 - images)


def test_what_is_let_through_is_what_the_network_rounds_itself(images):
    own = let_through(deployed(Rounding(10), raw=True), images, 1.0) / TIMES
    worst = 10 * ((images[0] + 64) - 64 - images[0]).abs().max().item()
    assert own == pytest.approx(worst, rel=1e-3)


def test_what_is_let_through_has_a_floor_and_a_ceiling(images):
    assert let_through(deployed(nn.Identity(), raw=True), images, 1.0) == FLOOR
    assert let_through(deployed(Rounding(1e6), raw=True), images, 1.0) == CEILING


def test_nothing_is_measured_where_nothing_differs(images):
    assert let_through(None, images, 0.0) == FLOOR


class OfFloat32(nn.Module):
    """A network with a constant that does not move with it."""

    def __init__(self):
        super().__init__()
        self.constant = [torch.ones(1, 3, 1, 1)]

    def forward(self, images):
        return nn.functional.conv2d(images, self.constant[0])


def test_a_network_without_double_precision_needs_a_tolerance(images):
    with pytest.raises(NetworkError, match=r"no double precision .*; give --tolerance"):
        let_through(deployed(OfFloat32(), raw=True), images, 1.0)
