"""A loss and figures that no scale and shift of the prediction changes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.tasks.disparity import TASK


def drawn(seed, *shape):
    return np.random.default_rng(seed).uniform(2, 60, shape).astype(np.float32)


@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-5, 5))
def test_neither_scale_nor_shift_of_a_prediction_matters(seed, scale, shift):
    label = torch.from_numpy(drawn(seed, 2, 4, 6))
    output = torch.from_numpy(drawn(seed + 1, 2, 1, 4, 6)) / 60
    target = TASK.target(None, label)
    loss = TASK.loss(output, target)
    assert TASK.loss(output * scale + shift, target).item() == pytest.approx(loss.item(), rel=1e-2)
    assert TASK.loss(target[:, None] * scale + shift, target).item() == pytest.approx(0, abs=2e-2)


def test_each_image_has_its_own_scale_and_pixels_without_depth_do_not_count():
    label = torch.from_numpy(drawn(0, 2, 4, 6))
    label[:, 0] = 0
    target = TASK.target(None, label)
    assert (target[:, 0] == 0).all()
    output = target[:, None] * torch.tensor([2.0, 30.0]).reshape(2, 1, 1, 1) + 1
    output[:, :, 0] = 99
    assert TASK.loss(output, target).item() == pytest.approx(0, abs=1e-4)


def test_without_a_valid_pixel_loss_and_gradient_are_0():
    output = torch.ones(2, 1, 3, 3, requires_grad=True)
    loss = TASK.loss(output, torch.zeros(2, 3, 3))
    loss.backward()
    assert loss.item() == 0 and not output.grad.any()
    flat = torch.ones(1, 1, 3, 3, requires_grad=True)
    TASK.loss(flat, TASK.target(None, torch.from_numpy(drawn(0, 1, 3, 3)))).backward()
    assert torch.isfinite(flat.grad).all()


def test_a_network_output_is_learnt_by_its_gradient():
    target = TASK.target(None, torch.from_numpy(drawn(3, 1, 8, 8)))
    output = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimiser = torch.optim.Adam([output], 0.05)
    losses = []
    for _ in range(300):
        optimiser.zero_grad()
        losses.append(TASK.loss(output, target))
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < 0.2 * losses[0]


def test_figures_of_a_perfect_guess_and_of_a_wrong_one(space):
    truth = drawn(1, 5, 7)
    truth[0] = 0
    perfect = TASK.measure((3 / np.maximum(truth, 1) + 2).astype(np.float32), truth, space)
    assert perfect["pixels"] == 28
    assert perfect["ssi"] == pytest.approx(0, abs=1e-4)
    assert perfect["aligned/abs_rel"] == pytest.approx(0, abs=1e-3)
    assert perfect["aligned/delta1"] == 1
    wrong = TASK.measure(drawn(2, 5, 7), truth, space)
    assert wrong["ssi"] > 0.3 and wrong["aligned/abs_rel"] > 0.05
    empty = TASK.measure(truth, np.zeros_like(truth), space)
    assert empty["pixels"] == 0 and np.isnan(empty["ssi"])
    assert TASK.summarise([perfect, empty], space)["aligned/delta1"] == 1


def test_alignment_is_least_squares_in_inverse_depth(space):
    truth, guess = drawn(5, 6, 6), drawn(6, 6, 6)
    slope, offset = np.polyfit(guess.ravel().astype(float), 1 / truth.ravel().astype(float), 1)
    depth = 1 / np.clip(slope * guess + offset, 1 / 100, 1000)
    expected = np.mean(np.abs(depth - truth) / truth)
    assert TASK.measure(guess, truth, space)["aligned/abs_rel"] == pytest.approx(expected, rel=1e-4)


def test_files_and_pictures(tmp_path, space):
    values = drawn(7, 4, 5) - 30
    assert np.array_equal(TASK.read(TASK.write(tmp_path / "a", values)), values)
    picture = TASK.colour(values, space)
    assert picture.dtype == np.uint8 and picture.shape == (4, 5, 3)
    brightness = picture.astype(int).sum(axis=2)
    assert brightness[np.unravel_index(values.argmax(), values.shape)] == brightness.max()
    assert TASK.colour(np.ones((2, 2), np.float32), space).shape == (2, 2, 3)
