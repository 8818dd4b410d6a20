"""R: what it learns from, that it learns, and the same bits after any stop."""

import math
from dataclasses import replace

import pytest
import torch

from atdt.consistency import CrossTaskTraining, load_cross_task, train_cross_task
from atdt.domains import LabelSpace
from atdt.errors import MismatchError, NetworkError, RunError, UserError
from atdt.extract import Extraction, extract
from atdt.runs import open_run
from atdt.stores import open_store
from atdt.training.load import load_task_network
from atdt.transfer.learner import Learner
from tests.made_kills import Killed, dying_after
from tests.run_contents import column, same, weights


@pytest.fixture
def config(ground, tmp_path):
    standard = CrossTaskTraining(
        store=ground.store,
        source="depth",
        target="semantic",
        source_run=ground.n2,
        out=tmp_path / "r",
        steps=9,
        batch=5,
        window=1,
        held_out=0.3,
        device="cpu",
        checkpoint_every=3,
    )
    return lambda **changes: replace(standard, **changes)


def test_r_learns_and_its_run_says_what_it_is(config, ground):
    lines = []
    run = train_cross_task(config(steps=120, checkpoint_every=500, batch=8), say=lines.append)
    info = open_run(run, "cross-task").info
    losses = column(run, "loss")
    assert losses[-1] < 0.8 * losses[0]
    assert column(run, "held_out_loss")[-1] == info["scores"]["held_out_loss"]
    assert 0 < info["scores"]["held_out_loss"] < info["held_out_loss_of_others"]
    assert (info["source"]["task"], info["source"]["classes"]) == ("depth", [])
    assert info["target"]["task"] == "semantic"
    assert info["target"]["classes"] == ["road", "sky", "vehicle", "other"]
    assert (info["in_channels"], info["out_channels"], info["options"]) == (1, 4, {"width": 8})
    assert info["source"]["run"] == str(ground.n2.resolve())
    assert any("parameters" in line for line in lines)
    loaded = load_cross_task(run)
    assert (loaded.source.name, loaded.task.name) == ("depth", "semantic")
    assert loaded.read(torch.rand(2, 1, 20, 28)).shape == (2, 4, 20, 28)


def test_what_r_reads_is_the_decoders_output_on_the_stored_features(config, ground, monkeypatch):
    seen = []
    learn = Learner.learn
    monkeypatch.setattr(Learner, "learn", lambda s, n, b: seen.append(b) or learn(s, n, b))
    train_cross_task(config(steps=1, batch=20, held_out=0.0, zoom=0.0, shift=0.0))
    store, network = open_store(ground.store), load_task_network(ground.n2).network
    level = store.levels()[-1]
    features = torch.from_numpy(store.features(level, "depth").read_all(progress=False)).float()
    outputs = network.decode(features, level, (20, 28))
    labels = torch.from_numpy(store.labels_reader("semantic").read_all(progress=False))
    (batch,) = seen
    for output, label in zip(batch["source"], batch["label"], strict=True):
        same_label = [i for i in range(len(labels)) if torch.equal(labels[i], label)]
        assert any(torch.allclose(output, outputs[i], atol=1e-5) for i in same_label)


@pytest.mark.parametrize("stop", [2, 7])
@pytest.mark.parametrize("feed", ["resident", "stream"])
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(
    config, monkeypatch, tmp_path, stop, feed
):
    whole = train_cross_task(config(out=tmp_path / "whole"))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Learner, "learn", dying_after(stop)(Learner.learn))
        train_cross_task(config(feed=feed))
    with pytest.raises(RunError, match="--resume"):
        load_cross_task(config().out)
    train_cross_task(config(resume=True))
    assert same(weights(whole), weights(config().out))
    assert (whole / "curves.csv").read_text() == (config().out / "curves.csv").read_text()
    lines = []
    train_cross_task(config(resume=True), say=lines.append)
    assert any("nothing to do" in line for line in lines)


def test_n2_stays_as_it_was(config, ground):
    before = load_task_network(ground.n2).network.weights_digest("network")
    run = train_cross_task(config())
    assert load_task_network(ground.n2).network.weights_digest("network") == before
    assert all(name.startswith(("at_", "back_", "last")) for name in weights(run))


def test_the_other_direction_reads_classes_and_gives_depth(config, ground):
    chosen = config(
        source="semantic",
        target="depth",
        source_run=ground.n1,
        steps=60,
        checkpoint_every=500,
        batch=8,
    )
    run = train_cross_task(chosen)
    info = open_run(run).info
    assert (info["in_channels"], info["out_channels"]) == (4, 1)
    assert info["source"]["classes"] == ["road", "sky", "vehicle", "other"]
    losses = column(run, "loss")
    assert math.isfinite(losses[-1]) and losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"steps": 0}, UserError, "--steps 0"),
        ({"zoom": -1.0}, UserError, "--zoom -1.0"),
        ({"shift": 1.0}, UserError, "--shift 1.0"),
        ({"width": 12}, NetworkError, "--width 12: must be a multiple of 8"),
        ({"target": "edges"}, UserError, "no cross-task network learns edges"),
        ({"target": "normals"}, UserError, "holds no labels of normals.*--labels normals"),
        ({"target": "depth"}, UserError, "--to depth: is what .* predicts"),
        ({"source": "semantic"}, MismatchError, "was not made by .*encoder"),
        ({"source": "edges"}, UserError, "has no features 'edges'"),
        ({"allow_mismatch": ("shape",)}, UserError, "--allow-mismatch shape"),
        ({"resume": True, "overwrite": True}, UserError, "exclude each other"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_run(config, changes, error, message):
    with pytest.raises(error, match=message) as refusal:
        train_cross_task(config(**changes))
    assert "\n" not in str(refusal.value)
    assert not (config().out / "run.json").exists()


def test_classes_and_task_of_what_is_read_and_labelled_must_be_known(ground):
    r = load_cross_task(ground.r)
    space = LabelSpace("two", ("road", "sky"), ((0, 0, 0), (1, 1, 1)))
    r.check_reads(r.source, space.classes, "anything")  # depth has no classes
    with pytest.raises(MismatchError, match="reads depth, but that is semantic"):
        r.check_reads(r.task, r.classes, "that")
    with pytest.raises(MismatchError, match="gives the classes road, sky, vehicle, other, but"):
        r.check_labels(space.classes, "that")


def test_a_store_of_both_labels_can_be_made_in_two_goes(ground, tmp_path):
    """`extract --labels` adds a task's labels to a store that is there."""
    first = Extraction(ground.a, ((None, ground.n2),), tmp_path / "s.zarr", labels=("depth",))
    extract(first)
    extract(replace(first, encoders=(), labels=("semantic",)))
    assert set(open_store(first.out).labels()) == {"depth", "semantic"}
