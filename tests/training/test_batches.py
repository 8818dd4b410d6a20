"""Batches: what is in them, what is kept in memory, and threads that end."""

from contextlib import closing

import numpy as np
import pytest
import torch

from atdt.ahead import ahead
from atdt.domains import ViewPlan, open_domain
from atdt.errors import DomainError
from atdt.training.batches import DecodedImages, Views, label_tensor
from atdt.training.order import Draw

DRAWS = [Draw(0, 2, 1), Draw(1, 0, 5), Draw(0, 2, 2)]


@pytest.fixture
def domains(domain_a, domain_b):
    return [open_domain(f"{path}:train", labels=["semantic"]) for path in (domain_a, domain_b)]


def views(domains, kind="semantic", plan=None, *, needs_clean=False, memory=2**20):
    return Views(domains, kind, plan or ViewPlan(), needs_clean=needs_clean, memory=memory)


def test_plain_views_are_the_images_and_labels_themselves(domains):
    batch = views(domains).batch([Draw(0, 2, 0), Draw(1, 3, 0)])
    assert batch.image.shape == (2, 3, 16, 24)
    assert batch.image.dtype == torch.float32
    assert batch.label.dtype == torch.int64
    assert batch.clean is None
    for k, (domain, image) in enumerate([(0, 2), (1, 3)]):
        pixels = domains[domain].image(image).transpose(2, 0, 1) / 255
        np.testing.assert_allclose(batch.image[k], pixels, atol=1e-6)
        np.testing.assert_array_equal(batch.label[k], domains[domain].label(image, "semantic"))


def test_a_batch_depends_on_its_draws_alone(domains):
    plan = ViewPlan(seed=3, crop=(8, 12), flip=True, photometric="paper")
    kept, read_again = (views(domains, plan=plan, memory=memory) for memory in (2**20, 0))
    kept.batch(DRAWS[::-1])
    first, second, third = (v.batch(DRAWS) for v in (kept, kept, read_again))
    for other in (second, third):
        assert torch.equal(first.image, other.image)
        assert torch.equal(first.label, other.label)
    assert not torch.equal(first.image[0], first.image[2])


def test_the_clean_image_is_the_same_cut_without_the_photometric_draw(domains):
    plan = ViewPlan(seed=1, crop=(8, 12), flip=True, photometric="strong")
    bare = ViewPlan(seed=1, crop=(8, 12), flip=True)
    batch = views(domains, None, plan, needs_clean=True).batch(DRAWS)
    assert batch.label is None
    assert torch.equal(batch.clean, views(domains, None, bare).batch(DRAWS).image)
    assert not torch.equal(batch.clean, batch.image)


def test_domains_whose_images_share_names_are_cut_apart(domain_a):
    twice = [open_domain(f"{domain_a}:train")] * 2
    batch = views(twice, None, ViewPlan(crop=(8, 12))).batch([Draw(0, 0, 1), Draw(1, 0, 1)])
    assert not torch.equal(batch.image[0], batch.image[1])


def test_memory_bounds_what_is_kept(domains):
    one = 16 * 24 * (3 + 1)
    images = DecodedImages(domains, "semantic", memory=one * 2 + one // 2)
    read = [images.read(0, image) for image in (0, 1, 2)]
    again = [images.read(0, image) for image in (0, 1, 2)]
    assert [a is b for a, b in zip(read, again, strict=True)] == [True, True, False]


def test_labels_become_the_tensors_that_tasks_take():
    assert label_tensor("semantic", np.zeros((2, 4, 5), np.uint8)).dtype == torch.int64
    assert label_tensor("depth", np.zeros((2, 4, 5), np.float32)).shape == (2, 4, 5)
    normals = np.random.default_rng(0).random((2, 4, 5, 3), np.float32)
    made = label_tensor("normals", normals)
    assert made.shape == (2, 3, 4, 5)
    np.testing.assert_array_equal(made[1, :, 2, 3], normals[1, 2, 3])


def test_an_unreadable_image_stops_the_batch_with_its_name(domain_a, tmp_path):
    domain = open_domain(f"{domain_a}:train")
    broken = views([domain])
    (domain.root / domain.samples[1].image).rename(tmp_path / "away.png")
    try:
        with (
            closing(ahead(broken.batch, [[Draw(0, 0, 0)], [Draw(0, 1, 0)]])) as made,
            pytest.raises(DomainError, match=r"train\.txt:2"),
        ):
            list(made)
    finally:
        (tmp_path / "away.png").rename(domain.root / domain.samples[1].image)
