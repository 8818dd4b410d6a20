"""From predictions and labels on disk to metrics.json."""

import json

import numpy as np
import pytest

from atdt.domains import ViewPlan, encodings
from atdt.errors import MismatchError, UserError
from atdt.evaluate import Evaluation, evaluate, evaluation
from atdt.evaluate.records import load_measured
from atdt.tasks import get_task
from atdt.texts import read_json, write_json


def run(folder, domain, **options) -> dict:
    path = evaluate(Evaluation(folder, f"{domain.root}:val", **options))
    return read_json(path)


def test_semantic_figures_are_those_of_the_task(predict, noisy, domain):
    guesses = noisy("semantic", 0.3)
    folder = predict("p", "semantic", guesses, mismatch=["encoder: other weights"])
    info = run(folder, domain)
    task, space = get_task("semantic"), domain.label_space
    records = [
        task.measure(guess, domain.label(k, "semantic"), space) for k, guess in enumerate(guesses)
    ]
    assert info["scores"] == pytest.approx(task.summarise(records, space))
    assert info["headline"] == "miou"
    assert [metric["key"] for metric in info["metrics"]] == list(info["scores"])
    assert info["images"] == {"count": 8, "left_out": []}
    assert info["mismatch"] == ["encoder: other weights"]
    assert info["notes"] == []
    low, high = info["intervals"]["miou"]
    assert low < info["scores"]["miou"] < high
    measured = load_measured(folder)
    assert measured.images == tuple(sample.image for sample in domain.samples)
    np.testing.assert_array_equal(
        measured.stack["confusion"], [record["confusion"] for record in records]
    )


def test_a_class_that_nobody_has_is_null_and_not_nan(predict, domain):
    sky = [np.full((6, 8), 1, np.uint8)] * 8
    for k in range(8):
        encodings.write_png(domain.file(k, "semantic"), sky[0])
    text = evaluate(Evaluation(predict("p", "semantic", sky), f"{domain.root}:val")).read_text()
    assert "NaN" not in text
    info = json.loads(text)
    assert info["scores"]["iou/sky"] == info["scores"]["miou"] == 1.0
    assert info["scores"]["iou/road"] is info["intervals"]["iou/road"] is None


def test_depth_is_measured_in_four_ways(predict, noisy, domain):
    truths = noisy("depth", 0.0)
    folder = predict("p", "depth", [truth / 2 for truth in truths], method={"training_focal": 96.0})
    info = run(folder, domain)
    scores = info["scores"]
    assert scores["abs_rel"] == pytest.approx(0.5, abs=1e-4)
    assert scores["focal/abs_rel"] == pytest.approx(1 - 1.25 / 2, abs=1e-4)
    assert scores["scalar/abs_rel"] == pytest.approx(0, abs=1e-4)
    assert scores["scale_free/silog"] == pytest.approx(0, abs=1e-2)
    assert info["ways"] == {"focal_ratio": 1.25, "scale": pytest.approx(2, abs=1e-4)}
    assert info["images"] == {"count": 8, "left_out": ["image/7.png"]}
    assert info["notes"] == ["1 of 8 images have no valid pixel and are left out"]
    diagnostics = {m["way"]: bool(m["diagnostic"]) for m in info["metrics"] if m["title"] == "δ1"}
    assert diagnostics == {"": False, "× focal ratio": False, "× scalar": True, "scale-free": True}


def test_the_focal_way_is_left_out_and_said_where_it_is_unknown(predict, noisy, domain):
    folder = predict("p", "depth", noisy("depth", 0.2))
    info = run(folder, domain)
    assert "focal/abs_rel" not in info["scores"]
    assert info["ways"]["focal_ratio"] is None
    assert "records no training_focal" in info["notes"][0]
    assert run(folder, domain, focal_ratio=1.27)["ways"]["focal_ratio"] == 1.27
    assert "no focal" not in str(run(folder, domain, focal_ratio=None)["notes"])


def test_the_focal_length_is_that_of_the_resized_image(predict, domain):
    far = [np.ones((12, 16), np.float32)] * 8
    plan, method = ViewPlan(resize=(12, 16)), {"training_focal": 96.0}
    info = run(predict("p", "depth", far, plan=plan, method=method), domain)
    assert info["ways"]["focal_ratio"] == 2 * 120 / 96


def test_gap_closed_with_baseline_and_oracle_measured_on_the_way(predict, noisy, domain):
    method = predict("m", "semantic", noisy("semantic", 0.3))
    baseline = predict("b", "semantic", noisy("semantic", 0.6))
    oracle = predict("o", "semantic", noisy("semantic", 0.1))
    info = run(method, domain, baseline=baseline, oracle=oracle)
    scores = {
        f: read_json(f / "metrics.json")["scores"]["miou"] for f in (method, baseline, oracle)
    }
    gap = info["gap_closed"]["metrics"]["miou"]
    expected = (scores[method] - scores[baseline]) / (scores[oracle] - scores[baseline])
    assert gap["value"] == pytest.approx(expected)
    assert gap["interval"][0] < expected < gap["interval"][1]
    assert gap["undefined"] == 0
    assert info["gap_closed"]["oracle"]["scores"]["miou"] == scores[oracle]
    assert info["gap_closed"]["baseline"]["path"] == str(baseline / "metrics.json")


def test_the_oracle_as_baseline_leaves_the_gap_undefined(predict, noisy, domain):
    method = predict("m", "semantic", noisy("semantic", 0.3))
    info = run(method, domain, baseline=method, oracle=method)
    gap = info["gap_closed"]["metrics"]["miou"]
    assert gap == {"value": None, "interval": None, "undefined": 1.0}


def test_baseline_and_oracle_are_measured_again_only_when_they_must(
    predict, noisy, domain, monkeypatch
):
    folders = [
        predict(name, "depth", noisy("depth", 0.1 * k + 0.1)) for k, name in enumerate("mbo")
    ]
    method, oracle, baseline = folders
    measured = []
    original = evaluation.Pairs
    monkeypatch.setattr(
        evaluation,
        "Pairs",
        lambda predictions, *rest, **options: (
            measured.append(predictions.folder.name) or original(predictions, *rest, **options)
        ),
    )
    options = {"baseline": baseline, "oracle": oracle}
    run(method, domain, **options)
    run(method, domain, **options, block=2)
    assert measured == ["m", "o", "b", "m"] or measured == ["m", "b", "o", "m"]
    run(method, domain, **options, focal_ratio=2.0)
    assert sorted(measured[4:]) == ["b", "m", "o"]
    content = read_json(oracle / "predictions.json")
    write_json(oracle / "predictions.json", content | {"method": {"kind": "network", "seed": 9}})
    run(method, domain, **options, focal_ratio=2.0)
    assert sorted(measured[7:]) == sorted(["m", oracle.name])


def test_baseline_on_changed_truth_is_refused(predict, noisy, domain):
    method = predict("m", "semantic", noisy("semantic", 0.3))
    oracle = predict("o", "semantic", noisy("semantic", 0.1))
    run(oracle, domain)
    encodings.write_png(domain.file(0, "semantic"), np.zeros((6, 8), np.uint8))
    with pytest.raises(MismatchError, match="other truth_sha256"):
        run(method, domain, baseline=oracle, oracle=oracle)


def test_one_of_baseline_and_oracle_is_not_enough(predict, noisy, domain):
    folder = predict("m", "semantic", noisy("semantic", 0.3))
    with pytest.raises(UserError, match="needs both"):
        run(folder, domain, baseline=folder)


def test_a_prediction_that_cannot_be_is_named(predict, noisy, domain):
    guesses = noisy("semantic", 0.0)
    guesses[5] = np.full((6, 8), 9, np.uint8)
    with pytest.raises(UserError, match=r"predictions/image/5\.png: predicted id 9 is no class"):
        run(predict("p", "semantic", guesses), domain)


def test_a_domain_without_a_pixel_of_truth_is_refused(predict, domain):
    for k in range(8):
        encodings.write_depth(domain.file(k, "depth"), np.zeros((6, 8)), "rgb24-1000m")
    folder = predict("p", "depth", [np.ones((6, 8), np.float32)] * 8)
    with pytest.raises(UserError, match="none of 8 images has depth truth"):
        run(folder, domain)


def test_pixels_without_a_prediction_count_as_nothing_or_not_at_all(predict, noisy, domain):
    guesses = [1.1 * truth for truth in noisy("depth", 0.0)]
    pixels = run(predict("dense", "depth", guesses), domain)["scores"]["abs_rel"]
    assert pixels == pytest.approx(0.1, abs=1e-3)
    for guess in guesses:
        guess[:, ::2] = 0
    folder = predict("sparse", "depth", guesses)
    truths = [domain.label(k, "depth") for k in range(8)]
    pairs = [(guess, truth) for guess, truth in zip(guesses, truths, strict=True) if truth.any()]
    left_out = [(guess == 0)[truth > 0].mean() for guess, truth in pairs]
    expected = 0.1 + 0.9 * np.mean(left_out)
    assert 0.4 < np.mean(left_out) < 0.6
    assert run(folder, domain)["scores"]["abs_rel"] == pytest.approx(expected, abs=1e-3)
    info = run(folder, domain, known_only=True)
    assert info["scores"]["abs_rel"] == pytest.approx(0.1, abs=1e-3)
    assert load_measured(folder).stack["pixels"].sum() == sum((g > 0).sum() for g in guesses)
    # As a baseline they are measured like whatever they are compared with.
    method = predict("method", "depth", guesses)
    info = run(method, domain, baseline=folder, oracle=folder)
    assert info["gap_closed"]["baseline"]["scores"]["abs_rel"] == pytest.approx(expected, abs=1e-3)


def test_what_is_compared_or_no_depth_is_measured_everywhere(predict, noisy, domain):
    depth = predict("d", "depth", noisy("depth", 0.1))
    with pytest.raises(UserError, match="--known-only: compares with nothing"):
        run(depth, domain, known_only=True, baseline=depth, oracle=depth)
    with pytest.raises(UserError, match="--known-only: is for depth, not for semantic"):
        run(predict("s", "semantic", noisy("semantic", 0.1)), domain, known_only=True)


def test_normals_and_edges_are_measured_too(predict, domain):
    normals = [domain.label(k, "normals") for k in range(8)]
    assert run(predict("n", "normals", normals), domain)["scores"]["mean"] < 0.5
    flat = [np.zeros((6, 8), np.float32)] * 8
    info = run(predict("e", "edges", flat), domain)
    assert info["scores"]["mae"] > 0
    assert info["ways"] == {"focal_ratio": None, "scale": None}


def test_the_same_evaluation_writes_the_same_figures_elsewhere(predict, noisy, domain, tmp_path):
    folder = predict("p", "depth", noisy("depth", 0.2))
    first = run(folder, domain, seed=4, block=2)
    second = run(folder, domain, seed=4, block=2, out=tmp_path / "x" / "night.json")
    assert (tmp_path / "x" / "night.records.npz").is_file()
    for key in ("scores", "intervals", "truth_sha256", "bootstrap"):
        assert first[key] == second[key]
    assert first["bootstrap"]["unit"] == "moving blocks of 2 consecutive images"
    assert run(folder, domain, seed=5, block=2)["intervals"] != first["intervals"]


def test_no_intervals_on_request(predict, noisy, domain):
    info = run(predict("p", "semantic", noisy("semantic", 0.2)), domain, bootstrap=0)
    assert set(info["intervals"].values()) == {None}
