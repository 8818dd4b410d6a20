"""Several Gs of one shape take a step as one, by `torch.func`: fewer kernels, each a larger one."""

from collections.abc import Hashable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from atdt.devices import precision_context
from atdt.transfer.cost import cost
from atdt.transfer.feed import Batch
from atdt.transfer.learner import Learner
from atdt.transfer.trainee import Trainee

AT_MOST = 8  # Gs in a stack: the features of all of them are held at once
# Multiply-accumulates of one G's forward pass of a batch, up to which a GPU has time for more than
# its kernels: on an H100 steps of 3e9 took half as long stacked, those of 6e10 a fifth longer
# (`python -m benchmarks stacking`).
SMALL = 1e10


def pays(trainee: Trainee) -> bool:
    """Whether this G is faster stacked than after others: where a GPU waits for the next kernel."""
    if trainee.learner.device.type != "cuda":
        return False
    price = cost(trainee.learner.network, trainee.setting.source_shape)
    return price.macs * trainee.config.batch <= SMALL


def stack_key(trainee: Trainee) -> Hashable | None:
    """What Gs of one setting must share to take a step as one; None: this one takes it alone.

    Learning rates, schedules, seeds and losses may differ. Alone remain heads, which have a decoder
    each, batch norm, whose statistics a step changes, and what sees B or draws noise; on a CPU also
    group norm, whose kernel there some versions of torch do not stack.
    """
    config, learner = trainee.config, trainee.learner
    alone = {_BatchNorm} if learner.device.type == "cuda" else {_BatchNorm, nn.GroupNorm}
    apart = config.is_head or config.consistency or config.feature_noise or config.mixup
    if apart or any(isinstance(module, tuple(alone)) for module in learner.network.modules()):
        return None
    options = learner.network.body.options
    options = options | {"standardise": learner.network.source_mean is not None}
    chosen = tuple(sorted((name, str(value)) for name, value in options.items()))
    return config.architecture, chosen, config.precision


def learn_stacked(learners: Sequence[Learner], step: int, batch: Batch) -> list[Tensor]:
    """Take the step that each would take alone, but for rounding.

    Args:
        learners: of Gs with the same `stack_key`, which all are at `step`.
        batch: `ready`.

    Returns:
        the losses of each before it, as `Learner.learn` gives them.
    """
    first = learners[0]
    own = [dict(learner.network.named_parameters()) for learner in learners]
    for learner in learners:
        learner.network.train()
    weights = {name: torch.stack([one[name] for one in own]) for name in own[0]}
    with precision_context(first.device, first.precision):
        network = partial(functional_call, first.network, args=(batch["source"],))
        made = vmap(network)(weights)
    losses = [g.losses(features, batch) for g, features in zip(learners, made, strict=True)]
    for learner in learners:
        learner.forget()
    torch.stack([of_one[0] for of_one in losses]).sum().backward()  # no G reaches another's weights
    for learner in learners:
        learner.move(step)
    return [of_one.detach() for of_one in losses]
