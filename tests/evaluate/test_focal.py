"""The focal ratio, and why there is none."""

from dataclasses import replace

import pytest

from atdt.errors import UserError
from atdt.evaluate.focal import focal_ratios
from atdt.evaluate.pairs import Pairs
from atdt.predictions import open_predictions
from atdt.tasks import get_task


@pytest.fixture
def pairs(predict, noisy, domain) -> Pairs:
    folder = predict("p", "depth", noisy("depth", 0.1), method={"training_focal": 96.0})
    return Pairs(open_predictions(folder), domain, get_task("depth"))


def test_auto_divides_the_target_focal_by_the_training_focal(pairs):
    assert focal_ratios("auto", pairs) == ([1.25] * 8, "")


def test_a_number_is_taken_as_it_is_and_none_is_none(pairs):
    assert focal_ratios(1.5, pairs) == ([1.5] * 8, "")
    assert focal_ratios(None, pairs) == (None, "")


def test_a_training_without_a_focal_length_is_said(pairs):
    del pairs.predictions.method["training_focal"]
    ratios, why = focal_ratios("auto", pairs)
    assert ratios is None
    assert "records no training_focal" in why


def test_a_domain_without_a_focal_length_is_said(pairs):
    description = replace(pairs.domain.description, focal=None)
    pairs.domain = replace(pairs.domain, description=description)
    ratios, why = focal_ratios("auto", pairs)
    assert ratios is None
    assert "no focal length for image/0.png" in why


@pytest.mark.parametrize("setting", ["wide", 0, -1.0, float("nan"), float("inf")])
def test_what_is_no_factor_is_refused(setting, pairs):
    with pytest.raises(UserError, match="--focal-ratio"):
        focal_ratios(setting, pairs)
