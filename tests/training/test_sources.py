"""What is learnt from: domains that agree, and predictions that stand in for labels."""

from dataclasses import replace

import numpy as np
import pytest

from atdt.domains import ViewPlan, open_domain
from atdt.errors import DomainError, RunError, UserError
from atdt.runs import open_run
from atdt.tasks import get_task
from atdt.training import Auxiliary, train_task
from atdt.training.material import open_material
from atdt.training.sources import Source, mean_focal, one_size, open_sources, training_focal


@pytest.fixture
def other_space(make_domain, tmp_path):
    path = make_domain(tmp_path / "other", "other") / "domain.toml"
    path.write_text(path.read_text().replace("coarse4", "shared11"))
    return path


def test_label_spaces_must_agree_for_semantics_alone(config, other_space, domain_a):
    mixed = config(train=(f"{domain_a}:train", f"{other_space}:train"))
    with pytest.raises(DomainError, match=r"label space 'shared11', but .* has 'coarse4'"):
        open_material(mixed)
    with pytest.raises(DomainError, match="label space 'shared11'"):
        open_material(config(validation=(f"{other_space}:val",)))
    with pytest.raises(DomainError, match="label space 'shared11'"):
        open_material(
            config(
                task="depth",
                auxiliary=Auxiliary("semantic", (f"{domain_a}:train", f"{other_space}:train")),
            )
        )
    assert len(open_material(replace(mixed, task="depth")).main.sources) == 2


def test_a_domain_without_the_label_is_refused_before_training(config, domain_a):
    with pytest.raises(UserError, match=r"train\.txt:1: .*normals"):
        open_material(config(task="normals", train=(f"{domain_a}:train",)))


def test_bad_images_are_skipped_when_told_and_named_in_the_run(config, make_domain, tmp_path):
    bad = make_domain(tmp_path / "bad", "bad")
    (bad / "train/image/1.png").write_bytes(b"not a picture")
    with pytest.raises(UserError, match=r"train/image/1\.png"):
        train_task(config(train=(f"{bad}:train",)))
    path = train_task(config(train=(f"{bad}:train",), skip_bad=True, overwrite=True))
    (described,) = open_run(path).info["domains"]["train"]
    assert described["images"] == 5
    assert len(described["skipped"]) == 1
    assert "1.png" in described["skipped"][0]


def test_sizes_that_differ_are_named(make_domain, domain_a, tmp_path):
    large = make_domain(tmp_path / "large", "large", size=(20, 24))
    sources = open_sources(get_task("depth"), [f"{domain_a}:train", f"{large}:train"])
    with pytest.raises(DomainError, match=r"large:train .*: 20x24, but .*: 16x24; .*--crop"):
        one_size(sources, ViewPlan())
    assert one_size(sources, ViewPlan(crop=(8, 8))) == (8, 8)
    with pytest.raises(DomainError, match=r"large:train train/image/0\.png: .*crop 18x24"):
        one_size(sources[::-1], ViewPlan(crop=(18, 24), resize=(17, 24)))


def test_focal_lengths_follow_the_resize(domain_a, make_domain, tmp_path):
    domain = open_domain(f"{domain_a}:train")
    assert mean_focal(domain, None) == 50.0
    assert mean_focal(domain, (99, 12)) == 25.0
    unknown = make_domain(tmp_path / "unknown", "unknown") / "domain.toml"
    unknown.write_text(unknown.read_text().replace("focal = 50.0\n", ""))
    assert mean_focal(open_domain(f"{unknown}:train"), None) is None
    described = [{"focal": 10.0, "images": 1}, {"focal": 40.0, "images": 2}]
    assert training_focal(described) == pytest.approx(30)
    assert training_focal([*described, {"focal": None, "images": 1}]) is None


@pytest.fixture
def predictions(write_predictions):
    """A predictions folder of B in which all is sky."""
    return write_predictions("semantic", lambda size: np.full(size, 1, np.uint8))


def test_predictions_stand_in_for_labels(config, domain_b, predictions):
    taught = config(
        train=(),
        pseudo_labels=((f"{domain_b}:train", predictions),),
        validation=(),
        steps=30,
        checkpoint_every=500,
        learning_rate=1e-2,
    )
    (source,) = open_material(taught).main.sources
    assert isinstance(source, Source)
    assert set(np.unique(source.domain.label(0, "semantic"))) == {1}
    path = train_task(taught)
    (described,) = open_run(path).info["domains"]["train"]
    assert described["pseudo_labels"] == str(predictions)
    assert described["taught_by"] == {"kind": "network", "network": {"sha256": "5a" * 32}}
    last = (path / "curves.csv").read_text().splitlines()[-1].split(",")
    assert float(last[2]) < 0.05  # nothing is easier to learn than a constant


def test_predictions_are_part_of_what_resuming_compares(config, domain_b, predictions):
    taught = config(train=(), pseudo_labels=((f"{domain_b}:train", predictions),), steps=1)
    train_task(taught)
    index = predictions / "predictions.json"
    index.write_text(index.read_text() + " ")
    with pytest.raises(RunError, match=r"digests\.train"):
        train_task(replace(taught, resume=True))


def test_a_task_without_labels_takes_no_predictions(config, domain_b, predictions):
    with pytest.raises(RunError, match="edges needs no labels"):
        open_material(config(task="edges", pseudo_labels=((f"{domain_b}:train", predictions),)))


def test_predicted_depth_counts_under_the_camera_that_its_network_learnt_with(
    config, domain_b, write_predictions
):
    def focal(resize, **changes):
        folder = write_predictions("depth", lambda size: np.full(size, 9, np.float32), **changes)
        (source,) = open_sources(get_task("depth"), [], [(f"{domain_b}:train", folder)])
        return source.described(resize)["focal"]

    method = {"kind": "network", "training_focal": 30.0}
    assert focal(None) == 80.0  # labels from elsewhere: B's own
    assert focal(None, method=method) == 30.0
    assert focal((8, 12), method=method) == 15.0
    view = ViewPlan(resize=(8, 12)).to_dict()  # the network saw B at half its width
    assert focal(None, method=method, view=view) == 60.0
    assert focal((8, 12), method=method, view=view) == 30.0
    for unknown in (None, "thirty"):
        assert focal(None, method=method | {"training_focal": unknown}) is None
