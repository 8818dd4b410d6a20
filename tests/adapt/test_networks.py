"""Generators and discriminators: numbers of parameters, shapes, sizes, initial weights."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from atdt.adapt.networks import (
    SMALLEST_JUDGED,
    SMALLEST_PAINTED,
    Discriminator,
    Generator,
    discriminators,
    generators,
    with_initial_weights,
)
from atdt.networks import macs, parameters


@pytest.fixture(scope="module")
def small():
    with torch.device("meta"):
        networks = nn.ModuleDict({"generator": Generator(4, 1), "discriminator": Discriminator(4)})
    return with_initial_weights(networks, seed=1).requires_grad_(False)


@pytest.mark.parametrize(
    ("width", "blocks", "count"), [(64, 9, 11_378_179), (64, 6, 7_837_699), (16, 9, 715_651)]
)
def test_generators_have_as_many_parameters_as_published(width, blocks, count):
    with torch.device("meta"):
        assert parameters(Generator(width, blocks)) == count


def test_discriminators_have_as_many_parameters_as_published():
    with torch.device("meta"):
        assert parameters(Discriminator()) == 2_764_737


@settings(max_examples=20)
@given(
    height=st.integers(SMALLEST_PAINTED, 41),
    width=st.integers(SMALLEST_PAINTED, 41),
    count=st.integers(1, 2),
)
def test_any_size_goes_through_a_generator(small, height, width, count):
    images = torch.rand(count, 3, height, width) * 2 - 1
    made = small["generator"](images)
    assert made.shape == images.shape
    assert made.abs().max() <= 1


def test_padding_is_cut_off_where_it_was_put(small):
    """Up to what instance norm sees of the reflected rows, the image's own place is unmoved."""
    images = torch.rand(1, 3, 30, 29)
    padded = torch.cat([images, images[:, :, -3:-1].flip(2)], dim=2)
    padded = torch.cat([padded, padded[:, :, :, -4:-1].flip(3)], dim=3)
    assert padded.shape[2:] == (32, 32)
    made = small["generator"](images)
    assert torch.equal(made, small["generator"](padded)[:, :, :30, :29])


def test_images_of_a_batch_do_not_see_each_other(small):
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    for network in small.values():
        together = network(images)
        apart = torch.cat([network(image[None]) for image in images])
        torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("size", "patches"), [((256, 256), (30, 30)), ((24, 39), (1, 2))])
def test_a_discriminator_judges_patches(size, patches):
    with torch.device("meta"):
        judged = Discriminator(4)(torch.empty(2, 3, *size))
    assert judged.shape == (2, 1, *patches)
    assert min(size) >= SMALLEST_JUDGED


def test_a_patch_has_70_pixels_a_side():
    """The pixels that move one judgement, instance norm (which sees all of them) aside."""
    judge = Discriminator(2).double()
    for layer in list(judge.layers):
        if isinstance(layer, nn.InstanceNorm2d):
            layer.forward = lambda features: features
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1.0)
    images = torch.ones(1, 3, 128, 128, dtype=torch.float64, requires_grad=True)
    judge(images)[0, 0, 7, 7].backward()
    rows = images.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert len(rows) == 70


def test_initial_weights_depend_on_the_seed_alone():
    def drawn(seed):
        with torch.device("meta"):
            made = nn.ModuleDict({"g": generators(4, 1), "d": discriminators(4)})
        return with_initial_weights(made, seed).state_dict()

    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, again, other = drawn(0), drawn(0), drawn(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    weights = torch.cat([t.flatten() for name, t in first.items() if name.endswith("weight")])
    assert weights.std().item() == pytest.approx(0.02, rel=0.03)
    assert abs(weights.mean().item()) < 0.001
    assert all(not t.any() for name, t in first.items() if name.endswith("bias"))
    assert not torch.equal(first["g.a.layers.0.weight"], first["g.b.layers.0.weight"])


def test_the_page_says_what_they_cost():
    page = (Path(__file__).parents[2] / "docs" / "pixel-adaptation.md").read_text()
    with torch.device("meta"):
        rows = {
            "generator, 9 blocks": Generator(),
            "generator, 6 blocks": Generator(blocks=6),
            "discriminator": Discriminator(),
        }
    for name, network in rows.items():
        price = macs(network, (256, 256)) / 1e9
        assert f"| {name} | {parameters(network):,} | {price:.1f} G |" in page
