"""Trainings: what they learn, what they choose and what they leave behind."""

import csv
import json
from dataclasses import replace

import pytest
import torch

from atdt.errors import NumericsError, RunError, UserError
from atdt.networks import NetworkSpec
from atdt.runs import CURVES, open_run
from atdt.tasks import get_task
from atdt.training import Auxiliary, load_task_network, train_task
from atdt.training.learner import Learner


def test_the_run_says_what_it_is_made_from(config, domain_a, domain_b):
    path = train_task(config(train=(f"{domain_a}:train", f"{domain_b}:train"), resize=(8, 12)))
    info = open_run(path, "task-network").info
    assert info["task"] == "semantic"
    assert info["network"]["name"] == "tiny"
    assert info["out_channels"] == 4
    assert info["label_space"]["name"] == "coarse4"
    assert info["training_size"] == [8, 12]
    assert [(d["name"], d["images"]) for d in info["domains"]["train"]] == [("a", 6), ("b", 4)]
    # 50 and 80 pixels at the native width, half of that after the resize; a mean over images.
    assert [d["focal"] for d in info["domains"]["train"]] == [25.0, 40.0]
    assert info["training_focal"] == pytest.approx((6 * 25 + 4 * 40) / 10)
    assert len(info["network_sha256"]) == 64
    assert info["provenance"]["threads"] == torch.get_num_threads()
    network = load_task_network(path).network
    assert network.weights_digest("network") == info["network_sha256"]
    assert network.weights_digest("encoder") == info["encoder_sha256"]


def test_the_best_weights_are_kept_and_reported(config, domain_a, monkeypatch):
    """The headline of each validation is scripted: worse, best, a tie, worse."""
    script = iter([0.3, 0.6, 0.6, 0.1])
    kept = []

    def scripted(self, records, space):
        return {"miou": next(script)}

    monkeypatch.setattr(type(get_task("semantic")), "summarise", scripted)
    weights = Learner.weights

    def remembered(self):
        kept.append(weights(self))
        return kept[-1]

    monkeypatch.setattr(Learner, "weights", remembered)
    path = train_task(config(steps=8, validate_every=2))
    info = open_run(path).info
    assert info["scores"] == {"miou": 0.6}
    assert info["chosen"]["step"] == 4
    assert info["chosen"]["by"] == "validation miou"
    assert info["chosen"]["domains"] == {f"{domain_a}:val": {"miou": 0.6}}
    assert len(kept) == 2
    saved = open_run(path).weights()
    assert all(torch.equal(saved[name], kept[1][name]) for name in saved)
    assert any(not torch.equal(saved[name], kept[0][name]) for name in saved)


def test_lower_is_better_where_the_task_says_so(config, monkeypatch):
    script = iter([0.5, 0.2, 0.9])
    monkeypatch.setattr(type(get_task("depth")), "summarise", lambda *_: {"abs_rel": next(script)})
    path = train_task(config(task="depth", steps=6, validate_every=2))
    assert open_run(path).info["chosen"]["step"] == 4


def test_every_validation_domain_counts_the_same(config, domain_a, domain_b):
    specs = (f"{domain_a}:val", f"{domain_b}:val")
    info = open_run(train_task(config(task="depth", validation=specs, steps=3))).info
    each = [info["chosen"]["domains"][spec]["abs_rel"] for spec in specs]
    assert each[0] != each[1]
    assert info["scores"]["abs_rel"] == pytest.approx(sum(each) / 2)


def test_without_validation_the_last_weights_are_the_result(config):
    info = open_run(train_task(config(validation=()))).info
    assert info["scores"] == {}
    assert info["chosen"] == {"by": "last step", "step": 7, "domains": {}}


def test_curves_hold_loss_rate_and_validation(config):
    path = train_task(config(steps=7, validate_every=5))
    with (path / CURVES).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["3", "5", "6", "7"]
    assert [bool(row["validation_miou"]) for row in rows] == [False, True, False, True]
    assert [bool(row["loss"]) for row in rows] == [True, False, True, True]
    assert float(rows[0]["learning_rate"]) == pytest.approx(1e-3 * (1 - 2 / 7) ** 0.9)
    assert list((path / "tensorboard").iterdir())


def test_learning_lowers_the_loss_and_beats_chance(config):
    path = train_task(
        config(
            steps=50,
            checkpoint_every=500,
            batch=4,
            learning_rate=3e-3,
            validate_every=25,
            photometric="none",
        )
    )
    with (path / CURVES).open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]
    assert sum(losses[-3:]) < 0.5 * sum(losses[:3])
    assert open_run(path).info["scores"]["miou"] > 0.5


def test_an_exploding_loss_is_said_and_not_saved(config):
    with pytest.raises(NumericsError, match="loss is not finite at step 3: try a lower"):
        train_task(config(learning_rate=1e30, precision="float32", checkpoint_every=1))


def test_an_encoder_can_be_started_from(config, own_module, tmp_path):
    path = train_task(config(steps=2))
    begun = config(
        task="depth", out=tmp_path / "second", init_from=path, steps=1, learning_rate=1e-12
    )
    second = load_task_network(train_task(begun)).network
    first = load_task_network(path).network
    for (name, new), old in zip(
        second.stages.named_parameters(), first.stages.parameters(), strict=True
    ):
        torch.testing.assert_close(new, old, msg=name)
    other = replace(begun, network=NetworkSpec(f"{own_module}:build", {}), allow_import=True)
    with pytest.raises(RunError, match=r"holds another encoder: .*not of this network: "):
        train_task(replace(other, out=tmp_path / "third"))


def test_an_auxiliary_task_shares_the_encoder_and_keeps_no_decoder(config, domain_b, tmp_path):
    quick = config(steps=2, learning_rate=1e-2, validation=())
    alone = load_task_network(train_task(quick))
    helped = load_task_network(
        train_task(
            replace(
                quick, out=tmp_path / "two", auxiliary=Auxiliary("depth", (f"{domain_b}:train",))
            )
        )
    )
    assert helped.run.weights().keys() == alone.run.weights().keys()
    assert helped.run.info["encoder_sha256"] != alone.run.info["encoder_sha256"]
    assert [d["name"] for d in helped.run.info["domains"]["auxiliary"]] == ["b"]
    with (helped.run.path / CURVES).open() as file:
        assert all(float(row["auxiliary_loss"]) > 0 for row in csv.DictReader(file))


def test_a_weight_of_zero_leaves_the_main_task_alone(config, domain_b, own_module, tmp_path):
    """But for batch norm and dropout, which every forward moves: the network has none."""
    network = NetworkSpec(f"{own_module}:build", {"dropout": 0.0})
    quick = config(steps=3, validation=(), network=network, allow_import=True)
    aside = Auxiliary("edges", (f"{domain_b}:train",), weight=0.0)
    alone = open_run(train_task(quick)).weights()
    beside = open_run(train_task(replace(quick, out=tmp_path / "x", auxiliary=aside))).weights()
    assert all(torch.equal(alone[name], beside[name]) for name in alone)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "--steps 0: must be"),
        ({"checkpoint_every": 0}, "--checkpoint-every 0: must be"),
        ({"learning_rate": 0.0}, "--learning-rate"),
        ({"train": ()}, "nothing to learn from"),
        ({"auxiliary": Auxiliary("edges", ())}, "auxiliary task has no domain"),
        ({"task": "poetry"}, "no task 'poetry'"),
        ({"device": "abacus"}, "not a device"),
        ({"precision": "float8"}, "--precision float8"),
        ({"photometric": "sepia"}, "photometric 'sepia'"),
        ({"crop": (99, 99)}, "smaller than crop 99x99"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(config, changes, message):
    with pytest.raises(UserError, match=message):
        train_task(config(**changes))
    assert not (config().out / "run.json").exists()


def test_the_training_leaves_the_callers_random_state_alone(config):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train_task(config(steps=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_run_json_is_strict_json(config):
    text = (train_task(config()) / "run.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in run.json"))


def test_one_image_that_shrinks_to_one_value_is_refused_with_batch_norm(config):
    lone = config(batch=1, crop=(8, 8))
    with pytest.raises(RunError, match="--batch 1 with images of 8x8"):
        train_task(lone)
    assert not lone.out.exists()


def test_a_negative_seed_is_refused(config):
    with pytest.raises(RunError, match="--seed -1"):
        train_task(config(seed=-1))
