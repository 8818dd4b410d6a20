"""Depth that a user has of B: sparse or matched for trainings, exact for tests."""

import numpy as np
import pytest

from atdt.domains import open_domain
from atdt.experiments.known_depth import EACH, FARTHEST, LINES, Thinning, thin, with_known_depth
from atdt.experiments.pairs import Place
from atdt.experiments.steps import Steps


def known(kind, data, root):
    place = Place(data / "b")
    made = with_known_depth(kind, place, root, "x", data, Steps(root / "steps.json"))
    return place, made


def test_exact_depth_is_the_domains_own(data, tmp_path):
    place, made = known("exact", data, tmp_path)
    assert made is place


@pytest.mark.parametrize(("kind", "least", "most"), [("stereo", 0.2, 0.95), ("sparse", 0.02, 0.09)])
def test_trainings_see_other_depth_of_the_same_images_and_tests_do_not(
    data, tmp_path, kind, least, most
):
    place, made = known(kind, data, tmp_path)
    assert made.spec("test") == place.spec("test")
    for split, images in (("train", 2), ("val", 1)):
        exact, other = (open_domain(p.spec(split), labels=["depth"]) for p in (place, made))
        assert [s.image for s in other.samples] == [s.image for s in exact.samples]
        assert len(other) == images
        for index in range(images):
            assert np.array_equal(other.image(index), exact.image(index))
            assert other.focal(index) == pytest.approx(exact.focal(index))
            true, seen = exact.label(index, "depth"), other.label(index, "depth")
            there = (seen > 0) & (true > 0)
            assert least < (seen > 0).mean() < most
            assert np.median(np.abs(seen - true)[there] / true[there]) < 0.15


def test_a_lidars_depth_lies_on_lines_and_ends_where_it_does(data, tmp_path):
    spec = f"{data / 'b'}:train"
    exact = open_domain(spec).label(0, "depth")
    seen = open_domain(f"{thin(Thinning(spec, tmp_path / 'thin'))}:train").label(0, "depth")
    expected = np.zeros_like(exact)
    expected[::LINES, ::EACH] = np.where(exact <= FARTHEST, exact, 0)[::LINES, ::EACH]
    assert np.allclose(seen, expected, atol=1 / 256)
