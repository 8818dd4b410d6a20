"""Learning rates, weights of losses, and what is measured."""

import pytest
import torch

from atdt.errors import NumericsError, RunError
from atdt.transfer.learner import Learner
from atdt.transfer.network import build_transfer

SHAPE = (3, 4, 4)


def learner(weights=None, *, schedule="polynomial", **changes) -> Learner:
    terms = {"steps": 100, "learning_rate": 0.1, "precision": "float32"} | changes
    network = build_transfer("linear", {}, SHAPE, SHAPE, seed=0)
    return Learner(
        network,
        weights or {"mse": 1.0},
        schedule=schedule,
        device=torch.device("cpu"),
        **terms,
    )


def batch(samples: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    source = torch.randn(samples, *SHAPE, generator=generator)
    return {"source": source.half(), "target": (2 * source + 1).half()}


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("polynomial", {0: 0.1, 50: 0.1 * 0.5**0.9, 99: 0.1 * 0.01**0.9}),
        ("cosine", {0: 0.1, 50: 0.05, 100: 0.0}),
    ],
)
def test_the_rate_falls_as_the_schedule_says(schedule, rates):
    found = learner(schedule=schedule)
    for step, rate in rates.items():
        assert found.rate(step) == pytest.approx(rate)


def test_a_step_is_adams_with_the_weighted_loss():
    found = learner({"mse": 3.0})
    twin = build_transfer("linear", {}, SHAPE, SHAPE, seed=0)
    adam = torch.optim.Adam(twin.parameters(), lr=0.1)
    data = batch()
    loss = torch.nn.functional.mse_loss(twin(data["source"].float()), data["target"].float())
    (3 * loss).backward()
    adam.step()
    assert found.learn(0, data).tolist() == pytest.approx([3 * loss.item()])
    torch.testing.assert_close(found.network.state_dict(), twin.state_dict())


def test_what_is_measured_does_not_depend_on_how_it_is_cut():
    found = learner()
    data = batch(samples=6)
    whole = found.measure([data])
    parts = found.measure({k: v[rows] for k, v in data.items()} for rows in (slice(4), slice(4, 6)))
    assert parts == pytest.approx(whole)
    with torch.no_grad():
        made = found.network(data["source"].float())
    target = data["target"].float()
    assert whole["loss"] == pytest.approx(float((made - target).square().mean()))
    spread = (target - target.mean(dim=(0, 2, 3), keepdim=True)).square().mean()
    assert whole["explained_variance"] == pytest.approx(1 - whole["loss"] / float(spread), rel=1e-4)


def test_measuring_changes_nothing():
    found = learner()
    before = found.final_weights()
    found.measure([batch()])
    assert all(torch.equal(before[name], value) for name, value in found.final_weights().items())


def test_a_measure_that_is_not_finite_is_an_error():
    data = batch()
    data["target"][0, 0, 0, 0] = float("inf")
    with pytest.raises(NumericsError, match="held-out loss is not finite"):
        learner().measure([data])


def test_a_restored_learner_takes_the_same_steps():
    one, two = learner(), learner()
    for step in range(3):
        one.learn(step, batch(seed=step))
    two.restore(one.tensors())
    for step in range(3, 6):
        assert one.learn(step, batch(seed=step)) == two.learn(step, batch(seed=step))
    assert all(
        torch.equal(value, two.final_weights()[name]) for name, value in one.final_weights().items()
    )


def test_a_checkpoint_of_another_network_is_refused():
    tensors = learner().tensors()
    tensors["weights.body.bias"] = torch.zeros(7)
    with pytest.raises(RunError, match="of another network"):
        learner().restore(tensors)
