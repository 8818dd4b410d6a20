"""Predictions meet the truth of the same images in the same view, or are refused."""

from dataclasses import replace

import numpy as np
import pytest

from atdt.domains import ViewPlan, open_domain
from atdt.errors import MismatchError
from atdt.evaluate import pairs as pairs_module
from atdt.evaluate.pairs import Pairs
from atdt.predictions import open_predictions
from atdt.tasks import get_task
from atdt.texts import read_json, write_json


def pairs_of(folder, domain, task="semantic") -> Pairs:
    return Pairs(open_predictions(folder), domain, get_task(task))


def test_truth_is_that_of_the_domain(predict, noisy, domain):
    pairs = pairs_of(predict("p", "semantic", noisy("semantic", 0.0)), domain)
    assert len(pairs) == 8
    prediction, truth = pairs[2]
    np.testing.assert_array_equal(truth, domain.label(2, "semantic"))
    np.testing.assert_array_equal(prediction[truth < 4], truth[truth < 4])


@pytest.mark.parametrize("kind", ["semantic", "depth", "normals"])
@pytest.mark.parametrize(
    "plan",
    [
        ViewPlan(resize=(4, 5)),
        ViewPlan(crop=(4, 5)),
        ViewPlan(pad=(8, 10)),
        ViewPlan(views=3, resize=(12, 16), crop=(9, 10), flip=True, photometric="strong"),
    ],
)
def test_truth_goes_through_the_view_of_the_predictions(predict, domain, kind, plan):
    cut = []
    for index, sample in enumerate(domain.samples):
        view = plan.draw(sample.image, 0, domain.image_size(index))
        cut.append(view.label(domain.label(index, kind), kind))
    guesses = [np.where(truth == 255, 0, truth) if kind == "semantic" else truth for truth in cut]
    pairs = pairs_of(predict("p", kind, guesses, plan=plan), domain, kind)
    for index, truth in enumerate(cut):
        np.testing.assert_array_equal(pairs[index][1], truth)
        measured = pairs.task.measure(*pairs[index], domain.label_space)
        headline = {"semantic": "confusion", "depth": "abs_rel", "normals": "mean"}[kind]
        if kind == "semantic":
            assert np.trace(measured[headline]) == measured["pixels"]
        elif measured["pixels"]:
            assert measured[headline] < 0.5


def test_a_task_without_labels_makes_its_truth_from_the_clean_image(predict, domain):
    import torch

    task = get_task("edges")
    plan = ViewPlan(resize=(12, 16))
    strengths = []
    for index, sample in enumerate(domain.samples):
        image = plan.draw(sample.image, 0, (6, 8)).image(domain.image(index))
        strengths.append(task.target(torch.from_numpy(image)[None], None)[0].numpy())
    pairs = pairs_of(predict("p", "edges", strengths, plan=plan), domain, "edges")
    for index in range(8):
        assert task.measure(*pairs[index], domain.label_space)["mae"] == 0


def test_predictions_of_another_split_are_refused(predict, noisy, domain):
    folder = predict("p", "semantic", noisy("semantic", 0.0))
    few = open_domain(f"{domain.root}:few")
    with pytest.raises(MismatchError, match=r"town:val .* but --domain is town:few"):
        pairs_of(folder, few)


def test_an_image_too_few_or_too_many_is_named(predict, noisy, domain):
    folder = predict("p", "semantic", noisy("semantic", 0.0))
    info = read_json(folder / "predictions.json")
    file = info["files"].pop("image/3.png")
    write_json(folder / "predictions.json", info)
    with pytest.raises(MismatchError, match=r"no prediction of 'image/3.png'"):
        pairs_of(folder, domain)
    info["files"] |= {"image/3.png": file, "image/33.png": file}
    write_json(folder / "predictions.json", info)
    with pytest.raises(MismatchError, match=r"predicts 'image/33.png', which"):
        pairs_of(folder, domain)


def test_ids_of_other_classes_are_refused(predict, noisy, domain):
    folder = predict("p", "semantic", noisy("semantic", 0.0))
    info = read_json(folder / "predictions.json")
    info["label_space"]["classes"][0] = "lawn"
    write_json(folder / "predictions.json", info)
    with pytest.raises(MismatchError, match="ids stand for lawn"):
        pairs_of(folder, domain)


def test_a_prediction_of_another_size_is_named(predict, noisy, domain):
    guesses = noisy("semantic", 0.0)
    guesses[4] = guesses[4][:, :-1]
    pairs = pairs_of(predict("p", "semantic", guesses), domain)
    with pytest.raises(MismatchError, match=r"4\.png: is 6×7, but its truth is 6×8"):
        pairs[4]


def test_pairs_are_kept_while_there_is_room(predict, noisy, domain, monkeypatch):
    folder = predict("p", "semantic", noisy("semantic", 0.0))
    monkeypatch.setattr(pairs_module, "KEEP_BYTES", 2 * 6 * 8 * 3)
    reads = []
    label = type(domain).label
    monkeypatch.setattr(
        type(domain), "label", lambda self, k, kind: reads.append(k) or label(self, k, kind)
    )
    pairs = pairs_of(folder, replace(domain))
    for _ in range(2):
        for index in range(8):
            pairs[index]
    assert reads == [*range(8), *range(3, 8)]
