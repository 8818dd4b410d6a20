"""Domain A in B's colours, for all rows of an experiment alike."""

import numpy as np
import pytest

from atdt.domains import open_domain
from atdt.errors import UserError
from atdt.experiments.experiment import Experiment, walk
from atdt.experiments.pairs import PAIRS, Place
from atdt.experiments.preset import load_preset
from atdt.experiments.restyled import with_colours
from atdt.experiments.steps import Steps


def recoloured(kind, data, root):
    a, b, steps = Place(data / "a"), Place(data / "b"), Steps(root / "steps.json")
    return a, b, *with_colours(kind, a, b, root, "x", data, steps)


def mean_colour(domain):
    return np.mean([domain.image(k).mean(axis=(0, 1)) for k in range(len(domain))], axis=0)


def test_its_own_colours_leave_a_as_it_is(data, tmp_path):
    a, _, made, of = recoloured("own", data, tmp_path)
    assert made is a
    assert of == data


@pytest.mark.parametrize("kind", ["moments", "histogram"])
def test_every_split_of_a_comes_nearer_to_b_and_keeps_its_labels(data, tmp_path, kind):
    a, b, made, of = recoloured(kind, data, tmp_path)
    assert of == made.path
    before, after, there = (open_domain(place.spec("train")) for place in (a, made, b))
    assert after.focal(0) == before.focal(0)
    for kept in ("semantic", "depth"):
        assert np.array_equal(after.label(0, kept), before.label(0, kept))
    gaps = [np.abs(mean_colour(domain) - mean_colour(there)).max() for domain in (before, after)]
    assert gaps[1] < 0.5 * gaps[0]
    assert len(open_domain(made.spec("test"))) == 1


def test_colours_go_on_from_the_camera(data, tmp_path):
    options = {"camera": "matched", "colours": "moments", "size": "[48, 96]"}
    experiment = Experiment(load_preset("smoke", options), PAIRS["streets"], tmp_path, "x")
    ((directions, _),), _ = walk(experiment, lambda direction, steps: None)
    domain = open_domain(directions[0].target.domain("a", "train"))
    there = open_domain(directions[0].target.domain("b", "train"))
    assert domain.focal(0) == pytest.approx(there.focal(0))
    assert directions[0].data == tmp_path / "data" / "x-colours-moments"


def test_other_colours_are_refused():
    with pytest.raises(UserError, match="colours = 'grey' is not one of own, moments, histogram"):
        load_preset("smoke", {"colours": "grey"})
