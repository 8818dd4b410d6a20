"""Cross-entropy, files and figures of semantic segmentation, against brute force."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torchmetrics.functional.classification import multiclass_confusion_matrix

from atdt.domains import LabelSpace
from atdt.errors import UserError
from atdt.tasks.semantic import TASK

SPACE = LabelSpace("three", ("road", "sky", "car"), ((128, 64, 128), (70, 130, 180), (0, 0, 142)))
IDS = st.sampled_from([0, 1, 2, 3, 254, 255])
SIDES = st.tuples(st.integers(1, 4), st.integers(1, 5))


def images(count: int):
    """Pairs (prediction, truth) of `count` images of one size; truth holds ids that are ignored."""
    return SIDES.flatmap(
        lambda side: st.tuples(
            arrays.arrays(np.uint8, (count, *side), elements=st.integers(0, 2)),
            arrays.arrays(np.uint8, (count, *side), elements=IDS),
        )
    )


def brute_force(predictions: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    """The figures, pixel by pixel."""
    hits, truth, guess = [0, 0, 0], [0, 0, 0], [0, 0, 0]
    for p, t in zip(predictions.ravel().tolist(), truths.ravel().tolist(), strict=True):
        if t > 2:
            continue
        truth[t] += 1
        guess[p] += 1
        hits[t] += p == t
    union = [t + g - h for t, g, h in zip(truth, guess, hits, strict=True)]
    iou = [h / u if u else math.nan for h, u in zip(hits, union, strict=True)]
    present = [i for i, t in zip(iou, truth, strict=True) if t]
    paper = [i for i, u in zip(iou, union, strict=True) if u]
    return {
        "miou": sum(present) / len(present),
        "miou_paper": sum(paper) / len(paper),
        "accuracy": sum(hits) / sum(truth),
        **{f"iou/{name}": value for name, value in zip(SPACE.classes, iou, strict=True)},
    }


@given(images(3))
def test_figures_are_those_of_brute_force(pair):
    predictions, truths = pair
    records = [TASK.measure(p, t, SPACE) for p, t in zip(predictions, truths, strict=True)]
    assert [int(record["pixels"]) for record in records] == [(t < 3).sum() for t in truths]
    if not (truths < 3).any():
        with pytest.raises(UserError, match="pixel of truth"):
            TASK.summarise(records, SPACE)
        return
    found = TASK.summarise(records, SPACE)
    assert found == pytest.approx(brute_force(predictions, truths), nan_ok=True)


@given(images(1))
def test_the_confusion_matrix_is_that_of_torchmetrics(pair):
    prediction, truth = pair[0][0], pair[1][0]
    known = np.where(truth < 3, truth, 255)
    expected = multiclass_confusion_matrix(
        torch.from_numpy(prediction).long(), torch.from_numpy(known).long(), 3, ignore_index=255
    )
    np.testing.assert_array_equal(TASK.measure(prediction, truth, SPACE)["confusion"], expected)


def test_rows_are_truth_and_columns_are_predictions():
    record = TASK.measure(np.array([[2, 2]], np.uint8), np.array([[0, 1]], np.uint8), SPACE)
    np.testing.assert_array_equal(record["confusion"], [[0, 0, 1], [0, 0, 1], [0, 0, 0]])


def test_a_class_that_only_predictions_have_counts_for_the_paper_alone():
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    prediction = np.array([[0, 2, 1, 1]], np.uint8)
    scores = TASK.summarise([TASK.measure(prediction, truth, SPACE)], SPACE)
    assert scores["iou/car"] == 0.0
    assert scores["miou"] == pytest.approx((0.5 + 1) / 2)
    assert scores["miou_paper"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert scores["accuracy"] == 0.75


def test_a_class_that_nobody_has_is_undefined_and_left_out():
    truth = np.array([[0, 1]], np.uint8)
    scores = TASK.summarise([TASK.measure(truth, truth, SPACE)], SPACE)
    assert math.isnan(scores["iou/car"])
    assert scores["miou"] == scores["miou_paper"] == scores["accuracy"] == 1.0


def test_one_matrix_over_the_set_and_not_a_mean_over_images():
    truths = [np.array([[0, 0, 0, 1]], np.uint8), np.array([[1, 1, 255, 255]], np.uint8)]
    predictions = [np.array([[0, 0, 0, 0]], np.uint8), np.array([[1, 1, 0, 0]], np.uint8)]
    records = [TASK.measure(p, t, SPACE) for p, t in zip(predictions, truths, strict=True)]
    assert TASK.summarise(records, SPACE)["miou"] == pytest.approx((3 / 4 + 2 / 3) / 2)


def test_a_predicted_id_that_is_no_class_is_refused():
    with pytest.raises(UserError, match=r"id 3 is no class: three has 0 to 2"):
        TASK.measure(np.array([[3]], np.uint8), np.array([[255]], np.uint8), SPACE)


@given(images(2), st.integers(0, 2**32 - 1))
def test_the_loss_is_the_mean_over_valid_pixels_of_the_batch(pair, seed):
    truth = pair[1]
    logits = np.random.default_rng(seed).normal(0, 2, (2, 3, *truth.shape[1:])).astype(np.float32)
    total, count = 0.0, 0
    for n, y, x in np.ndindex(truth.shape):
        if truth[n, y, x] < 3:
            z = logits[n, :, y, x].astype(float)
            total += math.log(np.exp(z).sum()) - z[truth[n, y, x]]
            count += 1
    target = TASK.target(None, torch.from_numpy(truth))
    loss = TASK.loss(torch.from_numpy(logits), target)
    assert loss.item() == pytest.approx(total / max(count, 1), rel=1e-5, abs=1e-6)


def test_without_a_valid_pixel_loss_and_gradient_are_exactly_zero():
    output = torch.randn(2, 3, 4, 5, requires_grad=True)
    loss = TASK.loss(output, TASK.target(None, torch.full((2, 4, 5), 3, dtype=torch.uint8)))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(output.grad, torch.zeros_like(output))


def test_predictions_are_the_likeliest_ids_and_survive_their_file(tmp_path):
    output = torch.zeros(1, 3, 2, 2)
    output[0, 2, 0, 0] = output[0, 1, 1, 1] = 1.0
    prediction = TASK.predict(output)
    assert prediction.dtype == torch.uint8
    assert prediction[0].tolist() == [[2, 0], [0, 1]]
    path = TASK.write(tmp_path / "a" / "name.with.dots", prediction[0].numpy())
    assert path == tmp_path / "a" / "name.with.dots.png"
    np.testing.assert_array_equal(TASK.read(path), prediction[0])


def test_colours_are_those_of_the_label_space_and_nothing_is_black():
    picture = TASK.colour(np.array([[0, 2], [255, 9]], np.uint8), SPACE)
    assert picture.dtype == np.uint8
    assert picture.tolist() == [[[128, 64, 128], [0, 0, 142]], [[0, 0, 0], [0, 0, 0]]]


def test_channels_are_classes():
    assert TASK.channels(SPACE) == 3
    with pytest.raises(ValueError, match="needs its label"):
        TASK.target(torch.zeros(1, 3, 2, 2), None)
