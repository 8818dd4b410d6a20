"""G that learns from labels of T2 on B: predictions that stand for such, or true ones."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from atdt.decode import Decoding, Prediction, decode, predict
from atdt.domains import ViewPlan
from atdt.domains.encodings import write_depth
from atdt.errors import RunError, UserError
from atdt.extract import Extraction, extract
from atdt.predictions import open_predictions
from atdt.runs import open_run
from atdt.tasks import get_task
from atdt.training.load import load_task_network
from atdt.transfer import (
    Consistency,
    LabelsOfB,
    load_transfer,
    train,
)
from atdt.transfer.feed import B_LABEL, B_SOURCE
from atdt.transfer.learner import Learner
from tests.made_ground import SIZE
from tests.made_kills import Killed, dying_after
from tests.run_contents import column, same, weights


@pytest.fixture(scope="module")
def labelled(agreement):
    """A store of B whose labels of depth are what N2 says."""
    made = predict(
        Prediction(
            run=agreement.n2, domain=agreement.b, out=agreement.folder / "guessed", device="cpu"
        )
    )
    return extract(
        Extraction(
            agreement.b, ((None, agreement.n1),), agreement.folder / "labelled.zarr",
            plan=ViewPlan(views=2, seed=5, photometric="paper"), device="cpu",
            pseudo_labels=(made,),
        )
    )  # fmt: skip


@pytest.fixture
def taught(agreement, labelled, tmp_path):
    """A short training whose B has labels of T2; keywords change it."""
    learnt = LabelsOfB(labelled, 0.5)
    standard = agreement.training(tmp_path / "g", labels_of_b=learnt)
    return lambda **changes: replace(standard, **changes)


def test_labels_of_b_teach_by_t2s_own_loss(taught, agreement, monkeypatch):
    """The first row of the curves, from the networks themselves and B's batches."""
    monkeypatch.setattr("atdt.transfer.trainee.LOG_EVERY", 1)
    started, learn = {}, Learner.learn

    def noting(self, step, batch):
        started.update({n: t.clone() for n, t in self.network.state_dict().items()} | batch)
        return learn(self, step, batch)

    monkeypatch.setattr(Learner, "learn", noting)
    run = train(taught(steps=1))
    g = load_transfer(run).module
    g.load_state_dict({n: t for n, t in started.items() if n in g.state_dict()})
    network, task = load_task_network(agreement.n2).network, get_task("depth")
    output = network.decode(g(started[B_SOURCE].float()), size=(20, 28))
    expected = float(task.loss(output, task.target(None, started[B_LABEL])))
    assert column(run, "labels_of_b") == pytest.approx([expected], rel=1e-5)
    mse = column(run, "mse")[0]
    assert column(run, "loss") == pytest.approx([mse + 0.5 * expected], rel=1e-5)


@pytest.mark.parametrize("architecture", ["bottleneck", "head"])
def test_g_and_a_head_learn_from_labels_of_b(taught, agreement, labelled, tmp_path, architecture):
    lines = []
    chosen = taught(
        architecture=architecture, steps=100, checkpoint_every=500, batch=8, learning_rate=3e-3
    )
    run = train(chosen, say=lines.append)
    info, errors = open_run(run).info, column(run, "labels_of_b")
    assert errors[-1] < errors[0]
    assert info["b"]["arrays"][1] == "labels/depth"
    assert info["b"]["taught_by"]["kind"] == "network"
    assert info["config"]["labels_of_b"] == {"b": str(labelled), "weight": 0.5}
    assert info["training_focal"] is None  # of a domain whose camera nobody knows
    assert any("predictions as labels of depth (under no known focal" in line for line in lines)
    decoder = None if architecture == "head" else agreement.n2
    out = decode(
        Decoding(
            transfer=run, encoder=agreement.n1, decoder=decoder, domain=agreement.b,
            out=tmp_path / "p", device="cpu",
        )
    )  # fmt: skip
    assert open_predictions(out).method["training_focal"] is None


def test_a_training_by_labels_of_b_goes_on_to_the_same_bits(taught, monkeypatch, tmp_path):
    whole = train(taught(out=tmp_path / "whole"))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Learner, "learn", dying_after(5)(Learner.learn))
        train(taught())
    with pytest.raises(RunError, match=r"labels_of_b\.weight: the run has 0\.5, now 1\.0"):
        other = LabelsOfB(taught().labels_of_b.b, 1.0)
        train(taught(resume=True, labels_of_b=other))
    train(taught(resume=True))
    assert same(weights(whole), weights(taught().out))


def test_labels_of_b_that_cannot_teach_are_refused(taught, agreement, labelled):
    def refused(error, message, **changes):
        with pytest.raises(error, match=message):
            train(taught(**changes))
        assert not (taught().out / "run.json").exists()

    refused(UserError, "--b-labels-weight 0", labels_of_b=LabelsOfB(labelled, 0))
    bare = LabelsOfB(agreement.b_store, 1.0)
    refused(UserError, "holds no 'depth' labels to learn from.*--pseudo FOLDER", labels_of_b=bare)
    refused(UserError, "give --target-run", target_run=None)
    agreeing = Consistency(agreement.r, agreement.b_store, 1.0)
    refused(UserError, "G learns on B by one of the two", consistency=agreeing)
    refused(UserError, "is solved for", architecture="ridge", options={})
    refused(UserError, "identity: has no weights", architecture="identity", options={})
    of_a = LabelsOfB(agreement.store, 1.0)
    refused(UserError, r"a\.zarr: is of a:train, as is .*; give a store of B", labels_of_b=of_a)


def test_labels_without_one_known_pixel_teach_nothing(taught, agreement, tmp_path):
    """Their loss would be 0, as if all were right."""
    blank = tmp_path / "blank"
    shutil.copytree(agreement.folder / "a", blank)
    text = (blank / "domain.toml").read_text()
    (blank / "domain.toml").write_text(text.replace('name = "a"', 'name = "blank"'))
    for file in (blank / "depth").iterdir():
        write_depth(file, np.zeros(SIZE, np.float32), "uint16/256")
    store = extract(
        Extraction(
            f"{blank}:train", ((None, agreement.n1),), tmp_path / "blank.zarr", labels=("depth",),
            plan=ViewPlan(), device="cpu",
        )
    )  # fmt: skip
    with pytest.raises(UserError, match=r"blank\.zarr.*: no pixel of it has a label"):
        train(taught(labels_of_b=LabelsOfB(store, 1.0)))


def test_the_focal_length_is_the_mean_of_both_cameras(taught, agreement, tmp_path):
    """Depth on A and on B is learnt as much."""
    known = tmp_path / "n2"
    shutil.copytree(agreement.n2, known)
    info = json.loads((known / "run.json").read_text())
    (known / "run.json").write_text(json.dumps(info | {"training_focal": 100.0}))
    wide = tmp_path / "wide"
    shutil.copytree(agreement.folder / "a", wide)
    text = (wide / "domain.toml").read_text().replace('name = "a"', 'name = "w"\nfocal = 50.0')
    (wide / "domain.toml").write_text(text)
    store = extract(
        Extraction(
            f"{wide}:train", ((None, agreement.n1),), tmp_path / "w.zarr", labels=("depth",),
            plan=ViewPlan(resize=(40, 56)), device="cpu",
        )
    )  # fmt: skip
    run = train(taught(labels_of_b=LabelsOfB(store, 1.0), target_run=known, steps=1))
    assert open_run(run).info["training_focal"] == 100.0  # 50, twice as large, and 100
    assert open_run(run).info["b"]["taught_by"] is None
    wide.rename(tmp_path / "moved")
    again = taught(labels_of_b=LabelsOfB(store, 1.0), target_run=known, steps=1, overwrite=True)
    assert open_run(train(again)).info["training_focal"] == 100.0  # the store knows


def test_n2_is_not_written_over(taught, agreement):
    before = weights(agreement.n2)
    with pytest.raises(UserError, match=r"is or holds .*n2, which is read; choose another"):
        train(taught(out=agreement.n2, overwrite=True))
    assert same(weights(agreement.n2), before)
