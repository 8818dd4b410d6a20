"""G that learns from B too: T1, read off its predictions, must be as labelled there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from atdt.domains import ViewPlan
from atdt.errors import MismatchError, RunError, UserError
from atdt.extract import Extraction, extract
from atdt.runs import open_run
from atdt.stores import open_store, runs_trained
from atdt.training.cross_task import load_cross_task
from atdt.training.load import load_task_network
from atdt.transfer import (
    Consistency,
    load_transfer,
    plan_training,
    train,
)
from atdt.transfer.estimate import feed_choice
from atdt.transfer.feed import B_LABEL, B_SOURCE
from atdt.transfer.learner import Learner
from atdt.transfer.on_b import with_b
from atdt.transfer.order import epoch_order
from atdt.transfer.setting import prepare
from atdt.transfer.training import batches, open_feed
from tests.made_kills import Killed, dying_after
from tests.run_contents import column, same, weights


@pytest.fixture
def config(agreement, tmp_path):
    """A short training of G with consistency on B; keywords change it."""
    agreeing = Consistency(agreement.r, agreement.b_store, 1.0)
    standard = agreement.training(tmp_path / "g", consistency=agreeing)
    return lambda **changes: replace(standard, **changes)


def test_g_comes_to_agree_and_its_run_says_with_what(config, agreement):
    lines = []
    chosen = config(steps=150, checkpoint_every=500, batch=8, learning_rate=3e-3, validate_every=50)
    run = train(chosen, say=lines.append)
    info, errors = open_run(run).info, column(run, "consistency")
    assert errors[-1] < errors[0]
    assert column(run, "held_out_consistency")[-1] == info["scores"]["held_out_consistency"]
    assert info["b"]["store"]["path"] == str(agreement.b_store.resolve())
    assert info["b"]["arrays"][1] == "labels/semantic"
    assert info["b"]["cross_task"]["run"] == str(agreement.r.resolve())
    assert info["config"]["consistency"]["weight"] == 1.0
    assert any(line.startswith("B: ") and "semantic labels × 1" in line for line in lines)
    untaught = train(replace(chosen, out=run.parent / "alone", consistency=None))
    assert "consistency" not in open_run(untaught).info["config"]
    assert not same(weights(run), weights(untaught))


def test_the_loss_is_the_error_of_r_on_what_d2_says(config, agreement, monkeypatch):
    """The first row of the curves, from the networks themselves and B's batches."""
    monkeypatch.setattr("atdt.transfer.trainee.LOG_EVERY", 1)
    chosen = config(steps=1, consistency=Consistency(agreement.r, agreement.b_store, 0.5))
    started, learn = {}, Learner.learn

    def noting(self, step, batch):
        started.update({n: t.clone() for n, t in self.network.state_dict().items()} | batch)
        return learn(self, step, batch)

    monkeypatch.setattr(Learner, "learn", noting)
    run = train(chosen)
    g = load_transfer(run).module
    g.load_state_dict({n: t for n, t in started.items() if n in g.state_dict()})
    network, r = load_task_network(agreement.n2).network, load_cross_task(agreement.r)
    output = network.decode(g(started[B_SOURCE].float()), size=(20, 28))
    label = started[B_LABEL].long()
    expected = torch.nn.functional.cross_entropy(r.network(output), label)
    assert column(run, "consistency") == pytest.approx([float(expected)], rel=1e-5)
    mse = column(run, "mse")[0]
    assert column(run, "loss") == pytest.approx([mse + 0.5 * float(expected)], rel=1e-5)


def test_frozen_networks_stay_as_they_were(config, agreement):
    def digests():
        r = load_cross_task(agreement.r).network.state_dict()
        n2 = load_task_network(agreement.n2).network.weights_digest("network")
        return n2, {name: tensor.sum().item() for name, tensor in r.items()}

    before = digests()
    g = weights(train(config()))
    assert digests() == before
    assert set(g) == set(weights(train(config(out=config().out / "x", consistency=None))))


@pytest.mark.parametrize("kind", ["resident", "stream"])
def test_b_s_order_is_its_own_pure_function(config, agreement, kind):
    """Both stores have epochs of their own, and the batches do not depend on the feed."""
    chosen = config(feed=kind, steps=12)
    setting = with_b(chosen, prepare(chosen))
    device = torch.device("cpu")
    labels = open_store(agreement.b_store).labels_reader("semantic").read_all(progress=False)
    b = setting.b
    orders = (epoch_order(chosen.order, e, b.geometry, b.held_out.kept) for e in range(99))
    expected = [samples for order in orders for samples in order.indices()][:12]
    with open_feed(setting, feed_choice(chosen, setting, device), device) as feed:
        for start in (0, 7):  # from the first step, and gone on with
            fed = batches(feed, setting, chosen.order, start, 12)
            for samples, batch in zip(expected[start:], fed, strict=True):
                np.testing.assert_array_equal(batch[B_LABEL].numpy(), labels[samples])


@pytest.mark.parametrize("stop", [2, 5, 8])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"feed": "stream", "keep": "best", "validate_every": 2},
        {"architecture": "head"},
        {"options": {"width": 8, "norm": "batch"}, "losses": {"match": 1.0, "task": 1.0}},
    ],
    ids=["plain", "stream", "head", "norm"],
)
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(
    config, monkeypatch, tmp_path, stop, changes
):
    whole = train(config(out=tmp_path / "whole", **(changes | {"feed": "resident"})))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Learner, "learn", dying_after(stop)(Learner.learn))
        train(config(**changes))
    train(config(resume=True, **changes))
    assert same(weights(whole), weights(config().out))
    assert (whole / "curves.csv").read_text() == (config().out / "curves.csv").read_text()


def test_a_head_agrees_as_well(config):
    run = train(
        config(architecture="head", steps=100, checkpoint_every=500, batch=8, learning_rate=3e-3)
    )
    assert open_run(run).info["mode"] == "head"
    errors = column(run, "consistency")
    assert errors[-1] < errors[0]
    assert load_transfer(run).mode == "head"


def test_views_of_b_may_have_another_size(config, agreement, tmp_path):
    b = extract(
        Extraction(
            agreement.b,
            ((None, agreement.n1),),
            tmp_path / "b.zarr",
            plan=ViewPlan(crop=(16, 16)),
            labels=("semantic",),
            device="cpu",
        )
    )
    run = train(config(consistency=Consistency(agreement.r, b, 1.0)))
    assert len(column(run, "consistency")) == 1


def test_the_memory_of_both_stores_is_counted(config, agreement):
    alone, both = (
        plan_training(config(consistency=given)).feed.reason
        for given in (None, config().consistency)
    )
    assert alone != both
    with pytest.raises(UserError, match="raise --memory-budget, or lower --window"):
        train(config(memory_budget=1000))


def test_resume_refuses_another_r_and_another_weight(config, agreement, monkeypatch, tmp_path):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Learner, "learn", dying_after(0)(Learner.learn))
        train(config())
    other = Consistency(agreement.r, agreement.b_store, weight=2.0)
    with pytest.raises(RunError, match=r"consistency\.weight: the run has 1\.0, now 2\.0"):
        train(config(resume=True, consistency=other))
    with pytest.raises(RunError, match="consistency: the run has"):
        train(config(resume=True, consistency=None))


def test_prune_knows_that_b_s_store_was_learnt_from(config, agreement):
    run = train(config(steps=1))
    assert runs_trained(agreement.b_store, run.parent) == {
        name: [run.name] for name in open_run(run).info["b"]["arrays"]
    }


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"losses": {"mse": 1.0}}, {"level4/semantic", "level4/depth"}),
        ({"losses": {"task": 1.0}}, {"level4/semantic", "level4/depth", "labels/depth"}),
        ({"architecture": "head", "options": {}}, {"level4/semantic", "labels/depth"}),
    ],
)
def test_prune_knows_which_arrays_of_a_were_read(config, agreement, changes, read):
    run = train(config(steps=1, consistency=None, **changes))
    assert runs_trained(agreement.store, run.parent).keys() == read


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target_run": None}, "--consistency: reads what D2 says, give --target-run RUN"),
        ({"architecture": "ridge", "options": {}}, "--architecture ridge: is solved for"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(config, changes, message):
    with pytest.raises(UserError, match=message):
        train(config(**changes))
    assert not (config().out / "run.json").exists()


def test_what_does_not_belong_together_is_refused(config, agreement, tmp_path):
    def refused(error, message, *, run=agreement.r, b=agreement.b_store, weight=1.0, **changes):
        with pytest.raises(error, match=message) as refusal:
            train(config(consistency=Consistency(run, b, weight), **changes))
        assert "\n" not in str(refusal.value)
        assert not (config().out / "run.json").exists()

    refused(UserError, "--consistency-weight 0", weight=0)
    refused(UserError, "--consistency-weight nan", weight=float("nan"))
    refused(UserError, "nowhere.zarr: no such store", b=Path("nowhere.zarr"))
    refused(RunError, "holds a task-network, where a cross-task is needed", run=agreement.n1)
    swapped = {"source": "depth", "target": "semantic", "target_run": agreement.n1}
    refused(MismatchError, "reads depth, but .* is semantic", **swapped)
    fixed = {"plan": ViewPlan(), "device": "cpu"}
    bare = extract(
        Extraction(agreement.b, ((None, agreement.n1),), tmp_path / "bare.zarr", **fixed)
    )
    refused(UserError, "holds no 'semantic' labels.*--labels semantic", b=bare)
    other = extract(
        Extraction(
            agreement.b,
            (("semantic", agreement.n2),),
            tmp_path / "other.zarr",
            labels=("semantic",),
            **fixed,
        )
    )
    refused(MismatchError, "is not the E1 of", b=other)
