"""Images held out by their names, and the variance that is explained on them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.transfer.held_out import ExplainedVariance, hold_out

NAMES = [f"image/{index}.png" for index in range(400)]


@settings(deadline=None)
@given(
    count=st.integers(2, 40),
    views=st.integers(1, 4),
    share=st.floats(0.01, 0.9),
    shard=st.integers(1, 9),
)
def test_images_are_held_out_with_all_their_views(count, views, share, shard):
    images = NAMES[:count] * views
    held = hold_out(images, share, shard, most=10**6)
    out = {image for image, kept in zip(images, held.kept, strict=True) if not kept}
    assert out.isdisjoint(image for image, kept in zip(images, held.kept, strict=True) if kept)
    assert 1 <= len(out) == held.images < count
    assert held.total == len(out) * views
    np.testing.assert_array_equal(held.samples, np.flatnonzero(~held.kept))


def test_a_tenth_is_a_tenth_and_an_image_stays_where_it_is_when_others_come():
    few, many = (hold_out(NAMES[:count], 0.1, 8, most=10**6) for count in (200, 400))
    np.testing.assert_array_equal(few.kept, many.kept[:200])
    assert 25 <= many.images <= 55


def test_the_order_of_samples_does_not_matter():
    images = np.array(NAMES[:50])
    order = np.random.default_rng(0).permutation(50)
    held = hold_out(images, 0.2, 8, most=10**6)
    mixed = hold_out(images[order], 0.2, 8, most=10**6)
    np.testing.assert_array_equal(mixed.kept, held.kept[order])


def test_what_is_measured_is_bounded_and_comes_from_few_blocks():
    held = hold_out(NAMES * 3, 0.3, samples_per_shard=20, most=12)
    assert len(held.samples) == 12
    assert not held.kept[held.samples].any()
    assert held.total > 300
    assert len(np.unique(held.samples // 20)) <= 4


@pytest.mark.parametrize(("images", "share"), [(["a"], 0.5), (["a", "b"], 0.0), (["a"] * 3, 0.1)])
def test_nothing_is_held_out_of_one_image_or_on_request(images, share):
    held = hold_out(images, share, 2, most=10)
    assert held.kept.all()
    assert held.images == held.total == len(held.samples) == 0


def test_explained_variance_is_that_of_brute_force():
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(7, 3, 4, 5, generator=generator) * 2 + torch.arange(3)[:, None, None] * 50
    made = target + torch.randn(target.shape, generator=generator) * 0.5
    found = ExplainedVariance()
    for part in (slice(0, 3), slice(3, 7)):
        found.add(made[part], target[part])
    means = target.double().mean(dim=(0, 2, 3), keepdim=True)
    errors, deviations = ((target - made).double() ** 2).sum(), ((target - means) ** 2).sum()
    assert found.value() == pytest.approx(float(1 - errors / deviations), rel=1e-9)


def test_the_mean_of_each_channel_explains_nothing_and_constants_have_no_variance():
    target = torch.randn(4, 2, 3, 3)
    found = ExplainedVariance()
    found.add(target.mean(dim=(0, 2, 3), keepdim=True).expand_as(target), target)
    assert found.value() == pytest.approx(0, abs=1e-6)
    constant = ExplainedVariance()
    constant.add(torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 2, 2))
    assert constant.value() is None
