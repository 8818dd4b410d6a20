"""R from its run, and task networks that must agree with labels of another task."""

import json
import math
from dataclasses import replace

import pytest
import torch

from atdt.digests import sha256_file
from atdt.errors import MismatchError, RunError, UserError
from atdt.networks import NetworkSpec
from atdt.networks.cross_task import CrossTaskNetwork
from atdt.runs import INFO, create_run, open_run
from atdt.tasks import get_task
from atdt.training import (
    Auxiliary,
    ConsistencyTraining,
    TaskTraining,
    load_task_network,
    train_task,
)
from atdt.training.cross_task import (
    KIND,
    Agreement,
    consistency_error,
    load_cross_task,
    mean_of_labelled,
)
from atdt.training.learner import Learner
from tests.made_agreement import write_domain
from tests.made_kills import dying_after
from tests.run_contents import column

CLASSES = ["road", "sky", "vehicle", "other"]


@pytest.fixture(scope="session")
def r(tmp_path_factory):
    """A run of R from depth to classes, with drawn weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = CrossTaskNetwork(1, 4, get_task("depth").as_input)
    run = create_run(tmp_path_factory.mktemp("runs") / "r", KIND, {})
    run.finish(
        network.state_dict(),
        source={"task": "depth", "classes": []},
        target={"task": "semantic", "classes": CLASSES},
        in_channels=1,
        out_channels=4,
        options={"width": 8},
    )
    return run.path


@pytest.fixture(scope="session")
def b(tmp_path_factory):
    """A domain whose only labels are those of T1."""
    return write_domain(tmp_path_factory.mktemp("agreed") / "b", 5, depth=False)


@pytest.fixture(scope="session")
def a(tmp_path_factory):
    return write_domain(tmp_path_factory.mktemp("agreed") / "a", 6)


@pytest.fixture
def agreeing(a, b, r, tmp_path):
    standard = TaskTraining(
        task="depth",
        train=(a,),
        network=NetworkSpec("tiny", {}),
        out=tmp_path / "n2",
        steps=7,
        batch=3,
        learning_rate=1e-3,
        device="cpu",
        checkpoint_every=2,
        consistency=ConsistencyTraining(r, (b,), 0.5),
    )
    return lambda **changes: replace(standard, **changes)


def test_the_error_is_at_each_labelled_pixel_and_the_loss_its_mean(r):
    loaded = load_cross_task(r)
    output = torch.rand(2, 1, 16, 24)
    label = torch.randint(0, 4, (2, 16, 24), dtype=torch.uint8)
    label[0, :5] = 255
    error = consistency_error(loaded, output, label)
    assert error.shape == (2, 16, 24) and not error.requires_grad
    assert torch.equal(error.isnan(), label == 255)
    logits = loaded.network(output)
    expected = torch.nn.functional.cross_entropy(logits, label.long(), ignore_index=255)
    torch.testing.assert_close(mean_of_labelled(error), expected)
    torch.testing.assert_close(loaded.loss(output, loaded.target(None, label)), expected)


def test_without_a_label_the_loss_and_its_gradient_are_0(r):
    loaded, output = load_cross_task(r), torch.rand(1, 1, 8, 8, requires_grad=True)
    loss = loaded.loss(output, loaded.target(None, torch.full((1, 8, 8), 255)))
    loss.backward()
    assert loss.item() == 0 and not output.grad.any()


def test_the_gradient_passes_r_and_leaves_it_alone(r):
    loaded, output = load_cross_task(r), torch.rand(1, 1, 8, 8, requires_grad=True)
    loaded.loss(output, loaded.target(None, torch.zeros(1, 8, 8))).backward()
    assert output.grad.any()
    assert all(p.grad is None for p in loaded.network.parameters())


@pytest.mark.parametrize("task", ["edges", "disparity"])
def test_tasks_without_a_distance_are_refused(task):
    with pytest.raises(UserError, match=f"no cross-task network learns {task}"):
        Agreement(get_task(task))


@pytest.mark.parametrize(
    "changes",
    [
        {"out_channels": 5},
        {"in_channels": 10**12},
        {"options": {"width": 7}},
        {"options": {"width": 10**9}},
        {"options": {"width": "wide"}},
        {"options": {}},
        {"source": None},
        {"target": {"task": "semantic"}},
        {"target": {"task": "nonsense", "classes": []}},
    ],
)
def test_a_run_that_claims_what_its_weights_are_not_is_refused(r, tmp_path, changes):
    info = json.loads((r / INFO).read_text()) | changes
    (tmp_path / "weights.safetensors").write_bytes((r / "weights.safetensors").read_bytes())
    (tmp_path / INFO).write_text(json.dumps(info))
    with pytest.raises(UserError) as refusal:
        load_cross_task(tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_network_learns_to_agree_on_images_without_labels_of_its_task(agreeing, r, b):
    run = train_task(
        agreeing(
            steps=60,
            checkpoint_every=500,
            learning_rate=3e-3,
            photometric="none",
            consistency=ConsistencyTraining(r, (b,), 2.0),
        )
    )
    errors = column(run, "consistency_loss")
    assert sum(errors[-3:]) < sum(errors[:3]) - 0.1
    info = open_run(run).info
    assert [d["spec"] for d in info["domains"]["consistency"]] == [b]
    assert info["config"]["consistency"]["weight"] == 2
    assert info["config"]["digests"]["consistency"] == [
        d["digest"] for d in info["domains"]["consistency"]
    ]
    assert load_task_network(run).task.name == "depth"


def test_off_by_default_and_absent_from_the_config(agreeing):
    run = train_task(agreeing(consistency=None))
    info = open_run(run).info
    assert "consistency" not in info["config"] and "consistency" not in info["domains"]
    assert "consistency_loss" not in (run / "curves.csv").read_text()


def test_a_step_is_the_weighted_sum_of_both_losses(agreeing, r, b, monkeypatch):
    """The gradient of one step, from the network itself."""
    noted = {}
    learn = Learner.learn

    def noting(self, step, batches):
        noted.update(state={k: v.clone() for k, v in self.network.state_dict().items()})
        noted.update(batches=batches, losses=learn(self, step, batches))
        noted.update(gradients={n: p.grad.clone() for n, p in self.network.named_parameters()})
        noted.update(network=self.network)
        return noted["losses"]

    monkeypatch.setattr(Learner, "learn", noting)
    train_task(agreeing(steps=1))
    network, loaded = noted["network"], load_cross_task(r)
    network.load_state_dict(noted["state"])
    network.train().zero_grad()
    (own, other), depth = noted["batches"], get_task("depth")
    losses = [
        depth.loss(network(own.image), depth.target(None, own.label)),
        loaded.loss(network(other.image), loaded.target(None, other.label)),
    ]
    (losses[0] + 0.5 * losses[1]).backward()
    torch.testing.assert_close(noted["losses"], torch.stack(losses).detach())
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(noted["gradients"][name], parameter.grad, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("auxiliary", [False, True])
def test_a_training_that_is_cut_off_ends_with_the_same_bits(
    agreeing, a, b, tmp_path, monkeypatch, auxiliary
):
    second = Auxiliary("semantic", (a, b)) if auxiliary else None
    chosen = agreeing(auxiliary=second)
    whole = train_task(replace(chosen, out=tmp_path / "whole"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Learner, "learn", dying_after(5, KeyboardInterrupt)(Learner.learn))
        train_task(chosen)
    again = train_task(replace(chosen, resume=True))
    for name in ("weights.safetensors", "curves.csv"):
        assert sha256_file(whole / name) == sha256_file(again / name)
    names = ["loss", *(["auxiliary_loss"] if auxiliary else []), "consistency_loss"]
    assert all(math.isfinite(column(again, name)[0]) for name in names)


def test_mistakes_are_refused_before_anything_is_written(agreeing, r, b, a, make_domain, tmp_path):
    def refused(error, message, **changes):
        with pytest.raises(error, match=message):
            train_task(agreeing(**changes))
        assert not (agreeing().out / INFO).exists()

    refused(RunError, "give --consistency-train", consistency=ConsistencyTraining(r, (), 1.0))
    refused(RunError, "--consistency-weight -1", consistency=ConsistencyTraining(r, (b,), -1.0))
    refused(MismatchError, "reads depth, but --task semantic", task="semantic")
    refused(RunError, "not a run", consistency=ConsistencyTraining(tmp_path / "none", (b,), 1.0))
