"""The grid of input, methods and truth."""

import numpy as np
import pytest

from atdt.domains import ViewPlan
from atdt.errors import MismatchError
from atdt.evaluate.pictures import comparison_grid, spread
from atdt.tasks import get_task


def test_a_row_holds_input_methods_and_truth(domain, predict, noisy) -> None:
    perfect = predict("perfect", "semantic", noisy("semantic", 0.0))
    poor = predict("poor", "semantic", noisy("semantic", 0.9))
    grid = comparison_grid(domain, {"baseline": poor, "AT/DT": perfect}, [2, 5], "town")
    assert list(grid.columns) == ["input", "baseline", "AT/DT", "truth"]
    assert [row.label for row in grid.rows] == ["image/2.png", "image/5.png"]
    image, bad, good, truth = grid.rows[1].pictures
    assert np.array_equal(image, domain.image(5))
    known = domain.label(5, "semantic") != 255
    assert np.array_equal(good[known], truth[known])
    assert not np.array_equal(bad[known], truth[known])
    space = domain.label_space
    assert grid.legend == dict(zip(space.classes, space.colours, strict=True))
    assert grid.html().count("<img") == 8


def test_truth_and_input_are_cut_like_the_predictions(domain, predict, noisy) -> None:
    plan = ViewPlan(crop=(4, 6))
    cut = [values[1:5, 1:7] for values in noisy("depth", 0.0)]
    grid = comparison_grid(domain, {"x": predict("x", "depth", cut, plan=plan)}, [0], "town")
    image, prediction, truth = grid.rows[0].pictures
    assert np.array_equal(image, domain.image(0)[1:5, 1:7])
    assert np.array_equal(prediction, truth)
    expected = get_task("depth").colour(domain.label(0, "depth")[1:5, 1:7], domain.label_space)
    assert np.array_equal(truth, expected)
    assert grid.legend is None


def test_methods_that_were_cut_otherwise_do_not_share_a_grid(domain, predict, noisy) -> None:
    whole = noisy("depth", 0.0)
    cut = predict("cut", "depth", [v[1:5, 1:7] for v in whole], plan=ViewPlan(crop=(4, 6)))
    with pytest.raises(MismatchError, match="predict with the same sizes"):
        comparison_grid(domain, {"a": predict("a", "depth", whole), "b": cut}, [0], "town")


@pytest.mark.parametrize(("total", "count", "places"), [(10, 2, [2, 7]), (3, 5, [0, 1, 2])])
def test_examples_are_spread_over_the_list(total: int, count: int, places: list[int]) -> None:
    assert spread(total, count) == places
