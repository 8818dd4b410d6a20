"""A label network: that it learns, what its run says, and the same bits after any stop."""

import math
import shutil
from dataclasses import replace

import pytest
import torch

from atdt.domains import open_domain
from atdt.domains.streets import RenderConfig, render
from atdt.errors import DomainError, RunError, UserError
from atdt.label_transfer import (
    LabelPrediction,
    LabelTraining,
    train_label_transfer,
    transfer_labels,
)
from atdt.label_transfer.load import load_label_network
from atdt.predictions import open_predictions
from atdt.runs import open_run
from atdt.tasks import get_task
from atdt.training.learner import Learner
from tests.made_kills import Killed
from tests.run_contents import column, same, weights

GROUND = (("road", 0.0), ("sidewalk", 0.15))


@pytest.fixture
def config(streets, tmp_path):
    standard = LabelTraining(
        train=(f"{streets}/a:train",),
        validation=(f"{streets}/a:val",),
        source="semantic",
        target="depth",
        out=tmp_path / "labels",
        width=8,
        steps=9,
        batch=4,
        device="cpu",
        checkpoint_every=3,
    )
    return lambda **changes: replace(standard, **changes)


@pytest.mark.parametrize(
    ("tasks", "changes"),
    [
        (("semantic", "depth"), {"ground": GROUND, "standing": ("vehicle",), "stretch": 2.0}),
        (("depth", "semantic"), {"stretch": 2.0}),
        (("semantic", "normals"), {"resize": (16, 32)}),
    ],
)
def test_it_learns_and_its_run_says_what_it_is(config, streets, tasks, changes):
    source, target = tasks
    run = train_label_transfer(
        config(source=source, target=target, steps=80, checkpoint_every=500, **changes)
    )
    info = open_run(run, "label-transfer").info
    losses = column(run, "loss")
    assert losses[-1] < 0.85 * losses[0]
    assert (info["source"], info["task"]) == (source, target)
    assert list(info["scores"]) == [f"{streets}/a:val"]
    loaded = load_label_network(run)
    assert loaded.reading.ground == changes.get("ground", ())
    assert loaded.resize == changes.get("resize")
    channels = torch.zeros(1, loaded.reading.channels, 16, 32)
    out = loaded.network(channels)
    assert out.shape == (1, {"depth": 1, "semantic": 11, "normals": 3}[target], 16, 32)
    assert target != "depth" or (out > 0).all()


@pytest.mark.parametrize("source", ["semantic", "depth"])
def test_a_killed_training_goes_on_to_the_same_bits(config, monkeypatch, tmp_path, source):
    target = "depth" if source == "semantic" else "semantic"
    changes = {"source": source, "target": target, "stretch": 2.0}
    whole = train_label_transfer(config(**changes))
    learn = Learner.learn

    def killed(self, step, batches):
        if step == 7:
            raise Killed
        return learn(self, step, batches)

    cut = config(out=tmp_path / "cut", **changes)
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "learn", killed)
        with pytest.raises(Killed):
            train_label_transfer(cut)
    with pytest.raises(RunError, match="unfinished run; --resume goes on with it"):
        train_label_transfer(cut)
    assert same(weights(train_label_transfer(replace(cut, resume=True))), weights(whole))
    lines = []
    train_label_transfer(replace(cut, resume=True), say=lines.append)
    assert "nothing to do" in lines[0]


def test_labels_that_move_stay_together(config, monkeypatch):
    """Where what is read says "known", there is a class that is no sky."""
    seen = []
    learn = Learner.learn
    monkeypatch.setattr(Learner, "learn", lambda s, n, b: seen.extend(b) or learn(s, n, b))
    train_label_transfer(config(source="depth", target="semantic", steps=3))
    sky = 10
    for batch in seen:
        known, has_class = batch.image[:, -1] > 0, batch.label != 255
        assert (known & has_class).any()
        assert not (known & (batch.label == sky)).any()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train": ()}, "--train: name a domain"),
        ({"source": "edges"}, "--from edges: labels of semantic and depth"),
        ({"target": "edges"}, "--to edges: has no labels to learn from"),
        ({"target": "semantic"}, "--to semantic: is what labels are read of; name T2"),
        ({"steps": 0}, "--steps 0: must be ≥ 1"),
        ({"seed": -1}, "--seed -1: must be ≥ 0"),
        ({"learning_rate": 0.0}, "--learning-rate 0.0: must be above 0, and finite"),
        ({"learning_rate": math.inf}, "--learning-rate inf: must be above 0, and finite"),
        ({"ground": (("road", -math.inf),)}, "--ground road=-inf: is no height"),
        ({"ground": (("road", 0.0), ("road", 0.1))}, "--ground road, road: a class comes twice"),
        ({"zoom": 3.0}, "--zoom 3.0: must be from 0 to 2"),
        ({"shift": 1.0}, "--shift 1.0: must be at least 0 and below 1"),
        ({"widen": 0.5}, "--widen 0.5: must be from 1 to 10"),
        ({"widen": 2.0, "target": "normals"}, "--widen 2: is for --from semantic --to depth"),
        ({"resume": True, "overwrite": True}, "--resume and --overwrite exclude each other"),
        ({"ground": (("lawn", 0.0),)}, "--ground lawn: .*has road, sidewalk"),
        ({"ground": (("road", 9.0),)}, "--ground road=9: is no height below the camera"),
        ({"width": 9}, "--width 9: must be a multiple of 8"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(config, changes, said):
    asked = config(**changes)
    with pytest.raises(UserError, match=said):
        train_label_transfer(asked)
    assert not (asked.out / "run.json").exists()


def test_a_domain_without_a_camera_is_refused(config, streets, tmp_path):
    text = (streets / "a" / "domain.toml").read_text()
    unknown = tmp_path / "unknown.toml"
    root = text.replace('root = "."', f'root = "{streets}/a"')
    unknown.write_text("\n".join(line for line in root.splitlines() if "focal" not in line))
    for name in ("train", "val", "test"):
        (tmp_path / f"{name}.txt").write_text((streets / "a" / f"{name}.txt").read_text())
    with pytest.raises(DomainError, match="the focal length is unknown"):
        train_label_transfer(config(train=(f"{unknown}:train",), source="depth", target="semantic"))


def test_another_runs_weights_are_refused(config, tmp_path):
    run = train_label_transfer(config(steps=1))
    file = run / "run.json"
    file.write_text(file.read_text().replace('"width": 8', '"width": 16'))
    with pytest.raises(RunError, match="weights and network differ"):
        load_label_network(run)


def test_a_run_is_not_gone_on_with_on_other_data(config, streets, tmp_path):
    shutil.copytree(streets / "a", tmp_path / "a")
    listed = tmp_path / "a" / "train.txt"
    asked = config(train=(f"{tmp_path}/a:train",), validation=(), steps=1)
    train_label_transfer(asked)
    listed.write_text("\n".join(listed.read_text().splitlines()[1:]))
    with pytest.raises(RunError, match="digests"):
        train_label_transfer(replace(asked, resume=True))


def test_validation_may_have_images_of_another_size(config, tmp_path):
    other = tmp_path / "other"
    render(RenderConfig(other, train=1, val=0, test=0, size=(48, 64), right=False, workers=1))
    mixed = (f"{other}/a:train",)
    done = train_label_transfer(config(validation=mixed, steps=1))
    assert list(open_run(done).info["scores"]) == list(mixed)


def test_its_figures_are_those_of_what_is_transferred(config, streets, tmp_path):
    run = train_label_transfer(config(ground=GROUND, steps=5))
    val = f"{streets}/a:val"
    folder = transfer_labels(LabelPrediction(run=run, domain=val, out=tmp_path / "p", device="cpu"))
    made, domain, task = open_predictions(folder), open_domain(val), get_task("depth")
    records = [
        task.measure(made.read(s.image, task), domain.label(i, "depth"), domain.label_space)
        for i, s in enumerate(domain.samples)
    ]
    scores = task.summarise(records, domain.label_space)
    assert open_run(run).info["scores"][val]["abs_rel"] == pytest.approx(scores["abs_rel"])
