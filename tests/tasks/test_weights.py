"""Weights of pixels in the losses, and what a task says of its own confidence."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.domains import label_space
from atdt.tasks import get_task, task_names

SIDE = (2, 5, 6)
SPACE = label_space("coarse4")
LABELLED = [name for name in task_names() if get_task(name).label is not None]


def drawn(task, seed):
    """An output and a target; a part of the target is not valid."""
    generator = torch.Generator().manual_seed(seed)
    output = torch.randn(SIDE[0], task.channels(SPACE), *SIDE[1:], generator=generator)
    missing = torch.rand(SIDE, generator=generator) < 0.3
    if task.label == "semantic":
        label = torch.randint(0, 4, SIDE, generator=generator).masked_fill(missing, 255)
    elif task.label == "normals":
        label = torch.nn.functional.normalize(torch.randn(2, 3, 5, 6, generator=generator))
        label = label.masked_fill(missing[:, None], 0.0)
    else:
        label = (torch.rand(SIDE, generator=generator) * 50 + 1).masked_fill(missing, 0.0)
    return output.requires_grad_(), task.target(torch.rand(2, 3, *SIDE[1:]), label)


@pytest.mark.parametrize("name", task_names())
@given(st.integers(0, 10**6))
def test_weights_of_one_are_no_weights(name, seed):
    task = get_task(name)
    output, target = drawn(task, seed)
    weighed = task.loss(output, target, torch.ones(SIDE))
    torch.testing.assert_close(weighed, task.loss(output, target))


@pytest.mark.parametrize("name", task_names())
def test_weights_of_zero_leave_nothing_to_learn(name):
    task = get_task(name)
    output, target = drawn(task, 1)
    loss = task.loss(output, target, torch.zeros(SIDE))
    loss.backward()
    assert loss.item() == 0
    assert output.grad.abs().max() == 0


@pytest.mark.parametrize("name", [name for name in LABELLED if name != "disparity"])
@given(st.integers(0, 10**6))
def test_a_pixel_of_weight_zero_is_one_without_a_label(name, seed):
    """Disparity is left out: its maps are standardised over all that is labelled."""
    task = get_task(name)
    output, target = drawn(task, seed)
    kept = torch.rand(SIDE, generator=torch.Generator().manual_seed(seed)) < 0.6
    without = {"semantic": 255}.get(name, 0)
    over = kept[:, None] if target.dim() == 4 else kept
    masked = torch.where(over, target, without)
    torch.testing.assert_close(task.loss(output, target, kept.float()), task.loss(output, masked))


@given(st.floats(0.01, 1))
def test_the_loss_is_a_weighed_mean(weight):
    task = get_task("depth")
    output = torch.tensor([[[[0.2, 0.2]]]])
    target = torch.tensor([[[0.3, 0.5]]])
    weights = torch.tensor([[[1.0, weight]]])
    expected = (0.1 + weight * 0.3) / (1 + weight)
    assert task.loss(output, target, weights).item() == pytest.approx(expected, rel=1e-5)


def test_the_confidence_of_classes_is_the_probability_of_the_likeliest():
    output = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1)
    found = get_task("semantic").confidence(output)
    assert found.shape == (1, 1, 1)
    assert found.item() == pytest.approx(1 / (1 + np.exp(-2)), rel=1e-6)
    assert get_task("depth").confidence(torch.zeros(1, 1, 2, 2)) is None


def test_agreement_is_1_for_the_same_and_falls_with_the_difference():
    depth = get_task("depth").agreement
    near, far = np.float32([[8.0, -3.0, 2.0]]), np.float32([[10.0, 5.0, 2.0]])
    np.testing.assert_allclose(depth(near, far), [[0.8, 0.0002, 1.0]], rtol=1e-5)
    np.testing.assert_array_equal(depth(near, far), depth(far, near))
    semantic = get_task("semantic").agreement
    np.testing.assert_array_equal(semantic(np.uint8([[1, 2]]), np.uint8([[1, 3]])), [[1, 0]])
    up, tilted = np.float32([[[0, 1, 0]]]), np.float32([[[0.6, 0.8, 0]]])
    normals = get_task("normals").agreement
    np.testing.assert_allclose(normals(np.tile(up, (1, 2, 1)), np.tile(tilted, (1, 2, 1))), 0.8)
    assert (normals(np.tile(up, (1, 2, 1)), np.tile(-up, (1, 2, 1))) == 0).all()
    assert get_task("disparity").agreement(near, far) is None
