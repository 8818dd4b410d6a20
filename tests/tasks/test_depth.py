"""L1, files and the seven errors of depth in four ways, against brute force."""

import math
from statistics import fmean, median

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from atdt.domains import LabelSpace, encodings
from atdt.errors import UserError
from atdt.tasks.depth import PNG_ENCODING, SEVEN, TASK

SPACE = LabelSpace("one", ("any",), ((0, 0, 0),))
BOUND = float(np.float32(0.001))  # truth is float32, and so is its bound
METRES = st.floats(BOUND, 130, width=32) | st.sampled_from([0.0, BOUND, 100.0])
GUESS = st.floats(-5, 150, width=32)
SIDES = st.tuples(st.integers(1, 3), st.integers(1, 4))


def pair_of(truth=METRES, guess=GUESS):
    return SIDES.flatmap(
        lambda side: st.tuples(
            arrays.arrays(np.float32, side, elements=guess),
            arrays.arrays(np.float32, side, elements=truth),
        )
    )


def brute_force(prediction: np.ndarray, truth: np.ndarray, factor: float) -> dict[str, float]:
    """The seven errors of one image, pixel by pixel."""
    rows = []
    for p, g in zip(prediction.ravel().tolist(), truth.ravel().tolist(), strict=True):
        if BOUND < g < 100:
            rows.append((min(max(p * factor, 0.001), 100.0), g))
    if not rows:
        return dict.fromkeys((key for key, *_ in SEVEN), math.nan)
    ratios = [max(p / g, g / p) for p, g in rows]
    return {
        "abs_rel": fmean(abs(g - p) / g for p, g in rows),
        "sq_rel": fmean((g - p) ** 2 / g for p, g in rows),
        "rmse": math.sqrt(fmean((g - p) ** 2 for p, g in rows)),
        "rmse_log": math.sqrt(fmean((math.log(g) - math.log(p)) ** 2 for p, g in rows)),
        "delta1": fmean(ratio < 1.25 for ratio in ratios),
        "delta2": fmean(ratio < 1.25**2 for ratio in ratios),
        "delta3": fmean(ratio < 1.25**3 for ratio in ratios),
    }


@given(pair_of(), st.floats(0.3, 3))
def test_the_errors_of_an_image_are_those_of_brute_force(pair, factor):
    prediction, truth = pair
    record = TASK.measure(prediction, truth, SPACE, focal_ratio=factor, scale=1 / factor)
    for prefix, by in (("", 1.0), ("focal/", factor), ("scalar/", 1 / factor)):
        expected = brute_force(prediction, truth, by)
        found = {key: float(record[prefix + key]) for key in expected}
        assert found == pytest.approx(expected, nan_ok=True, rel=1e-9, abs=1e-12)


@given(pair_of(), st.floats(0.3, 3))
def test_the_scale_free_figures_are_those_of_brute_force(pair, factor):
    prediction, truth = pair
    record = TASK.measure(prediction, truth, SPACE)
    rows = [
        (max(p, 0.001), g)
        for p, g in zip(prediction.ravel().tolist(), truth.ravel().tolist(), strict=True)
        if BOUND < g < 100
    ]
    assume(rows)
    ratio = median(g / p for p, g in rows)
    logs = [math.log(p) - math.log(g) for p, g in rows]
    variance = fmean(x * x for x in logs) - fmean(logs) ** 2
    scaled = brute_force(prediction, truth, ratio)
    assert record["median_ratio"] == pytest.approx(ratio)
    assert record["scale_free/silog"] ** 2 == pytest.approx(1e4 * variance, rel=1e-6, abs=1e-6)
    assert record["scale_free/delta1"] == pytest.approx(scaled["delta1"])


@given(pair_of(st.floats(1, 90, width=32), st.floats(1, 90, width=32)), st.floats(0.1, 10))
def test_silog_does_not_see_a_common_factor(pair, factor):
    prediction, truth = pair
    plain = TASK.measure(prediction, truth, SPACE)
    scaled = TASK.measure(prediction.astype(np.float64) * factor, truth, SPACE)
    assert scaled["scale_free/silog"] == pytest.approx(plain["scale_free/silog"], abs=1e-4)
    assert scaled["median_ratio"] == pytest.approx(plain["median_ratio"] / factor)


def test_truth_at_either_bound_is_not_used():
    truth = np.array([[0.001, 100.0, 0.0, 101.0, np.nan, np.inf]])
    record = TASK.measure(np.full((1, 6), 7.0), truth, SPACE, focal_ratio=1.2)
    assert record["pixels"] == 0
    assert all(np.isnan(record[key]) for key in record if key != "pixels")
    inside = np.array([[0.0010001, 99.999]])
    assert TASK.measure(inside, inside, SPACE)["pixels"] == 2


def test_predictions_are_clamped_after_they_are_scaled():
    truth = np.array([[50.0]])
    far = TASK.measure(np.array([[80.0]]), truth, SPACE, focal_ratio=2.0)
    assert far["focal/rmse"] == 50.0  # 160 m counts as 100 m
    behind = TASK.measure(np.array([[-3.0]]), truth, SPACE)
    assert behind["rmse"] == pytest.approx(50 - 0.001)
    assert np.isfinite(behind["rmse_log"])


def test_a_perfect_prediction_has_no_error():
    truth = np.linspace(1, 99, 12, dtype=np.float32).reshape(3, 4)
    scores = TASK.summarise([TASK.measure(truth, truth, SPACE)], SPACE)
    assert scores == {
        **dict.fromkeys(("abs_rel", "sq_rel", "rmse", "rmse_log", "scale_free/silog"), 0.0),
        **dict.fromkeys(("delta1", "delta2", "delta3", "scale_free/delta1"), 1.0),
    }


@given(st.lists(pair_of(), min_size=1, max_size=5))
def test_images_weigh_the_same_and_empty_ones_are_left_out(pairs):
    records = [TASK.measure(prediction, truth, SPACE) for prediction, truth in pairs]
    each = [brute_force(prediction, truth, 1.0) for prediction, truth in pairs]
    each = [errors for errors in each if not math.isnan(errors["abs_rel"])]
    if not each:
        with pytest.raises(UserError, match="pixel of truth"):
            TASK.summarise(records, SPACE)
        assert TASK.fit(records) == {}
        return
    scores = TASK.summarise(records, SPACE)
    for key, *_ in SEVEN:
        assert scores[key] == pytest.approx(fmean(errors[key] for errors in each))
    ratios = [float(record["median_ratio"]) for record in records if record["pixels"]]
    assert TASK.fit(records) == {"scale": pytest.approx(median(ratios))}


def test_one_scalar_undoes_a_common_scale():
    truth = np.linspace(2, 40, 20, dtype=np.float32).reshape(4, 5)
    records = [TASK.measure(truth / 2, truth, SPACE)]
    fitted = TASK.fit(records)
    assert fitted["scale"] == pytest.approx(2)
    assert TASK.measure(truth / 2, truth, SPACE, **fitted)["scalar/abs_rel"] == pytest.approx(0)


def test_the_loss_looks_at_known_depth_up_to_100_m_in_units_of_100_m():
    label = torch.tensor([[[0.0, 50.0, 100.0, 100.5]]])
    target = TASK.target(None, label)
    assert target.tolist() == [[[0.0, 0.5, 1.0, 0.0]]]
    output = torch.tensor([[[[9.0, 0.6, 0.7, 9.0]]]], requires_grad=True)
    loss = TASK.loss(output, target)
    loss.backward()
    assert loss.item() == pytest.approx((0.1 + 0.3) / 2)
    assert output.grad.flatten().tolist() == [0.0, 0.5, -0.5, 0.0]


@given(arrays.arrays(np.float32, (2, 3, 4), elements=METRES), st.integers(0, 2**32 - 1))
def test_the_loss_is_the_mean_over_valid_pixels_of_the_batch(label, seed):
    output = np.random.default_rng(seed).normal(0.3, 0.3, (2, 1, 3, 4)).astype(np.float32)
    valid = [
        abs(output[n, 0, y, x] - label[n, y, x] / 100)
        for n, y, x in np.ndindex(label.shape)
        if 0 < label[n, y, x] <= 100
    ]
    target = TASK.target(None, torch.from_numpy(label))
    loss = TASK.loss(torch.from_numpy(output), target)
    assert loss.item() == pytest.approx(sum(valid) / max(len(valid), 1), rel=1e-4, abs=1e-6)


def test_without_a_valid_pixel_loss_and_gradient_are_exactly_zero():
    output = torch.full((1, 1, 2, 2), float("inf"), requires_grad=True)
    loss = TASK.loss(output, TASK.target(None, torch.full((1, 2, 2), 500.0)))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(output.grad, torch.zeros_like(output))


def test_predictions_are_metres_and_survive_their_file(tmp_path):
    prediction = TASK.predict(torch.tensor([[[[0.25, -0.1]]]]))
    torch.testing.assert_close(prediction, torch.tensor([[[25.0, -10.0]]]))
    path = TASK.write(tmp_path / "a.b", prediction[0].numpy())
    assert path == tmp_path / "a.b.npy"
    np.testing.assert_array_equal(TASK.read(path), prediction[0])


def test_a_prediction_kept_as_png_is_read_as_metres(tmp_path):
    metres = np.array([[0.5, 25.0], [99.0, 200.0]], np.float32)
    path = encodings.write_depth(tmp_path / "a.png", metres, PNG_ENCODING)
    np.testing.assert_array_equal(TASK.read(path), metres)
    assert TASK.read(path).dtype == np.float32


def test_unknown_depth_is_black_and_near_is_brighter_than_far():
    picture = TASK.colour(np.array([[0.0, 3.0, 90.0, 500.0]]), SPACE)
    assert picture.shape == (1, 4, 3)
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == [0, 0, 0]
    brightness = picture[0].sum(axis=1, dtype=int)
    assert brightness[1] > brightness[2] >= brightness[3] > 0


def test_one_channel_and_a_label_are_needed():
    assert TASK.channels(SPACE) == 1
    with pytest.raises(ValueError, match="needs its label"):
        TASK.target(torch.zeros(1, 3, 2, 2), None)
