"""Steps of several Gs as one: what each would have learnt alone, and who may take part."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from atdt.transfer import TransferTraining
from atdt.transfer.architectures import ARCHITECTURES
from atdt.transfer.config import Consistency
from atdt.transfer.cost import cost
from atdt.transfer.learner import Learner
from atdt.transfer.network import Standard, build_transfer
from atdt.transfer.stacked import SMALL, learn_stacked, pays, stack_key

SOURCE, TARGET = (6, 8, 8), (4, 8, 8)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
NOT_HERE = ("identity", "paper", "d4")  # nothing to learn, and six at once take gigabytes
# Those that take steps; of each norm one that draws no statistics of a training.
SHAPES = [
    *((n, {}) for n, known in ARCHITECTURES.items() if not known.closed_form and n not in NOT_HERE),
    ("bottleneck", {"norm": "group", "width": 32}),
    ("residual", {"norm": "instance", "activation": "gelu"}),
    ("bottleneck", {"standardise": False}),
]


def standard(channels: int) -> Standard:
    return Standard(torch.arange(channels) / 4, 1 + torch.arange(channels) / 8)


def learners(name, options, device="cpu", precision="float32") -> list[Learner]:
    return [
        Learner(
            build_transfer(
                name, options, SOURCE, TARGET, standard(SOURCE[0]), standard(TARGET[0]), seed=seed
            ),
            weights,
            steps=10,
            learning_rate=rate,
            schedule=schedule,
            device=torch.device(device),
            precision=precision,
            target_scale=standard(TARGET[0]).scale,
        )
        for seed, (rate, schedule, weights) in enumerate(
            [
                (1e-2, "polynomial", {"mse": 1.0}),
                (3e-3, "cosine", {"normalised": 1.0}),
                (1e-2, "polynomial", {"cosine": 2.0, "huber": 0.5}),
            ]
        )
    ]


def batch(step: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    source = torch.randn(5, *SOURCE, generator=generator)
    return {"source": source.half(), "target": torch.randn(5, *TARGET, generator=generator).half()}


@pytest.mark.parametrize(
    ("name", "options", "device"),
    [
        (name, options, device)
        for device in DEVICES
        for name, options in SHAPES
        if (name, device) != ("attention", "cpu")  # has a group norm, see `stack_key`
    ],
)
def test_each_learns_what_it_learns_alone(name, options, device):
    together, alone = (learners(name, options, device) for _ in range(2))
    begun = [one.final_weights() for one in together]
    told = learn_stacked(together, 0, together[0].ready(batch(0)))
    for own, learner in zip(told, alone, strict=True):
        torch.testing.assert_close(own, learner.learn(0, batch(0)), rtol=1e-4, atol=1e-5)
    for one, other, before in zip(together, alone, begun, strict=True):
        found, wanted = gradients(one), gradients(other)
        close = 1e-4 * max(float(gradient.abs().max()) for gradient in wanted.values())
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=close)
        after = one.final_weights()
        assert [n for n in found if torch.equal(after[n], before[n])] == [
            n for n, gradient in found.items() if not gradient.any()
        ]
    for step in range(1, 4):  # Adam makes much of rounding where a gradient is all but 0
        for own, learner in zip(
            learn_stacked(together, step, together[0].ready(batch(step))), alone, strict=True
        ):
            torch.testing.assert_close(own, learner.learn(step, batch(step)), rtol=2e-2, atol=1e-3)


def gradients(learner: Learner) -> dict[str, torch.Tensor]:
    """Of the latest step; None would be a weight that it did not reach."""
    return {name: weight.grad for name, weight in learner.network.named_parameters()}


def test_a_loss_that_is_not_finite_is_one_gs_own():
    together, alone = (learners("bottleneck", {}) for _ in range(2))
    with torch.no_grad():
        next(together[1].network.parameters()).fill_(float("nan"))
    told = learn_stacked(together, 0, together[0].ready(batch(0)))
    assert [bool(own.isfinite().all()) for own in told] == [True, False, True]
    for one in (0, 2):
        alone[one].learn(0, batch(0))
        moved, wanted = together[one].final_weights(), alone[one].final_weights()
        torch.testing.assert_close(moved, wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
def test_bfloat16(device):
    together, alone = (learners("bottleneck", {}, device, "bfloat16") for _ in range(2))
    for step in range(2):
        told = learn_stacked(together, step, together[0].ready(batch(step)))
        for own, learner in zip(told, alone, strict=True):
            assert own.dtype == torch.float32
            torch.testing.assert_close(own, learner.learn(step, batch(step)), rtol=2e-2, atol=1e-2)


def key(name="bottleneck", options=None, **changes):
    of = {"architecture": name, "options": options or {}, **changes}
    config = TransferTraining("a.zarr", "depth", "semantic", "out", **of)
    (first, *_) = learners("linear" if name == "head" else name, config.options)
    return stack_key(config, first.network, torch.device("cpu"))


def test_those_of_one_shape_go_together():
    same = [
        key(),
        key(seed=3, learning_rate=0.1, steps=5, schedule="cosine"),
        key(options={"blocks": 2}),  # the default
        key(losses={"cosine": 1.0}),
    ]
    assert len(set(same)) == 1
    others = [
        key(options={"activation": "relu"}),
        key(options={"width": 2}),
        key(options={"standardise": False}),
        key(precision="bfloat16"),
        key("residual"),
    ]
    assert len({same[0], *others}) == 1 + len(others)


@pytest.mark.parametrize(
    "changes",
    [
        {"options": {"norm": "batch"}},
        {"feature_noise": 0.1},
        {"mixup": 0.2},
        {"consistency": Consistency("r", "b.zarr", 1.0)},
        {"name": "head"},
        {"name": "ridge"},
        {"name": "attention"},  # on a CPU
    ],
)
def test_who_steps_alone(changes):
    assert key(**changes) is None


def test_attention_is_stacked_on_a_gpu():
    config = TransferTraining("a.zarr", "depth", "semantic", "out", architecture="attention")
    (first, *_) = learners("attention", {})
    assert stack_key(config, first.network, torch.device("cuda")) is not None


def test_small_gs_are_stacked_unasked():
    config, setting = (
        TransferTraining("a.zarr", "depth", "semantic", "out"),
        SimpleNamespace(source_shape=SOURCE),
    )
    (first, *_) = learners("bottleneck", {})
    assert pays(config, setting, first.network)
    most = int(SMALL / cost(first.network, SOURCE).macs)
    assert pays(replace(config, batch=most), setting, first.network)
    assert not pays(replace(config, batch=most + 1), setting, first.network)
