"""Rows share their resamples: trainings and images are crossed, differences are paired."""

from pathlib import Path

import numpy as np
import pytest

from atdt.errors import MismatchError, UserError
from atdt.evaluate.bootstrap import image_counts, seed_counts
from atdt.evaluate.compare import Compared, compare, gaps
from atdt.evaluate.records import Measured

IMAGES = tuple(f"{k}.png" for k in range(12))


def edges(values: np.ndarray, name: str = "p", **info: object) -> Measured:
    """A measured set of 12 images with these errors."""
    known = {
        "task": "edges",
        "domain": {"name": "town", "split": "val", "digest": "d"},
        "view": {"views": 1},
        "label_space": {"name": "one", "classes": ["any"], "colours": [[0, 0, 0]]},
        "truth_sha256": "t",
    }
    stack = {"mae": np.asarray(values, float), "pixels": np.full(12, 48)}
    return Measured(Path(name) / "metrics.json", known | info, IMAGES, stack)


@pytest.fixture
def errors() -> np.ndarray:
    return np.random.default_rng(0).random((6, 12))


def test_one_training_is_a_bootstrap_over_images(errors):
    row = compare({"a": [[edges(errors[0])]]}, replicates=50, block=3, seed=7)["a"]
    assert row.scores == {"mae": pytest.approx(errors[0].mean())}
    expected = image_counts(12, 50, 7, 3) @ errors[0] / 12
    np.testing.assert_allclose(row.replicates["mae"], expected)
    low, high = row.interval("mae")
    assert low < row.scores["mae"] < high


def test_seeds_of_encoders_and_trainings_within_them_are_drawn(errors):
    row = [[edges(errors[0]), edges(errors[1])], [edges(errors[2])], [edges(errors[3])]]
    compared = compare({"a": row}, replicates=30, seed=3)["a"]
    means = errors.mean(axis=1)
    assert compared.scores["mae"] == pytest.approx(
        ((means[0] + means[1]) / 2 + means[2] + means[3]) / 3
    )
    images = image_counts(12, 30, 3)
    encoders, first = seed_counts(3, 30, 3, 0), seed_counts(2, 30, 3, 1)
    for r in range(30):
        of = [float(images[r] @ errors[k] / 12) for k in range(4)]
        groups = [(first[r, 0] * of[0] + first[r, 1] * of[1]) / 2, of[2], of[3]]
        expected = sum(n * value for n, value in zip(encoders[r], groups, strict=True)) / 3
        assert compared.replicates["mae"][r] == pytest.approx(expected)


def test_trainings_share_the_images_of_a_resample(errors):
    one = compare({"a": [[edges(errors[0])]]}, replicates=40)["a"]
    many = compare({"a": [[edges(errors[0])]] * 4}, replicates=40)["a"]
    np.testing.assert_allclose(one.replicates["mae"], many.replicates["mae"])


def test_rows_are_paired_over_seeds_and_images(errors):
    rows = {
        "a": [[edges(errors[0])], [edges(errors[1])]],
        "b": [[edges(errors[0] + 0.1)], [edges(errors[1] + 0.1)]],
    }
    compared = compare(rows, replicates=40)
    apart = compared["b"].replicates["mae"] - compared["a"].replicates["mae"]
    np.testing.assert_allclose(apart, 0.1)


def test_what_is_undefined_and_not_drawn_does_not_matter():
    holes = np.full(12, 0.5)
    measured = edges(holes)
    measured.stack["pixels"][1:] = 0
    row = compare({"a": [[measured]]}, replicates=200)["a"]
    drawn = image_counts(12, 200, 0)[:, 0] > 0
    np.testing.assert_array_equal(np.isnan(row.replicates["mae"]), ~drawn)
    assert row.interval("mae") is None


def test_one_image_or_no_replicates_have_no_interval(errors):
    row = compare({"a": [[edges(errors[0])]]}, replicates=0)["a"]
    assert row.interval("mae") is None
    alone = edges(errors[0])
    alone = Measured(alone.path, alone.info, IMAGES[:1], {k: v[:1] for k, v in alone.stack.items()})
    assert compare({"a": [[alone]]})["a"].interval("mae") is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("task", "depth"),
        ("domain", {"digest": "other"}),
        ("view", {"views": 2}),
        ("label_space", {"classes": ["none"]}),
        ("truth_sha256", "u"),
    ],
)
def test_rows_that_cannot_be_compared_are_refused(errors, key, value):
    first, second = edges(errors[0], "one"), edges(errors[1], "two", **{key: value})
    with pytest.raises(MismatchError, match=f"one and two cannot be compared: other {key};"):
        compare({"a": [[first]], "b": [[second]]})


def test_rows_of_other_images_are_refused(errors):
    first, second = edges(errors[0]), edges(errors[1])
    second = Measured(second.path, second.info, IMAGES[::-1], second.stack)
    with pytest.raises(MismatchError, match="other images"):
        compare({"a": [[first]], "b": [[second]]})


def test_names_paths_and_colours_do_not_matter(errors):
    other = edges(
        errors[1],
        domain={"name": "city", "split": "test", "digest": "d"},
        label_space={"name": "1", "classes": ["any"], "colours": [[1, 1, 1]]},
    )
    assert set(compare({"a": [[edges(errors[0])]], "b": [[other]]})) == {"a", "b"}


def test_rows_with_other_numbers_of_seeds_are_refused(errors):
    rows = {"a": [[edges(errors[0])]], "b": [[edges(errors[0])], [edges(errors[1])]]}
    with pytest.raises(MismatchError, match="have a 1, b 2"):
        compare(rows)


def test_blocks_longer_than_half_of_the_set_are_refused(errors):
    with pytest.raises(UserError, match="--block 7"):
        compare({"a": [[edges(errors[0])]]}, block=7)


def test_gaps_are_closed_for_every_figure_that_all_rows_have():
    def row(value: float, **more: float) -> Compared:
        scores = {"mae": value, **more}
        return Compared(scores, {key: np.full(10, score) for key, score in scores.items()})

    closed = gaps(row(0.4, x=1.0), row(0.5), row(0.3, x=2.0), {"mae": False, "x": True})
    assert set(closed) == {"mae"}
    assert closed["mae"].value == pytest.approx(0.5)
    assert closed["mae"].interval == pytest.approx((0.5, 0.5))


def test_an_oracle_counts_without_a_focal_ratio():
    """The figures of the design: 65 % with the ratio, 35 % without."""

    def row(plain: float, focal: float) -> Measured:
        errors = {key: np.full(12, plain) for key in ("abs_rel", "rmse")}
        errors |= {f"focal/{key}": np.full(12, focal) for key in ("abs_rel", "rmse")}
        empty = edges(np.zeros(12), task="depth")
        return Measured(empty.path, empty.info, IMAGES, errors | {"pixels": np.full(12, 48)})

    compared = compare(
        {
            "method": [[row(0.333, 0.231)]],
            "baseline": [[row(0.418, 0.332)]],
            "oracle": [[row(0.177, 0.9)]],
        },
        replicates=10,
    )
    closed = gaps(*compared.values(), {"abs_rel": False, "focal/abs_rel": False})
    assert closed["abs_rel"].value == pytest.approx(0.35, abs=0.005)
    assert closed["focal/abs_rel"].value == pytest.approx(0.65, abs=0.005)
    assert closed["focal/abs_rel"].interval == pytest.approx((0.65, 0.65), abs=0.005)
