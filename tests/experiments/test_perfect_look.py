"""B rendered once more in A's look: other pixels, the same scenes and labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atdt.domains import open_domain
from atdt.domains.streets import RenderConfig, render
from atdt.errors import MismatchError, UserError
from atdt.experiments.known_depth import with_known_depth
from atdt.experiments.pairs import Place
from atdt.experiments.perfect_look import OtherImages, in_that_look, rendered_look, with_images_of
from atdt.experiments.sides import Direction, Side
from atdt.experiments.steps import Steps

RENDERING = RenderConfig(out=Path(), train=2, val=1, test=1, size=(24, 48), workers=1)


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """The root, domain B with sparse depth, and B as it looks in A's look."""
    root = tmp_path_factory.mktemp("look")
    data = render(replace(RENDERING, out=root / "data" / "x"))
    steps = Steps(root / "steps.json", root=root)
    b = with_known_depth("sparse", Place(data / "b"), root, "x", data, steps)
    side = Side("depth", "depth", Place(data / "a"), b)
    direction = Direction(side, side, data, root, "x")
    look = rendered_look(RENDERING, direction, steps)
    return root, b, in_that_look(look, b, direction, steps)


def test_only_the_pixels_are_others(streets):
    _, b, there = streets
    for split in ("train", "val", "test"):
        before, after = open_domain(b.spec(split)), open_domain(there.spec(split))
        assert len(before) == len(after) > 0
        for index in range(len(before)):
            assert before.samples[index].image == after.samples[index].image
            assert not np.array_equal(before.image(index), after.image(index))
            assert np.array_equal(before.label(index, "depth"), after.label(index, "depth"))
            assert before.focal(index) == after.focal(index)
    sparse = open_domain(there.spec("train")).label(0, "depth")
    assert 0 < (sparse > 0).mean() < 0.1
    assert (open_domain(there.spec("test")).label(0, "semantic") != 255).any()


def test_the_colours_come_nearer_to_a(streets):
    root, b, there = streets
    a = Place(root / "data" / "x" / "a")

    def colours(place):
        domain = open_domain(place.spec("train"))
        pixels = np.concatenate([domain.image(k).reshape(-1, 3) for k in range(len(domain))])
        return np.concatenate([pixels.mean(axis=0), pixels.std(axis=0)])

    before, after = (np.abs(colours(place) - colours(a)).mean() for place in (b, there))
    assert after < before


def test_an_image_without_a_namesake_is_refused(streets, tmp_path):
    _, b, there = streets
    config = OtherImages(b.spec("train"), there.spec("test"), tmp_path / "out")
    with pytest.raises(MismatchError, match=r"test\.txt: has no train/image/000000\.png, which "):
        with_images_of(config)
    assert not config.out.exists()


def test_what_is_there_is_not_replaced_unasked(streets):
    _, b, there = streets
    out = there.elsewhere["train"]
    config = OtherImages(b.spec("train"), there.spec("train"), out)
    with pytest.raises(UserError, match="--resume goes on with it, --overwrite replaces it"):
        with_images_of(config)
