"""What learns: G or a head, its losses and Adam."""

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from atdt.adam import Adam
from atdt.devices import precision_context
from atdt.errors import NumericsError, RunError
from atdt.ranks import ALONE, Ranks
from atdt.tasks.base import Task
from atdt.transfer.feed import B_LABEL, Batch
from atdt.transfer.held_out import ExplainedVariance
from atdt.transfer.losses import LOSSES, Outcome, Teacher
from atdt.transfer.network import TransferNetwork
from atdt.transfer.on_b import Agreeing
from atdt.transfer.perturbation import Perturbation

POWER = 0.9  # of the polynomial decay, as the paper's code


class Learner:
    """Adam (β 0.9, 0.999) over a weighted sum of losses.

    Args:
        network: a `TransferNetwork` or a `Head`.
        weights: of the losses, by name.
        teacher: N2, where a loss needs it; None for a head.
        task, size: what a network's own output is held against (a head's is T2), and the (height,
            width) that a head's is cropped to; None for a G.
        steps, learning_rate, schedule: of the decay from `learning_rate` to 0.
        device, precision: see `atdt.devices`.
        target_scale: (C2,) what losses that are normalised divide by; None: nothing.
        perturbation: of what is learnt from; None: nothing is perturbed.
        agreeing: the loss on B, where there is one.
        ranks: that learn together, each from its part of every batch.
        whole: samples of the batch of a step, which several ranks need.
    """

    def __init__(
        self,
        network: nn.Module,
        weights: Mapping[str, float],
        *,
        teacher: Teacher | None = None,
        task: Task | None = None,
        size: tuple[int, int] | None = None,
        steps: int,
        learning_rate: float,
        schedule: str,
        device: torch.device,
        precision: str,
        target_scale: Tensor | None = None,
        perturbation: Perturbation | None = None,
        agreeing: Agreeing | None = None,
        ranks: Ranks = ALONE,
        whole: Callable[[int], int] | None = None,
    ):
        network = ranks.normalised_together(network)
        # On a CPU a tenth faster in float32 and a third in bfloat16 (measured at 128×12×24).
        self.network = network.to(device, memory_format=torch.channels_last)
        self.weights = dict(weights)
        self.device = device
        self.precision = precision
        self.teacher = teacher
        self.agreeing = agreeing
        self._ranks, self._whole = ranks, whole
        self._task = teacher.task if teacher else task
        self._size = size
        self._scale = None if target_scale is None else target_scale.to(device)[:, None, None]
        self._perturbation = perturbation
        self._steps = steps
        self._learning_rate = learning_rate
        self._schedule = schedule
        self._adam = Adam(dict(network.named_parameters()))

    @property
    def names(self) -> tuple[str, ...]:
        """Of what `learn` gives: the sum, and its terms where there are several."""
        terms = (*self.weights, *([self.agreeing.name] if self.agreeing else []))
        return ("loss", *(terms if len(terms) > 1 else ()))

    def rate(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        done = step / self._steps
        if self._schedule == "cosine":
            return self._learning_rate * (1 + math.cos(math.pi * done)) / 2
        return self._learning_rate * (1 - done) ** POWER

    def learn(self, step: int, batch: Batch) -> Tensor:
        """Take one step.

        Returns:
            the losses before it, by `names`, (names,) float32 on the device, so that nobody waits.
        """
        self.network.train()
        self._ranks.draw_apart(step)
        batch = self.ready(batch)
        whole = len(batch["source"]) if self._ranks.alone else self._whole(step)
        weight = self._ranks.weight(whole)
        outcome, mixed = self._learnt_from(step, batch, whole)
        terms = self._terms(outcome, mixed)
        on_b = None if self.agreeing is None else self.agreeing.loss(self.network, batch)
        if not self._ranks.alone:
            terms = terms * self._shares(outcome, weight)
            if on_b is not None:
                on_b = on_b * self._ranks.share(self.agreeing.labelled(batch))
        losses = self._summed(terms, on_b)
        self.forget()
        losses[0].backward()
        losses = losses.detach()
        self._ranks.meet(self.network, losses, weight)
        self.move(step)
        return losses

    def losses(self, made: Tensor, batch: Batch) -> Tensor:
        """The losses on A, by `names`, of features that the network made of a `ready` batch."""
        return self._summed(self._terms(self._judged(made, batch)), None)

    def forget(self) -> None:
        """Drop the gradients of the step before."""
        self._adam.zero_grad()

    def move(self, step: int) -> None:
        """Move the weights by their gradients, at the rate of that step."""
        self._adam.step(self.rate(step))

    @torch.no_grad()
    def measure(
        self, batches: Iterable[Batch], on_b: Iterable[Batch] = ()
    ) -> dict[str, float | None]:
        """Mean losses by `names` and, of a G, "explained_variance", over batches of any sizes.

        Args:
            on_b: those that the loss on B is measured over; without any, it is no part of the sum.

        Raises:
            NumericsError: a loss is not finite.
        """
        self.network.eval()
        sums = torch.zeros(len(self.names), dtype=torch.float64, device=self.device)
        variance, count = ExplainedVariance(), 0
        later = None if self.agreeing is None else torch.zeros((), device=self.device)
        for batch in batches:
            outcome = self._outcome(self.ready(batch))
            samples = len(outcome.made)
            sums += self._summed(self._terms(outcome), later).double() * samples
            count += samples
            if self._size is None and "target" in batch:
                variance.add(outcome.made, outcome.target)
        if not self._ranks.alone:  # each has measured its own batches
            total = sums.new_tensor(count)
            self._ranks.add_up([sums, total])
            count = int(total)
            variance.add_up(self._ranks)
        found = dict(zip(self.names, (sums / count).tolist(), strict=True))
        if self.agreeing is not None:
            found |= self._measured_on_b(found["loss"], on_b)
        if not all(value is None or math.isfinite(value) for value in found.values()):
            raise NumericsError("the held-out loss is not finite: try a lower --learning-rate")
        return found | ({"explained_variance": variance.value()} if variance.seen else {})

    def _measured_on_b(self, on_a: float, batches: Iterable[Batch]) -> dict[str, float | None]:
        """The loss on B and the sum with it; None, and the sum as it was, without a sample."""
        total, count = 0.0, 0
        for batch in map(self.ready, batches):
            total += float(self.agreeing.loss(self.network, batch)) * len(batch[B_LABEL])
            count += len(batch[B_LABEL])
        total, count = map(sum, zip(*self._ranks.gathered((total, count)), strict=True))
        if not count:
            return {self.agreeing.name: None}
        return {
            "loss": on_a + self.agreeing.weight * total / count,
            self.agreeing.name: total / count,
        }

    def squares_of(self, network: TransferNetwork) -> Tensor | None:
        """(C2,) what the losses weigh squared errors of each channel with, in the units that
        `network` standardises to, but for a factor; None: they measure something else."""
        known = [LOSSES[name].squares for name in self.weights]
        if self.agreeing is not None or None in known:
            return None
        unit = torch.ones(network.target[0], device=self.device)
        own = unit if network.target_scale is None else network.target_scale.flatten()
        scale = unit if self._scale is None else self._scale.flatten()
        return (
            sum(w * of(scale) for w, of in zip(self.weights.values(), known, strict=True)) * own**2
        )

    def tensors(self) -> dict[str, Tensor]:
        """All that the next step depends on but for the batch: weights and moments."""
        found = {f"weights.{name}": value for name, value in self.network.state_dict().items()}
        return found | self._adam.tensors()

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors()` gave, to the bit.

        Raises:
            RunError: the tensors are of another network.
        """
        prefix = "weights."
        saved = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        own = self.network.state_dict()
        if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in saved.items()}:
            raise RunError("the checkpoint is of another network; start again with --overwrite")
        self.network.load_state_dict(saved)
        self._adam.restore(tensors)

    def final_weights(self) -> dict[str, Tensor]:
        """The network's weights and statistics, copied to the CPU."""
        return {n: t.detach().to("cpu", copy=True) for n, t in self.network.state_dict().items()}

    def _learnt_from(self, step: int, batch: Batch, whole: int) -> tuple[Outcome, Outcome | None]:
        """What the network makes of a batch of training, and of mixtures of its samples."""
        perturbation = self._perturbation
        if perturbation is None:
            return self._outcome(batch), None
        mixed = None
        if perturbation.mixup:
            mixtures = perturbation.mixed(step, batch)
            mixed = self._outcome(perturbation.noisy(step, mixtures, whole))
            if not any(LOSSES[name].label for name in self.weights):
                return mixed, None
        return self._outcome(perturbation.noisy(step, batch, whole)), mixed

    def _outcome(self, batch: Batch) -> Outcome:
        """Of a batch that is `ready`."""
        size = {"size": self._size} if self._size else {}
        with precision_context(self.device, self.precision):
            made = self.network(batch["source"], **size)
        return self._judged(made, batch)

    def _judged(self, made: Tensor, batch: Batch) -> Outcome:
        return Outcome(made.float(), batch, self._task, self.teacher, self._scale)

    def _terms(self, outcome: Outcome, mixed: Outcome | None = None) -> Tensor:
        """The losses on A in the order of `weights`: of `mixed`, where there is one, but for those
        that need labels, which it has not."""
        asked = {name: LOSSES[name] for name in self.weights}
        used = [outcome if mixed is None or loss.label else mixed for loss in asked.values()]
        return torch.stack([loss.of(o) for loss, o in zip(asked.values(), used, strict=True)])

    def _shares(self, outcome: Outcome, samples: float) -> Tensor:
        """What the terms must be multiplied by, so that those of all ranks add up; `samples` of
        those that are means over samples."""
        of_samples = outcome.made.new_tensor(samples)
        return torch.stack(
            [
                self._ranks.share(outcome.labelled) if LOSSES[name].label else of_samples
                for name in self.weights
            ]
        )

    def _summed(self, terms: Tensor, on_b: Tensor | None) -> Tensor:
        """The losses by `names`."""
        total = (terms * terms.new_tensor(list(self.weights.values()))).sum()
        if on_b is not None:
            total = total + self.agreeing.weight * on_b
            terms = torch.cat([terms, on_b[None]])
        return torch.stack([total, *(terms if len(terms) > 1 else ())])

    def ready(self, batch: Batch) -> Batch:
        """A batch on the device, features in float32 and channels last; it can be given again."""
        features = {"dtype": torch.float32, "memory_format": torch.channels_last}
        return {
            name: array.to(self.device, **({} if name in ("label", B_LABEL) else features))
            for name, array in batch.items()
        }
