"""Noise and mixtures: what they are, that (seed, step) decides them, and what stays as it is."""

import numpy as np
import pytest
import torch

from atdt.errors import UserError
from atdt.runs import open_run
from atdt.transfer import train
from atdt.transfer.learner import Learner
from atdt.transfer.network import build_transfer
from atdt.transfer.perturbation import Perturbation
from tests.made_kills import Killed, dying_after
from tests.run_contents import same, weights

SCALE = torch.tensor([0.5, 2.0, 1.0])[:, None, None]
SHAPE = (3, 4, 4)


def perturbation(noise=0.0, mixup=0.0, seed=0):
    return Perturbation(noise, mixup, SCALE, seed)


def batch(samples=4):
    generator = torch.Generator().manual_seed(1)
    source, target = torch.randn(2, samples, *SHAPE, generator=generator)
    return {"source": source, "target": target, "label": torch.zeros(samples, 8, 8)}


def test_noise_is_gaussian_in_units_of_each_channel():
    given = batch(2000)
    found = perturbation(noise=0.3).noisy(5, given)
    noise = (found["source"] - given["source"]) / SCALE / 0.3
    assert noise.mean(dim=(0, 2, 3)).abs().max() < 0.03
    assert (noise.std(dim=(0, 2, 3)) - 1).abs().max() < 0.03
    assert found["target"] is given["target"] and found["label"] is given["label"]


def test_mixtures_have_the_same_shares_in_source_and_target_and_no_label():
    given = batch(16)
    given["target"] = 3 * given["source"] - 1  # what is linear stays so
    found = perturbation(mixup=0.4).mixed(2, given)
    assert set(found) == {"source", "target"}
    torch.testing.assert_close(found["target"], 3 * found["source"] - 1)
    moved = (found["source"] - given["source"]).flatten(1).norm(dim=1)
    assert (moved > 0.1).sum() > 4
    # Each lies between two samples: the distances add up.
    between = torch.cdist(found["source"].flatten(1), given["source"].flatten(1))
    apart = torch.cdist(given["source"].flatten(1), given["source"].flatten(1))
    for index in range(16):
        own, gap = between[index, index], apart[index]
        assert torch.isclose(own + between[index], gap, atol=1e-4).any() or own < 1e-4


@pytest.mark.parametrize("way", ["noisy", "mixed"])
def test_seed_and_step_decide_and_nothing_else(way):
    def drawn(step, seed=0):
        made = getattr(perturbation(0.2, 0.5, seed), way)(step, batch())
        return made["source"]

    first = drawn(3)
    torch.manual_seed(9)
    np.random.default_rng(9).random()
    assert torch.equal(drawn(3), first)
    assert not torch.equal(drawn(4), first)
    assert not torch.equal(drawn(3, seed=1), first)


def test_what_needs_labels_sees_no_mixture(monkeypatch):
    """The losses of a step are those of G on the batch itself, and on its mixtures."""
    chosen = perturbation(mixup=0.7)
    network = build_transfer("linear", {}, SHAPE, SHAPE, seed=0)

    class Distance:
        def target(self, image, label):
            return label

        def loss(self, output, target):
            return (output.mean(dim=1) - target).abs().mean()

    class Plain:
        task = Distance()

        def decode(self, features):
            return features

    learner = Learner(
        network, {"mse": 1.0, "match": 1.0, "task": 1.0}, teacher=Plain(), steps=9,
        learning_rate=1e-3, schedule="cosine", device=torch.device("cpu"), precision="float32",
        perturbation=chosen,
    )  # fmt: skip
    given = batch() | {"label": torch.ones(4, 4, 4)}
    mixed = chosen.mixed(6, given)
    with torch.no_grad():
        mse = (network(mixed["source"]) - mixed["target"]).square().mean()
        task = (network(given["source"]).mean(dim=1) - 1).abs().mean()
    _, *terms = learner.learn(6, given).tolist()
    assert terms == pytest.approx([mse.item(), mse.item(), task.item()], rel=1e-5)


@pytest.mark.parametrize("changes", [{"feature_noise": 0.2}, {"mixup": 0.3}])
def test_a_training_is_another_and_its_run_says_so(config, tmp_path, changes):
    plain = train(config(out=tmp_path / "plain"))
    info = open_run(train(config(**changes))).info
    assert not same(weights(plain), weights(config().out))
    ((name, value),) = changes.items()
    assert info["config"][name] == value
    assert name not in open_run(plain).info["config"]


@pytest.mark.parametrize("feed", ["resident", "stream"])
def test_a_stopped_training_goes_on_to_the_same_bits(config, ground, monkeypatch, tmp_path, feed):
    everything = {
        "feature_noise": 0.2,
        "mixup": 0.3,
        "losses": {"normalised": 1.0, "match": 1.0, "task": 1.0},
        "target_run": ground.n2,
        "window": 1,
    }
    whole = train(config(out=tmp_path / "whole", feed="resident", **everything))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Learner, "learn", dying_after(5)(Learner.learn))
        train(config(**everything))
    train(config(resume=True, feed=feed, **everything))
    assert same(weights(whole), weights(config().out))


def test_held_out_images_are_measured_as_they_are(config, monkeypatch):
    """A rate at which nothing is learnt: every look is of the same G on the same features."""
    run = train(config(feature_noise=5.0, mixup=1.0, learning_rate=1e-12, validate_every=3))
    lines = (run / "curves.csv").read_text().splitlines()
    column = lines[0].split(",").index("held_out_loss")
    looks = [float(line.split(",")[column]) for line in lines[1:] if line.split(",")[column]]
    assert len(looks) == 3 and looks == pytest.approx([looks[0]] * 3, rel=1e-4)


def test_a_head_has_noise(config, ground, tmp_path):
    head = {"architecture": "head", "target_run": ground.n2}
    plain = train(config(out=tmp_path / "plain", **head))
    noisy = train(config(feature_noise=0.5, **head))
    assert not same(weights(plain), weights(noisy))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feature_noise": -1.0}, "--feature-noise -1.0: must be"),
        ({"mixup": float("inf")}, "--mixup inf: must be"),
        ({"feature_noise": 1.0, "architecture": "ridge"}, "ridge is solved for"),
        ({"mixup": 1.0, "losses": {"task": 1.0}}, "--mixup 1.0: task alone learns from labels"),
        ({"mixup": 1.0, "architecture": "head"}, "--mixup 1.0: task alone learns from labels"),
    ],
)
def test_mistakes_are_named(config, ground, changes, message):
    with pytest.raises(UserError, match=message):
        train(config(target_run=ground.n2, **changes))
    assert not config().out.exists()
