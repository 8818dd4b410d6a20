"""Several Gs of one shape take a step as one, by `torch.func`: fewer kernels, each a larger one."""

from collections.abc import Hashable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from atdt.devices import precision_context
from atdt.transfer.feed import Batch
from atdt.transfer.learner import Learner
from atdt.transfer.trainee import Trainee

AT_MOST = 8  # Gs in a stack: the features of all of them are held at once


def stack_key(trainee: Trainee) -> Hashable | None:
    """What Gs of one setting must share to take a step as one; None: this one takes it alone.

    Learning rates, schedules, seeds and losses may differ. Alone remain heads, which have a decoder
    each, batch norm, whose statistics a step changes, and what sees B or draws noise.
    """
    config, network = trainee.config, trainee.learner.network
    apart = config.is_head or config.consistency or config.feature_noise or config.mixup
    if apart or any(isinstance(module, _BatchNorm) for module in network.modules()):
        return None
    options = tuple(sorted((name, str(value)) for name, value in network.body.options.items()))
    standardised = network.source_mean is not None
    return config.architecture, options, standardised, config.precision


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
