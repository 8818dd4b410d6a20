"""A training that was cut off goes on and ends with the same bits; a damaged run is refused."""

import json
from dataclasses import replace

import pytest
import torch

from atdt.adapt import load_cyclegan, train_cyclegan
from atdt.adapt.learner import Learner
from atdt.adapt.networks import generators
from atdt.adapt.painting import PICTURE
from atdt.errors import RunError
from atdt.runs import CHECKPOINT, CURVES, INFO, WEIGHTS, open_run


class CutOffError(Exception):
    """Stands for whatever ends a process in the middle of a step."""


@pytest.fixture(autouse=True)
def short_rows(monkeypatch):
    """Rows of the curves that do not divide the steps between two checkpoints."""
    monkeypatch.setattr("atdt.adapt.training.LOG_EVERY", 3)


def cut_off(monkeypatch, config, step):
    """Train until the end of step `step`, which is not recorded any more."""
    learn = Learner.learn

    def learn_and_die(self, at, images):
        result = learn(self, at, images)
        if at == step:
            raise CutOffError
        return result

    with monkeypatch.context() as patched, pytest.raises(CutOffError):
        patched.setattr(Learner, "learn", learn_and_die)
        train_cyclegan(config)


def results(path):
    """What must not differ between two trainings of the same: weights, curves, picture."""
    return [(path / name).read_bytes() for name in (WEIGHTS, CURVES, PICTURE)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"steps": 5, "batch": 2, "history": 3, "crop": (24, 28), "precision": "bfloat16"},
        {"history": 0, "identity_weight": 0.0},
    ],
    ids=["plain", "everything", "nothing kept"],
)
def test_a_training_that_is_cut_off_ends_with_the_same_bits(config, changes, monkeypatch, tmp_path):
    config = config(**changes)
    whole = results(train_cyclegan(config))
    for step in (0, config.steps - 1):
        config = replace(config, out=tmp_path / f"cut{step}")
        cut_off(monkeypatch, config, step)
        with pytest.raises(RunError, match="unfinished"):
            open_run(config.out)
        assert (config.out / CHECKPOINT).exists() == (step >= config.checkpoint_every)
        assert results(train_cyclegan(replace(config, resume=True))) == whole
        assert not (config.out / CHECKPOINT).exists()


def test_the_history_is_part_of_what_goes_on(config, monkeypatch):
    """Otherwise the same bits would prove nothing: an empty one makes others."""
    config = config(steps=8)
    whole = results(train_cyclegan(config))
    config = replace(config, out=config.out / ".." / "cut")
    cut_off(monkeypatch, config, 4)
    monkeypatch.setattr("atdt.adapt.history.History.restore", lambda *_: None)
    assert results(train_cyclegan(replace(config, resume=True)))[0] != whole[0]


def test_a_finished_training_is_not_done_again(config):
    path = train_cyclegan(config())
    before = (path / WEIGHTS).stat().st_mtime_ns
    said = []
    assert train_cyclegan(config(resume=True), said.append) == path
    assert said == [f"{path}: a finished run of the same options, nothing to do"]
    assert (path / WEIGHTS).stat().st_mtime_ns == before
    with pytest.raises(RunError, match="holds a finished run"):
        train_cyclegan(config())
    with pytest.raises(RunError, match="width: the run has 4, now 5; seed: the run has 0, now 2"):
        train_cyclegan(config(resume=True, width=5, seed=2))
    train_cyclegan(config(overwrite=True))
    assert (path / WEIGHTS).stat().st_mtime_ns != before


def test_a_picture_of_a_run_that_is_replaced_does_not_stay(config, monkeypatch):
    path = train_cyclegan(config())
    assert (path / PICTURE).exists()
    cut_off(monkeypatch, config(overwrite=True), 0)
    assert not (path / PICTURE).exists()


def test_a_checkpoint_of_other_networks_is_refused(config, monkeypatch):
    cut_off(monkeypatch, config(), 2)
    monkeypatch.setattr("atdt.adapt.learner.generators", lambda width, blocks: generators(width, 2))
    with pytest.raises(RunError, match="checkpoint is of other networks: missing: generators"):
        train_cyclegan(config(resume=True))


def edit(path, **keys):
    info = json.loads((path / INFO).read_text())
    (path / INFO).write_text(json.dumps(info | keys))


def test_generators_come_back_as_they_were(config):
    path = train_cyclegan(config())
    loaded = load_cyclegan(path)
    assert loaded.name("b") == "reddish"
    weights = open_run(path).weights()
    for look, generator in loaded.generators.items():
        assert not generator.training
        for name, parameter in generator.named_parameters():
            assert torch.equal(parameter, weights[f"{look}.{name}"])
            assert not parameter.requires_grad


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"network": {"width": 5, "blocks": 1}}, "weights and networks differ: other shapes"),
        ({"network": {"width": 4, "blocks": 2}}, "weights and networks differ: missing: a"),
        ({"network": {"width": 10**9, "blocks": 1}}, "width 1000000000, .* do not describe"),
        ({"network": {"width": 4, "blocks": 10**9}}, "blocks 1000000000 .* do not describe"),
        ({"network": {"width": True, "blocks": 1}}, "width True"),
        ({"network": {"width": "4", "blocks": 1}}, "width '4'"),
        ({"network": [4, 1]}, "does not describe a CycleGAN"),
        ({"domains": {"a": {"name": 3}, "b": {"name": "b"}}}, "do not describe a CycleGAN"),
        ({"domains": None}, "does not describe a CycleGAN"),
        ({"kind": "transfer"}, "holds a transfer, where a cyclegan is needed"),
    ],
)
def test_a_run_that_was_edited_is_refused(config, keys, message):
    path = train_cyclegan(config(steps=1))
    edit(path, **keys)
    with pytest.raises(RunError, match=message):
        load_cyclegan(path)


def test_a_run_that_was_damaged_is_refused(config):
    path = train_cyclegan(config(steps=1))
    data = bytearray((path / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (path / WEIGHTS).write_bytes(data)
    with pytest.raises(RunError, match=r"weights\.safetensors: changed since"):
        load_cyclegan(path)
