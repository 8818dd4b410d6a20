"""Losses: what they are of numbers that can be done in the head."""

import pytest
import torch

from atdt.adapt.losses import adversarial_loss, discriminator_loss, likeness_loss


def test_a_generator_wants_its_images_taken_for_real():
    assert adversarial_loss(torch.ones(2, 1, 3, 3)) == 0
    assert adversarial_loss(torch.zeros(2, 1, 3, 3)) == 1
    assert adversarial_loss(torch.tensor([3.0, 0.0])) == pytest.approx((4 + 1) / 2)


def test_a_discriminator_wants_them_told_apart():
    real, made = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    assert discriminator_loss(real, made) == 0
    assert discriminator_loss(made, real) == 1
    assert discriminator_loss(real, real) == 0.5
    assert discriminator_loss(torch.tensor([3.0]), torch.tensor([1.0])) == pytest.approx(2.5)


def test_likeness_is_the_mean_absolute_difference():
    assert likeness_loss(torch.tensor([1.0, -1.0]), torch.tensor([0.0, 1.0])) == 1.5
