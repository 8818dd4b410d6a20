"""Scores of images: known answers, and none where there is nothing to go by."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.diagnose.measures import Far
from atdt.diagnose.scores import of_images
from atdt.diagnose.scores.outputs import Made
from atdt.diagnose.scores.shown import Shown
from atdt.domains import label_space
from atdt.tasks import get_task

SPACE = label_space("coarse4")
IMAGES = ("a.png", "b.png")


def shown(task, output):
    output = torch.as_tensor(output, dtype=torch.float32)
    prediction = get_task(task).predict(output).numpy()
    return Shown(get_task(task), SPACE, IMAGES, Made(prediction, output))


def classes(seed=0, scale=3.0, size=(6, 8)):
    return scale * np.random.default_rng(seed).normal(size=(2, 4, *size))


def depth(seed=0):
    return np.random.default_rng(seed).uniform(0.05, 0.5, (2, 1, 6, 8))


@pytest.mark.parametrize(
    "score",
    [
        of_images.agreement_of_seeds,
        of_images.agreement_with_baseline,
        of_images.agreement_with_median,
        of_images.consistency_under_views,
    ],
)
def test_without_anything_to_agree_with_there_is_no_score(score):
    for task, output in (("semantic", classes()), ("depth", depth())):
        one = shown(task, output)
        assert score(one, "headline") is None
        assert score(replace(one, made=Made(), baseline=one.made.prediction), "headline") is None


@given(factor=st.floats(0.5, 2))
def test_depth_that_is_off_by_a_factor_is_off_relatively_and_of_the_same_shape(factor):
    one = shown("depth", factor * depth())
    one = replace(one, baseline=shown("depth", depth()).made.prediction)
    found = of_images.agreement_with_baseline(one, "headline")
    assert found == pytest.approx([abs(factor - 1)] * 2, abs=1e-5)
    assert of_images.agreement_with_baseline(one, "second") == pytest.approx([0, 0], abs=1e-4)


def test_agreement_between_seeds_is_the_mean_over_the_others():
    one = shown("depth", depth())
    twins = [factor * one.made.prediction for factor in (1.0, 0.5)]
    found = of_images.agreement_of_seeds(replace(one, seeds=twins), "headline")
    assert found == pytest.approx([(0 + 1) / 2] * 2, rel=1e-5)


def test_classes_agree_by_pixels_and_by_iou():
    output = np.full((2, 4, 2, 2), -9.0)
    output[:, 0] = 9  # all are class 0
    one = shown("semantic", output)
    other = one.made.prediction.copy()
    other[0, 0, 0] = 1  # a pixel of the first image is not
    found = [
        of_images.agreement_with_median(replace(one, median=other), which)
        for which in ("headline", "second")
    ]
    # mIoU over the classes that are there: 3/4 of class 0 and none of class 1.
    assert found[0] == pytest.approx([3 / 8, 1])
    assert found[1] == pytest.approx([3 / 4, 1])


def test_views_are_compared_where_they_show_the_same():
    one = shown("depth", depth())
    first = one.made.prediction[0]
    views = [[(first[:, 2:], first[:, 2:]), (0.5 * first, first)], []]
    found = of_images.consistency_under_views(replace(one, views=views), "headline")
    assert found[0] == pytest.approx((0 + 0.5) / 2, rel=1e-5)
    assert math.isnan(found[1])  # no view shows anything of it


def test_entropy_is_0_for_certainty_and_1_for_a_guess():
    certain = np.zeros((2, 4, 3, 3))
    certain[0, 2] = 1000
    assert of_images.entropy(shown("semantic", certain)) == pytest.approx([0, 1], abs=1e-6)
    assert of_images.entropy(replace(shown("semantic", certain), made=Made())) is None


def density_by_hand(output):
    """The definition, pixel by pixel."""
    shares = np.exp(output - output.max(axis=0))
    shares = (shares / shares.sum(axis=0)).reshape(len(output), -1)
    shares /= np.linalg.norm(shares, axis=0)
    entropies = []
    for i in range(shares.shape[1]):
        others = [j for j in range(shares.shape[1]) if j != i]
        weights = np.exp([shares[:, i] @ shares[:, j] / 0.05 for j in others])
        weights /= weights.sum()
        entropies.append(-(weights * np.log(weights)).sum())
    return np.mean(entropies)


@given(seed=st.integers(0, 20), scale=st.floats(0.1, 5))
def test_density_is_that_of_its_definition(seed, scale):
    output = classes(seed, scale, (4, 5))
    found = of_images.soft_neighbourhood_density(shown("semantic", output))
    assert found == pytest.approx([density_by_hand(image) for image in output], rel=1e-3)


def test_density_is_higher_the_fewer_the_clusters_and_only_some_pixels_are_compared():
    output = np.full((2, 4, 64, 96), -9.0)
    output[0, 0] = 9  # one cluster
    output[1, 0, :, :48] = output[1, 1, :, 48:] = 9  # two halves
    one, two = of_images.soft_neighbourhood_density(shown("semantic", output))
    pixels = np.exp(one) + 1
    assert pixels < 1.5 * of_images.PIXELS
    assert np.exp(two) == pytest.approx(pixels / 2, rel=0.01)


def test_places_outside_are_those_far_from_what_is_known():
    known = Far(np.random.default_rng(0).normal(size=(5000, 3)))
    features = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, 20, 30))).float()
    features[1, :, :10] += 9
    one = Shown(None, None, IMAGES, Made(features=features), known=known)
    inside, half = of_images.share_outside(one)
    assert inside < 0.05 and half == pytest.approx(0.5, abs=0.05)
    assert of_images.share_outside(replace(one, known=None)) is None
    assert of_images.share_outside(replace(one, made=Made())) is None
