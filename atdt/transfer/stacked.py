"""Several Gs of one shape take a step as one, by `torch.func`: fewer kernels, each a larger one."""

from collections.abc import Hashable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from atdt.devices import precision_context
from atdt.transfer.config import TransferTraining
from atdt.transfer.cost import cost
from atdt.transfer.feed import Batch
from atdt.transfer.learner import Learner
from atdt.transfer.setting import Setting

AT_MOST = 8  # Gs in a stack: the features of all of them are held at once
# Multiply-accumulates of one G's forward pass of a batch, up to which launching kernels takes
# longer than computing them; between the two that were measured on an H100: steps of 3e9 took half
# as long stacked, those of 6e10 a fifth longer (`python -m benchmarks stacking`).
SMALL = 1e10


def pays(config: TransferTraining, setting: Setting, network: nn.Module) -> bool:
    """Whether a G is faster stacked than after others on a GPU; `network` may be a sketch of it."""
    return cost(network, setting.source_shape).macs * config.batch <= SMALL


def stack_key(
    config: TransferTraining, network: nn.Module, device: torch.device
) -> Hashable | None:
    """What Gs of one setting must share to take a step as one; None: this one takes it alone.

    Learning rates, schedules, seeds and losses may differ. Alone remain heads, which have a decoder
    each, what takes no steps, batch norm, whose statistics a step changes, and what sees B or draws
    noise; on a CPU also group norm, whose kernel there some versions of torch do not stack.
    """
    norms = (_BatchNorm,) if device.type == "cuda" else (_BatchNorm, nn.GroupNorm)
    apart = config.is_head or config.is_solved or config.on_b
    apart = apart or config.feature_noise or config.mixup
    if apart or any(isinstance(module, norms) for module in network.modules()):
        return None
    options = network.body.options | {"standardise": network.source_mean is not None}
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
        learner.forget()
    weights = {name: torch.stack([one[name] for one in own]) for name in own[0]}
    with precision_context(first.device, first.precision):
        network = partial(functional_call, first.network, args=(batch["source"],))
        made = vmap(network)(weights)
    features = [of_one.detach().requires_grad_() for of_one in made]
    losses = []
    for learner, leaf in zip(learners, features, strict=True):
        found = learner.losses(leaf, batch)
        found[0].backward()  # at once: what D2 holds for a loss behind it is held for one G
        losses.append(found.detach())
    made.backward(torch.stack([leaf.grad for leaf in features]))
    for learner in learners:
        learner.move(step)
    return losses
