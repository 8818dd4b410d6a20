"""Training G and heads: what is learnt, what is refused, and the same bits after any stop."""

import math
import threading

import numpy as np
import pytest
import torch

from atdt.errors import NumericsError, RunError, UserError
from atdt.runs import open_run
from atdt.stores import open_store
from atdt.training.load import load_task_network
from atdt.transfer import load_transfer, train
from atdt.transfer.learner import Learner
from tests.made_kills import Killed
from tests.run_contents import column, curves, same, weights


def stop_at(monkeypatch, step: int) -> None:
    learn = Learner.learn

    def dying(self, number, batch):
        if number == step:
            raise Killed
        return learn(self, number, batch)

    monkeypatch.setattr(Learner, "learn", dying)


def test_g_learns_and_its_run_says_what_it_is(config, ground):
    lines = []
    chosen = config(steps=150, checkpoint_every=500, batch=8, learning_rate=3e-3, validate_every=50)
    run = train(chosen, say=lines.append)
    info = open_run(run, "transfer").info
    looks, losses = column(run, "held_out_loss"), column(run, "loss")
    assert len(looks) == 3
    assert losses[-1] < 0.8 * losses[0]
    assert looks[-1] == info["scores"]["held_out_loss"] == info["held_out"]["loss"]
    assert 0 < info["scores"]["held_out_explained_variance"] < 1
    network = load_task_network(ground.n1).network
    level, shape = network.levels[-1], list(network.feature_shape(None, (20, 28)))
    key = {
        "encoder_sha256": network.weights_digest("encoder"),
        "level": level,
        "preprocessing": {"mean": list(network.mean), "std": list(network.std)},
    }
    assert info["source"] == {
        "array": "depth",
        "task": "depth",
        "level": level,
        "shape": shape,
        "run": str(ground.n1.resolve()),
        "key": key,
    }
    assert (info["target"]["array"], info["target"]["task"]) == ("semantic", "semantic")
    assert info["target"]["run"] == str(ground.n2.resolve())
    assert (info["mode"], info["architecture"]) == ("features", "bottleneck")
    assert info["options"] == {
        "width": 8,
        "blocks": 2,
        "activation": "elu",
        "norm": "none",
        "standardise": True,
    }
    assert (info["level"], info["in_channels"], info["out_channels"]) == (level, shape[0], shape[0])
    assert info["store"]["plan"] == ground.plan.to_dict()
    assert info["store"]["domain"]["name"] == "a"
    assert info["chosen"] == {"by": "last step", "step": 150}
    assert info["mismatch"] == []
    assert info["parameters"] == sum(t.numel() for n, t in weights(run).items() if "body" in n)
    for part in (f"{info['parameters']:,} parameters", "feed: resident", "held out:"):
        assert any(part in line for line in lines), part


@pytest.mark.parametrize("stop", [2, 4, 8])
@pytest.mark.parametrize("changes", [{}, {"keep": "best", "validate_every": 2, "feed": "stream"}])
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(
    config, monkeypatch, tmp_path, stop, changes
):
    whole = train(config(out=tmp_path / "whole", window=1, **changes))
    stopped = config(window=1, **changes)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, stop)
        train(stopped)
    assert not [t for t in threading.enumerate() if t.name.startswith("windows")]
    with pytest.raises(RunError, match="--resume"):
        load_transfer(stopped.out)
    with pytest.raises(RunError, match="--resume goes on with it"):
        train(stopped)
    train(config(window=1, resume=True, **changes))
    assert same(weights(whole), weights(stopped.out))
    assert curves(whole) == curves(stopped.out)
    assert open_run(whole).info["scores"] == open_run(stopped.out).info["scores"]
    assert not (stopped.out / "checkpoint.safetensors").exists()


def test_both_feeds_train_the_same_g(config, tmp_path):
    resident, stream = (
        train(config(out=tmp_path / feed, feed=feed, window=2, steps=12))
        for feed in ("resident", "stream")
    )
    assert same(weights(resident), weights(stream))
    assert curves(resident) == curves(stream)
    assert "as asked for" in open_run(stream).info["feed"]


def test_a_stopped_training_may_go_on_with_the_other_feed(config, monkeypatch, tmp_path):
    whole = train(config(out=tmp_path / "whole", window=2))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 5)
        train(config(window=2, feed="resident"))
    train(config(window=2, feed="stream", resume=True))
    assert same(weights(whole), weights(config().out))


def test_the_memory_budget_chooses_the_feed_and_changes_nothing_else(config, tmp_path):
    roomy = train(config(out=tmp_path / "roomy", window=1, steps=3))
    store = open_store(config().store)
    shapes = [store.features(store.levels()[0], name).shape for name in ("depth", "semantic")]
    everything = sum(2 * math.prod(shape) for shape in shapes)
    tight = train(config(window=1, steps=3, memory_budget=everything - 1))
    assert open_run(tight).info["feed"].startswith("stream: the store takes")
    assert same(weights(roomy), weights(tight))
    with pytest.raises(UserError, match="raise --memory-budget, or lower --window"):
        train(config(window=1, steps=3, memory_budget=1000, overwrite=True))


def test_a_finished_run_is_left_alone_and_replaced_on_request(config):
    run = train(config())
    first = weights(run)
    with pytest.raises(RunError, match="--overwrite replaces it"):
        train(config())
    lines = []
    train(config(resume=True), say=lines.append)
    assert any("nothing to do" in line for line in lines)
    train(config(seed=1, overwrite=True))
    assert not same(first, weights(run))


def test_resume_with_other_options_is_refused(config, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 5)
        train(config())
    with pytest.raises(RunError, match=r"learning_rate: the run has 0\.001, now 0\.01"):
        train(config(resume=True, learning_rate=0.01))


def test_the_best_held_out_loss_is_kept_on_request(config, tmp_path):
    chosen = {"steps": 20, "validate_every": 1, "learning_rate": 0.3, "batch": 2}
    best = train(config(out=tmp_path / "best", keep="best", **chosen))
    info = open_run(best).info
    looks = column(best, "held_out_loss")
    assert info["chosen"] == {"by": "held-out loss", "step": 1 + int(np.argmin(looks))}
    assert info["scores"]["held_out_loss"] == min(looks)
    assert info["chosen"]["step"] < 20, "the last step was the best: a rate that shows nothing"
    last = train(config(out=tmp_path / "last", **chosen))
    assert not same(weights(best), weights(last))


@pytest.mark.parametrize(
    "losses", [{"mse": 1.0, "task": 0.5}, {"match": 2.0}, {"match-kl": 1.0, "match-l1": 1.0}]
)
def test_losses_behind_d2_train_g_alone(config, ground, losses):
    before = load_task_network(ground.n2).network.weights_digest("network")
    run = train(
        config(
            losses=losses,
            target_run=ground.n2,
            steps=60,
            checkpoint_every=500,
            batch=8,
            learning_rate=3e-3,
        )
    )
    summed = column(run, "loss")
    assert summed[-1] < summed[0]
    if len(losses) > 1:
        parts = sum(weight * column(run, name)[0] for name, weight in losses.items())
        assert summed[0] == pytest.approx(parts, rel=1e-5)
    assert load_task_network(ground.n2).network.weights_digest("network") == before
    assert open_run(run).info["config"]["losses"] == losses
    assert set(weights(run)) == set(weights(train(config(out=run.parent / "plain"))))


def test_a_head_has_the_parameters_of_g_and_d2_and_learns_the_task(config, ground):
    lines = []
    chosen = config(
        architecture="head",
        target_run=ground.n2,
        steps=120,
        checkpoint_every=500,
        batch=8,
        learning_rate=3e-3,
    )
    run = train(chosen, say=lines.append)
    info = open_run(run).info
    g = open_run(train(config(out=run.parent / "g2"))).info
    decoder = load_task_network(ground.n2).network.decoder
    assert info["parameters"] == g["parameters"] + sum(p.numel() for p in decoder.parameters())
    assert any(f"{info['parameters']:,} parameters" in line for line in lines)
    assert (info["mode"], info["architecture"]) == ("head", "head")
    assert info["options"]["body"] == "bottleneck"
    assert info["target"]["task"] == "semantic"
    losses = column(run, "loss")
    assert losses[-1] < 0.8 * losses[0]
    assert "held_out_explained_variance" not in info["scores"]


def test_a_head_needs_nothing_of_e2_in_the_store(config, ground):
    alone = ground.extracted("alone", encoders=((None, ground.n1),))
    run = train(config(store=alone, architecture="head", target_run=ground.n2, steps=2))
    loaded = load_transfer(run)
    assert loaded.mode == "head"
    fresh = loaded.module.decoder.decoder.state_dict()
    trained = load_task_network(ground.n2).network.decoder.state_dict()
    assert not all(torch.equal(fresh[name], trained[name]) for name in fresh)


def test_a_loss_that_explodes_is_an_error(config):
    with pytest.raises(NumericsError, match="--learning-rate"):
        train(config(steps=40, checkpoint_every=500, learning_rate=1e30))


def test_levels_may_differ_and_g_says_that_it_resizes(config, ground):
    store = ground.extracted("levels", levels=("all",), labels=())
    levels = load_task_network(ground.n1).network.levels
    lines = []
    chosen = config(store=store, source_level=levels[0], target_level=levels[-1])
    loaded = load_transfer(train(chosen, say=lines.append))
    assert (loaded.source_level, loaded.level) == (levels[0], levels[-1])
    network = load_task_network(ground.n1).network
    source, target = (network.feature_shape(level, (20, 28)) for level in (levels[0], levels[-1]))
    assert any("resized bilinearly" in line for line in lines)
    assert loaded.module(torch.zeros(1, *source)).shape == (1, *target)


def test_bfloat16_trains_and_stores_float32(config):
    run = train(config(precision="bfloat16", steps=30, checkpoint_every=500, learning_rate=3e-3))
    assert all(tensor.dtype == torch.float32 for tensor in weights(run).values())
    losses = column(run, "loss")
    assert losses[-1] < losses[0]


def test_the_paper_s_g_is_trained_without_standardisation(config):
    run = train(config(architecture="paper", options={"width": 4}))
    assert open_run(run).info["options"] == {"width": 4, "standardise": False}
    layers = [f"body.layers.{index}" for index in (0, 2, 5, 7, 10, 12)]
    assert set(weights(run)) == {f"{n}.{part}" for n in layers for part in ("weight", "bias")}


def test_resume_refuses_features_that_were_replaced_meanwhile(config, ground, monkeypatch):
    store = ground.extracted("replaced")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 5)
        train(config(store=store))
    other = ((None, ground.n1), (None, ground.other))
    ground.extracted("replaced", again=True, encoders=other, overwrite=("semantic",))
    with pytest.raises(RunError, match=r"features\.target\.encoder_sha256: the run has"):
        train(config(store=store, resume=True))
