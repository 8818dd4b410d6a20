"""Cosine, files and angles of normals, against brute force."""

import math
from statistics import fmean, median

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.domains import LabelSpace
from atdt.errors import UserError
from atdt.tasks.normals import TASK, angles_between

SPACE = LabelSpace("one", ("any",), ((0, 0, 0),))


def drawn(seed: int, *shape: int, holes: float = 0.3) -> np.ndarray:
    """Unit vectors (…, 3) float32, some of them zero."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(*shape, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    vectors[random.random(shape) < holes] = 0
    return vectors.astype(np.float32)


def angle(first: list[float], second: list[float]) -> float:
    """Degrees, from sine and cosine."""
    cross = np.linalg.norm(np.cross(first, second))
    return math.degrees(math.atan2(cross, float(np.dot(first, second))))


@given(st.integers(0, 2**32 - 1))
def test_figures_are_those_of_brute_force(seed):
    truth, prediction = drawn(seed, 2, 4), drawn(seed + 1, 2, 4, holes=0)
    angles = [
        angle(prediction[y, x].astype(float).tolist(), truth[y, x].astype(float).tolist())
        for y, x in np.ndindex(2, 4)
        if truth[y, x].any()
    ]
    record = TASK.measure(prediction, truth, SPACE)
    assert record["pixels"] == len(angles)
    if not angles:
        assert all(np.isnan(record[key]) for key in record if key != "pixels")
        return
    expected = {
        "mean": fmean(angles),
        "median": median(angles),
        "rmse": math.sqrt(fmean(a * a for a in angles)),
        "within_11.25": fmean(a < 11.25 for a in angles),
        "within_22.5": fmean(a < 22.5 for a in angles),
        "within_30": fmean(a < 30 for a in angles),
    }
    found = {key: float(record[key]) for key in expected}
    assert found == pytest.approx(expected, rel=1e-5)
    assert TASK.summarise([record], SPACE) == pytest.approx(expected, rel=1e-5)


def test_angles_are_exact_where_the_arccosine_is_not():
    axis = np.array([[0.6, 0.0, 0.8]])
    nearby = np.array([[0.6 + 1e-9, 0.0, 0.8]])
    assert angles_between(axis, axis)[0] == 0
    assert angles_between(axis, -axis)[0] == 180
    assert 0 < angles_between(axis, nearby)[0] < 1e-7
    assert angles_between(axis, np.zeros((1, 3)))[0] == pytest.approx(90)


def test_empty_images_are_left_out_of_the_mean():
    truth = drawn(1, 2, 2, holes=0)
    empty = np.zeros_like(truth)
    records = [TASK.measure(truth, truth, SPACE), TASK.measure(truth, empty, SPACE)]
    assert TASK.summarise(records, SPACE) == {
        "mean": 0.0,
        "median": 0.0,
        "rmse": 0.0,
        "within_11.25": 1.0,
        "within_22.5": 1.0,
        "within_30": 1.0,
    }
    with pytest.raises(UserError, match="pixel of truth"):
        TASK.summarise(records[1:], SPACE)


def test_components_may_come_first_or_last_but_not_both():
    truth, prediction = drawn(2, 4, 5), drawn(3, 4, 5, holes=0)
    last = TASK.measure(prediction, truth, SPACE)
    first = TASK.measure(prediction.transpose(2, 0, 1), truth.transpose(2, 0, 1), SPACE)
    assert first == last
    with pytest.raises(UserError, match="which axis"):
        TASK.measure(np.zeros((3, 5, 3)), np.zeros((3, 5, 3)), SPACE)


@given(st.integers(0, 2**32 - 1))
def test_the_loss_is_one_minus_the_cosine_of_the_squashed_output(seed):
    label = np.moveaxis(drawn(seed, 2, 3, 4), 3, 1)
    output = np.random.default_rng(seed).normal(0, 2, label.shape).astype(np.float32)
    terms = []
    for n, y, x in np.ndindex(2, 3, 4):
        if label[n, :, y, x].any():
            squashed = np.tanh(output[n, :, y, x].astype(float))
            cosine = squashed @ label[n, :, y, x] / np.linalg.norm(squashed)
            terms.append(1 - cosine)
    target = TASK.target(None, torch.from_numpy(label))
    loss = TASK.loss(torch.from_numpy(output), target)
    assert loss.item() == pytest.approx(sum(terms) / max(len(terms), 1), abs=1e-5)


def test_without_a_valid_pixel_loss_and_gradient_are_exactly_zero():
    output = torch.randn(2, 3, 4, 5, requires_grad=True)
    loss = TASK.loss(output, TASK.target(None, torch.zeros(2, 3, 4, 5)))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(output.grad, torch.zeros_like(output))


def test_an_output_of_zero_gives_no_nan():
    output = torch.zeros(1, 3, 1, 1, requires_grad=True)
    loss = TASK.loss(output, torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1))
    loss.backward()
    assert loss.item() == 1.0
    assert torch.isfinite(output.grad).all()


def test_predictions_are_unit_vectors_and_survive_their_file(tmp_path):
    prediction = TASK.predict(torch.randn(1, 3, 4, 6))
    torch.testing.assert_close(prediction.norm(dim=1), torch.ones(1, 4, 6))
    path = TASK.write(tmp_path / "a.b", prediction[0].numpy())
    assert path == tmp_path / "a.b.png"
    read = TASK.read(path)
    assert read.shape == (4, 6, 3)
    record = TASK.measure(read, prediction[0].numpy(), SPACE)
    assert record["mean"] < 0.5  # degrees: what 8 bits cost


def test_colours_show_components_and_black_where_there_is_none():
    picture = TASK.colour(np.array([[[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]]), SPACE)
    assert picture.dtype == np.uint8
    assert picture.tolist() == [[[128, 128, 255], [0, 0, 0]]]


def test_three_channels_and_a_label_are_needed():
    assert TASK.channels(SPACE) == 3
    with pytest.raises(ValueError, match="need their label"):
        TASK.target(torch.zeros(1, 3, 2, 2), None)
