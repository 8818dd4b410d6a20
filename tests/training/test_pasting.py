"""Copy-paste: what is pasted, and that the nearer pixel wins."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from atdt.training.pasting import covered, paste

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
IDS = st.sampled_from([0, 1, 2, 10, 255])
METRES = st.sampled_from([0.0, 1.0, 2.5, 40.0])


@st.composite
def images(draw):
    """Classes and depths of some images, and a seed."""
    shape = draw(SHAPES)
    classes = draw(arrays.arrays(np.int64, shape, elements=IDS))
    depth = draw(arrays.arrays(np.float32, shape, elements=METRES))
    return torch.from_numpy(classes), torch.from_numpy(depth), draw(st.integers(0, 999))


def mask_of(classes, depth, seed):
    return covered(classes, depth, np.random.default_rng(seed))


@given(images())
def test_a_class_is_pasted_whole_or_not_at_all_and_what_is_ignored_never(drawn):
    classes, _, seed = drawn
    mask = mask_of(classes, None, seed)
    for k in range(len(classes)):
        above = classes[k - 1]
        for each in above.unique().tolist():
            pasted = mask[k][above == each]
            assert pasted.all() or not pasted.any()
            assert each != 255 or not pasted.any()


@given(images())
def test_by_depth_the_nearer_wins_and_the_unknown_never_covers(drawn):
    classes, depth, seed = drawn
    plain, ordered = mask_of(classes, None, seed), mask_of(classes, depth, seed)
    for k in range(len(classes)):
        above, below = depth[k - 1], depth[k]
        in_front = (above > 0) & ((below == 0) | (above < below))
        assert torch.equal(ordered[k], plain[k] & in_front)


def test_about_half_of_the_classes_are_pasted():
    classes = torch.arange(200).view(1, 1, 200).repeat(20, 1, 1)
    share = mask_of(classes, None, 0).float().mean().item()
    assert 0.47 < share < 0.53
    assert not torch.equal(mask_of(classes, None, 0), mask_of(classes, None, 1))


def test_all_that_belongs_to_a_pixel_moves_together():
    mask = torch.zeros(2, 3, 4, dtype=torch.bool)
    mask[0, 1, 2] = True
    for shape in ((2, 3, 4), (2, 3, 3, 4)):
        values = torch.arange(float(np.prod(shape))).view(shape)
        made = paste(values, mask)
        expected = values.clone()
        expected[0, ..., 1, 2] = values[1, ..., 1, 2]
        assert torch.equal(made, expected)
