"""Trainings of a CycleGAN: what they leave behind, what they learn, and what they refuse."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from atdt.adapt import load_cyclegan, train_cyclegan
from atdt.adapt.learner import Learner
from atdt.adapt.painting import PICTURE, paint
from atdt.domains import open_domain
from atdt.domains.encodings import read_png
from atdt.errors import NumericsError, UserError
from atdt.runs import CURVES, INFO, open_run


@pytest.fixture
def learner(config):
    return Learner(config(), torch.device("cpu"))


def images(seed=0, size=(32, 32)):
    random = torch.Generator().manual_seed(seed)
    return {look: torch.rand(1, 3, *size, generator=random) for look in ("a", "b")}


def snapshot(learner):
    return {name: tensor.clone() for name, tensor in learner.tensors().items()}


def test_the_run_says_what_it_is_made_from_and_shows_it(config, domain_a):
    said = []
    path = train_cyclegan(config(width=5, blocks=2), said.append)
    info = open_run(path, "cyclegan").info
    assert info["network"] == {"width": 5, "blocks": 2}
    assert [info["domains"][look]["name"] for look in ("a", "b")] == ["plain", "reddish"]
    assert info["domains"]["a"]["digest"] == open_domain(domain_a).digest()
    assert info["config"]["cycle_weight"] == 10
    assert info["training_size"] == [32, 32]
    assert "width 5 with 2 blocks (published: 64 with 9)" in said[0]
    assert "4 steps of 1 and 1 images: 1.33 passes over the larger domain's 3" in said[1]
    # Two rows, as B has two images, of four pictures of 32x32 with white between them.
    assert read_png(path / PICTURE).shape == (2 * 32 + 2, 4 * 32 + 3 * 2, 3)


def test_the_picture_holds_images_and_what_is_made_of_them(config, domain_a, domain_b):
    path = train_cyclegan(config())
    picture = read_png(path / PICTURE)
    loaded = load_cyclegan(path)
    a, b = open_domain(domain_a).image(0), open_domain(domain_b).image(0)
    wanted = [a, paint(loaded.generators["b"], a), b, paint(loaded.generators["a"], b)]
    for place, cell in enumerate(wanted):
        left = place * (32 + 2)
        np.testing.assert_array_equal(picture[:32, left : left + 32], cell)


def test_curves_hold_each_loss_and_the_rate(config, monkeypatch):
    monkeypatch.setattr("atdt.adapt.training.LOG_EVERY", 3)
    path = train_cyclegan(config(steps=7))
    with (path / CURVES).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["3", "6", "7"]
    terms = [f"{term}_{look}" for look in "ab" for term in ("adversarial", "cycle", "identity")]
    weighted = sum(
        float(rows[0][name]) * {"adversarial": 1, "cycle": 10, "identity": 5}[name[:-2]]
        for name in terms
    )
    assert float(rows[0]["loss"]) == pytest.approx(weighted, rel=1e-5)
    assert float(rows[0]["discriminator_a"]) > 0
    assert float(rows[-1]["learning_rate"]) == pytest.approx(2e-4 / 4)


def test_the_rate_falls_in_the_second_half(config):
    learner = Learner(config(steps=8, learning_rate=1.0), torch.device("cpu"))
    rates = [learner.rate(step) for step in range(9)]
    assert rates == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0]
    assert Learner(config(steps=1), torch.device("cpu")).rate(0) == 2e-4


def test_a_step_moves_all_four_networks_and_fills_both_histories(learner):
    before = snapshot(learner)
    losses = learner.learn(0, images())
    assert losses.shape == (len(learner.names),)
    after = learner.tensors()
    still = [name for name in before if torch.equal(before[name], after[name])]
    # Biases in front of an instance norm are taken away by it: nothing but rounding moves them.
    assert not [name for name in still if name.endswith("weight")]
    assert after["history.a"].shape == after["history.b"].shape == (1, 3, 32, 32)


def test_generators_learn_through_discriminators_that_stay(learner, monkeypatch):
    """What a generator's step leaves in the discriminators: no gradient."""
    seen = []
    step = learner._adams[0].step

    def looking(rate):
        seen.extend(parameter.grad for parameter in learner._discriminators.parameters())
        step(rate)

    monkeypatch.setattr(learner._adams[0], "step", looking)
    learner.learn(0, images())
    assert seen
    assert all(gradient is None for gradient in seen)
    assert all(p.requires_grad for p in learner._discriminators.parameters())


def test_without_identity_loss_it_is_neither_computed_nor_logged(config):
    learner = Learner(config(identity_weight=0.0), torch.device("cpu"))
    assert "identity_a" not in learner.names
    assert learner.learn(0, images()).shape == (7,)


def test_cycles_and_identities_become_alike(config, domain_a):
    """Weights that see nothing but likeness: generators learn to leave images as they are."""
    path = train_cyclegan(
        config(steps=40, checkpoint_every=500, learning_rate=2e-3, cycle_weight=100.0)
    )
    with (path / CURVES).open() as file:
        cycles = [float(row["cycle_a"]) for row in csv.DictReader(file)]
    assert cycles[-1] < 0.6 * cycles[0]


def test_views_are_crops_and_mirrors_of_either_domain(config, make_domain, tmp_path):
    larger = make_domain(tmp_path / "larger", "larger", size=(40, 48))
    path = train_cyclegan(config(b=str(larger), crop=(24, 28), batch=2))
    assert open_run(path).info["training_size"] == [24, 28]


def test_labels_are_not_read(config, make_domain, tmp_path):
    blind = make_domain(tmp_path / "blind", "blind")
    for folder in ("semantic", "depth"):
        for file in (blind / "train" / folder).iterdir():
            file.unlink()
    train_cyclegan(config(a=str(blind)))


def test_bfloat16_learns_too(config):
    train_cyclegan(config(precision="bfloat16"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "--steps 0: must be ≥ 1"),
        ({"width": 0}, "--width 0: must be ≥ 1"),
        ({"width": 5000}, "--width 5000: must be ≤"),
        ({"blocks": -1}, "--blocks -1: must be ≥ 0"),
        ({"batch": 0}, "--batch 0: must be"),
        ({"checkpoint_every": 0}, "--checkpoint-every 0: must be"),
        ({"history": -1}, "--history -1: must be"),
        ({"seed": -1}, "--seed -1: must be"),
        ({"cycle_weight": -1.0}, "--cycle-weight -1.0: must be"),
        ({"learning_rate": 0.0}, "--learning-rate 0.0: must be above 0"),
        ({"precision": "float8"}, "--precision float8"),
        ({"device": "abacus"}, "not a device"),
        ({"crop": (16, 32)}, "images of 16x32 to learn from: .* at least 24 pixels a side"),
        ({"crop": (99, 99)}, "smaller than crop 99x99"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
        ({"a": "nowhere"}, "nowhere: no such file"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(config, changes, message):
    with pytest.raises(UserError, match=message):
        train_cyclegan(config(**changes))
    assert not (config().out / INFO).exists()


def test_domains_of_two_sizes_need_a_crop(config, make_domain, tmp_path):
    other = make_domain(tmp_path / "other", "other", size=(32, 40))
    with pytest.raises(UserError, match=r"32x40, but .*32x32; .* give --crop"):
        train_cyclegan(config(b=str(other)))
    train_cyclegan(replace(config(b=str(other), steps=1), crop=(32, 32)))


def test_a_loss_that_is_not_finite_is_said_and_not_saved(config):
    with pytest.raises(NumericsError, match="the loss is not finite"):
        train_cyclegan(config(learning_rate=1e30))
    with pytest.raises(UserError, match="unfinished"):
        open_run(config().out)


def test_the_training_leaves_the_callers_random_state_alone(config):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train_cyclegan(config(steps=1))
    assert torch.equal(torch.get_rng_state(), before)
