"""How outputs of several networks become one output."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from atdt.tasks.base import Task

TEMPERATURE = 6.0  # of D4's released notebook (combine_methods.ipynb)
FIT_STEPS = 50

Way = Callable[[list[Tensor]], Tensor]


def mean(outputs: list[Tensor]) -> Tensor:
    """The mean of outputs (C, h, w) each."""
    return torch.stack(outputs).mean(dim=0)


def tempered(weights: Tensor, temperature: float = TEMPERATURE) -> Way:
    """D4's way for two networks (Cardace et al., WACV 2022; their code): the sum of two flattened
    softmaxes, each weighed by its own first choice.

    Args:
        weights: (C,) of the first network's choices, 0 to 1; the second has 1 − weights. There, 1
            for the rarest class of A and little for frequent ones, which is what `rarity` gives.
        temperature: of both.

    Returns:
        a way whose outputs are logarithms, so that they are logits again.
    """

    def merged(outputs: list[Tensor]) -> Tensor:
        first, second = ((output / temperature).softmax(dim=0) for output in outputs)
        trust = weights.to(first)
        summed = trust[first.argmax(dim=0)] * first + (1 - trust)[second.argmax(dim=0)] * second
        return summed.clamp(min=torch.finfo(summed.dtype).tiny).log()

    return merged


def rarity(counts: Tensor) -> Tensor:
    """Inverse frequencies of classes over the largest of them, 0 to 1; 0 for a class that is not
    there. The originals' weights are not released: this is our reading.

    Args:
        counts: (C,) pixels of each class.
    """
    inverse = torch.where(counts > 0, counts.sum() / counts.clamp(min=1), 0.0)
    return inverse / inverse.max().clamp(min=torch.finfo(inverse.dtype).tiny)


def weighed(weights: Sequence[float], shift: float = 0.0) -> Way:
    """Σ weights · outputs + shift. The sum of the weights is also a temperature: what is learnt for
    them calibrates."""

    def merged(outputs: list[Tensor]) -> Tensor:
        return sum((w * o for w, o in zip(weights, outputs, strict=True)), start=shift)

    return merged


def fit(
    examples: Sequence[tuple[list[Tensor], Tensor]], task: Task
) -> tuple[tuple[float, ...], float]:
    """Weights and shift under which the task's own loss on examples is smallest.

    Args:
        examples: by image the outputs (C, h, w) of each network, and `Task.target`'s (1, …).
        task: T2.

    Returns:
        a weight for each network, and a shift, which tasks with classes have no use for.
    """
    count = len(examples[0][0])
    weights = torch.full((count,), 1 / count, requires_grad=True)
    shift = torch.zeros(1, requires_grad=task.label != "semantic")
    learnt = [weights, *([shift] if shift.requires_grad else [])]
    optimiser = torch.optim.LBFGS(learnt, max_iter=FIT_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        total = torch.zeros(())
        for outputs, target in examples:
            made = torch.einsum("k,kchw->chw", weights, torch.stack(outputs)) + shift
            one = task.loss(made[None], target) / len(examples)
            one.backward()
            total += one.detach()
        return total

    optimiser.step(loss)
    return tuple(weights.detach().tolist()), float(shift.detach())
