"""What cross-task networks need of a task: how outputs are read, and how far maps are apart."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.errors import UserError
from atdt.tasks import get_task, task_names
from atdt.training.cross_task import mean_of_labelled

SEMANTIC, DEPTH, NORMALS = (get_task(name) for name in ("semantic", "depth", "normals"))
SEEDS = st.integers(0, 99)


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def labels(seed: int) -> dict[str, torch.Tensor]:
    """Two images of labels, some pixels without any."""
    generator = np.random.default_rng(seed)
    there = generator.random((2, 5, 6)) < 0.7
    ids = np.where(there, generator.integers(0, 3, (2, 5, 6)), 255).astype(np.uint8)
    metres = np.where(there, generator.uniform(1, 90, (2, 5, 6)), 0).astype(np.float32)
    vectors = generator.normal(size=(2, 3, 5, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    maps = {"semantic": ids, "depth": metres, "normals": vectors * there[:, None]}
    return {kind: torch.from_numpy(np.ascontiguousarray(array)) for kind, array in maps.items()}


@pytest.mark.parametrize("task", [SEMANTIC, NORMALS], ids=lambda task: task.name)
@given(seed=SEEDS)
def test_classes_and_normals_are_as_far_apart_as_their_loss_says(task, seed):
    target, guess = task.target(None, labels(seed)[task.label]), drawn(seed, 2, 3, 5, 6)
    errors = task.disagreement(guess, target)
    assert errors.shape == (2, 5, 6)
    torch.testing.assert_close(mean_of_labelled(errors), task.loss(guess, target))


@pytest.mark.parametrize("task", [SEMANTIC, DEPTH, NORMALS], ids=lambda task: task.name)
@given(seed=SEEDS)
def test_there_is_an_error_where_there_is_a_label(task, seed):
    target = task.target(None, labels(seed)[task.label])
    guess = drawn(seed, 2, 1 if task is DEPTH else 3, 5, 6).requires_grad_()
    errors = task.disagreement(guess, target)
    there = labels(seed)["depth"] > 0
    assert torch.equal(~errors.isnan(), there)
    mean_of_labelled(errors).backward()
    assert guess.grad.isfinite().all()
    assert not guess.grad[~there[:, None].expand_as(guess)].any()


@given(seed=SEEDS, factor=st.floats(0.3, 1), offset=st.floats(-5, 5))
def test_depth_is_compared_without_its_scale(seed, factor, offset):
    label, guess = labels(seed)["depth"], drawn(seed, 2, 1, 5, 6)
    plain = DEPTH.disagreement(guess, DEPTH.target(None, label))
    other = DEPTH.disagreement(guess + offset, DEPTH.target(None, label * factor))
    torch.testing.assert_close(other, plain, equal_nan=True, atol=1e-4, rtol=1e-4)
    right = torch.where(label > 0, label, 1.0).log()[:, None]
    errors = DEPTH.disagreement(right + offset, DEPTH.target(None, label))
    assert float(errors.nan_to_num().max()) < 1e-4


@given(seed=SEEDS, factor=st.floats(0.5, 4))
def test_depth_is_read_without_its_scale(seed, factor):
    metres = drawn(seed, 2, 1, 5, 6).abs() * 30 + 10
    one, other = (DEPTH.as_input(m / 100) for m in (metres, metres * factor))
    torch.testing.assert_close(one, other, atol=0.01, rtol=0)  # asinh is ln from a metre on


def test_negative_depth_has_a_gradient():
    output = torch.tensor([-0.5, 0.0, 0.5]).reshape(1, 1, 1, 3).requires_grad_()
    DEPTH.as_input(output)[0, 0, 0, 0].backward()
    assert output.grad.isfinite().all() and output.grad[0, 0, 0, 0] > 0


@given(seed=SEEDS, scale=st.floats(0.1, 100), shift=st.floats(-10, 10))
def test_disparity_is_read_without_scale_and_shift(seed, scale, shift):
    task, output = get_task("disparity"), drawn(seed, 2, 1, 5, 6)
    torch.testing.assert_close(
        task.as_input(output * scale + shift), task.as_input(output), atol=1e-3, rtol=1e-3
    )


@given(seed=SEEDS, constant=st.floats(-20, 20))
def test_classes_are_read_as_probabilities(seed, constant):
    output = drawn(seed, 2, 3, 5, 6)
    read = SEMANTIC.as_input(output)
    torch.testing.assert_close(read.sum(dim=1), torch.ones(2, 5, 6))
    torch.testing.assert_close(SEMANTIC.as_input(output + constant), read, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", task_names())
def test_what_is_read_has_the_shape_of_the_output(name, space):
    task = get_task(name)
    output = drawn(0, 2, task.channels(space), 5, 6)
    assert task.as_input(output).shape == output.shape


def test_a_prediction_of_depth_tells_the_output_and_others_do_not():
    output = drawn(0, 1, 1, 5, 6)
    again = DEPTH.output_of(DEPTH.predict(output)[0].numpy())
    np.testing.assert_allclose(again, output[0].numpy(), rtol=1e-6)
    with pytest.raises(UserError, match="predict again with --save-logits"):
        SEMANTIC.output_of(np.zeros((5, 6), np.uint8))
