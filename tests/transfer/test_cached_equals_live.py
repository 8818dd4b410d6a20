"""G trained on cached features equals G trained on features computed on the fly, batch for batch.

The bound for float16: a stored value is within 2⁻¹¹ of the live one, relatively (or within 2⁻²⁵
where it is subnormal). For the root mean square R = √loss of a G that is a linear map with spectral
norm ‖G‖, the triangle inequality gives |R(cached) − R(live)| ≤ 2⁻¹¹ (‖G‖ rms(x) √(C1/C2) + rms(y)).
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from atdt.domains import open_domain
from atdt.extract.samples import Samples
from atdt.training.load import load_task_network
from atdt.transfer.building import build
from atdt.transfer.feed import Batch, ResidentFeed
from atdt.transfer.order import epoch_order
from atdt.transfer.setting import prepare
from atdt.transfer.trainee import build_learner
from atdt.transfer.training import batches

CPU = torch.device("cpu")
STEPS = 25
ROUNDING = 2.0**-11
SUBNORMAL = 2.0**-25


class LiveFeed:
    """Runs both encoders on the views of each batch, as the original does at every step."""

    def __init__(self, ground):
        self.samples = Samples(open_domain(ground.domain), ground.plan)
        self.networks = {
            "source": load_task_network(ground.n1).network,
            "target": load_task_network(ground.n2).network,
        }

    def batches(self, epoch, first: int = 0) -> Iterator[Batch]:
        for indices in epoch.indices(first):
            yield self.batch(indices)

    def batch(self, indices: np.ndarray) -> Batch:
        views = [self.samples.read(int(i), int(i) + 1, True, ()).images for i in indices]
        images = torch.from_numpy(np.concatenate(views))
        with torch.inference_mode():
            found = {name: network.encode(images) for name, network in self.networks.items()}
        return {name: features.clone() for name, features in found.items()}


def losses(config, setting, feed) -> list[float]:
    """The loss of every step of a training that is fed by `feed`."""
    learner = build_learner(config, setting, build(config, setting), CPU)
    fed = batches(feed, setting, config.seed, 0, STEPS)
    return [float(learner.learn(step, batch)[0]) for step, batch in enumerate(fed)]


@pytest.mark.parametrize("architecture", ["linear", "bottleneck", "paper"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float16", 2.0**-9)])
def test_every_step_has_the_same_loss(config, ground, architecture, dtype, tolerance):
    store = ground.extracted(dtype, dtype=dtype, labels=())
    options = {} if architecture == "linear" else {"width": 8}
    chosen = config(store=store, architecture=architecture, options=options, steps=STEPS)
    setting = prepare(chosen)
    with ResidentFeed(setting.readers, CPU, CPU) as feed:
        cached = losses(chosen, setting, feed)
    live = losses(chosen, setting, LiveFeed(ground))
    assert len(cached) == STEPS
    np.testing.assert_allclose(cached, live, rtol=tolerance)
    assert abs(live[-1] - live[0]) > 10 * tolerance * live[0], "nothing was learnt"


def test_the_rounding_of_float16_stays_within_its_bound(config, ground):
    store = ground.extracted("float16", dtype="float16", labels=())
    chosen = config(store=store, architecture="linear", options={"standardise": False})
    setting = prepare(chosen)
    network = build(chosen, setting)
    weight = network.body.weight.detach()[:, :, 0, 0]
    norm = float(torch.linalg.matrix_norm(weight, ord=2))
    live = LiveFeed(ground)
    order = epoch_order(0, 0, setting.geometry, setting.held_out.kept)
    with ResidentFeed(setting.readers, CPU, CPU) as feed, torch.no_grad():
        for cached, indices in zip(feed.batches(order), order.indices(), strict=True):
            true = live.batch(indices)
            errors = [
                (network(batch["source"].float()) - batch["target"].float()).square().mean().sqrt()
                for batch in (cached, true)
            ]
            x, y = (true[name].square().mean().sqrt() for name in ("source", "target"))
            widths = (setting.source_shape[0] / setting.target_shape[0]) ** 0.5
            bound = ROUNDING * (norm * widths * x + y) + SUBNORMAL * (norm * widths + 1)
            assert abs(errors[0] - errors[1]) <= bound + 1e-6 * errors[1]
            assert not torch.equal(cached["source"].float(), true["source"])
