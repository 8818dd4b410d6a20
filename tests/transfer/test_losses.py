"""Losses: the paper's to the number, and those behind a frozen D2."""

import pytest
import torch

from atdt.errors import UserError
from atdt.tasks import get_task
from atdt.training.load import load_task_network
from atdt.transfer.losses import LOSSES, Outcome, Teacher, check_losses


@pytest.fixture
def teacher(ground) -> Teacher:
    loaded = load_task_network(ground.n2)
    network = loaded.network
    return Teacher(network, loaded.task, network.levels[-1], (20, 28), "float32")


@pytest.fixture
def features(teacher) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    shape = (2, *teacher.network.feature_shape(None, teacher.size))
    return torch.randn(shape), torch.randn(shape)


def test_mse_is_the_mean_over_all_elements():
    made, target = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    found = LOSSES["mse"].of(Outcome(made, {"target": target}))
    assert float(found) == pytest.approx(float(((made - target) ** 2).sum() / made.numel()))


def test_features_are_compared_in_standard_units_by_what_says_so():
    made, target = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    scale = torch.tensor([1.0, 2.0, 10.0])[:, None, None]
    apart = ((made - target) / scale).abs()
    outcome = Outcome(made, {"target": target}, scale=scale)
    torch.testing.assert_close(LOSSES["normalised"].of(outcome), (apart**2).mean())
    huber = torch.where(apart < 1, apart**2 / 2, apart - 0.5).mean()
    torch.testing.assert_close(LOSSES["huber"].of(outcome), huber)
    plain = Outcome(made, {"target": target})
    torch.testing.assert_close(LOSSES["normalised"].of(plain), LOSSES["mse"].of(plain))


def test_cosine_asks_for_directions_alone():
    made, target = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    cosine = (made * target).sum(1) / (made.norm(dim=1) * target.norm(dim=1))
    found = LOSSES["cosine"].of(Outcome(made, {"target": target}))
    torch.testing.assert_close(found, 1 - cosine.mean())
    assert float(LOSSES["cosine"].of(Outcome(7 * target, {"target": target}))) == pytest.approx(
        0, abs=1e-6
    )


def test_matching_compares_the_outputs_of_d2(teacher, features):
    made, target = features
    outputs = [teacher.network.decode(f, size=teacher.size) for f in features]
    outcome = Outcome(made, {"target": target}, teacher.task, teacher)
    expected = {
        "match": (outputs[0] - outputs[1]).square().mean(),
        "match-l1": (outputs[0] - outputs[1]).abs().mean(),
    }
    for name, value in expected.items():
        torch.testing.assert_close(LOSSES[name].of(outcome), value)
    wanted = outputs[1].softmax(dim=1)
    logs = [output.log_softmax(dim=1) for output in outputs]
    divergence = (wanted * (logs[1] - logs[0])).sum(dim=1).mean()
    torch.testing.assert_close(LOSSES["match-kl"].of(outcome), divergence)


@pytest.mark.parametrize("name", ["match", "match-l1", "match-kl"])
def test_what_matches_costs_nothing(teacher, features, name):
    outcome = Outcome(features[0], {"target": features[0]}, teacher.task, teacher)
    assert float(LOSSES[name].of(outcome)) == pytest.approx(0, abs=1e-6)


def test_the_tasks_loss_is_that_of_d2_on_the_labels(teacher, features):
    label = torch.randint(0, 5, (2, 20, 28), dtype=torch.uint8)
    outcome = Outcome(features[0], {"label": label}, teacher.task, teacher)
    output = teacher.network.decode(features[0], size=(20, 28))
    expected = get_task("semantic").loss(output, label.long())
    torch.testing.assert_close(LOSSES["task"].of(outcome), expected)


@pytest.mark.parametrize("name", ["match", "match-l1", "match-kl", "task"])
def test_the_gradient_reaches_g_and_stops_at_n2(teacher, features, name):
    made = features[0].requires_grad_()
    label = torch.zeros(2, 20, 28, dtype=torch.uint8)
    outcome = Outcome(made, {"target": features[1], "label": label}, teacher.task, teacher)
    before = teacher.network.weights_digest("network")
    LOSSES[name].of(outcome).backward()
    assert made.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in teacher.network.parameters())
    assert teacher.network.weights_digest("network") == before


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"l2": 1.0}, "--loss l2=1.0: choose among mse, normalised"),
        ({"mse": 0}, "--loss mse=0: the weight must be a number above 0"),
        ({"mse": "much"}, "--loss mse=much"),
        ({"mse": True}, "--loss mse=True"),
        ({"mse": float("nan")}, "--loss mse=nan"),
        ({}, "no loss is given"),
    ],
)
def test_a_wrong_loss_is_named(weights, message):
    with pytest.raises(UserError, match=message):
        check_losses(weights)
