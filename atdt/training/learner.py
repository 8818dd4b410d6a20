"""What learns: task networks over the same encoder, and their optimiser."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

import torch
from torch import nn

from atdt.adam import Adam
from atdt.devices import precision_context
from atdt.errors import RunError
from atdt.networks import TaskNetwork, build_network
from atdt.ranks import ALONE, Ranks
from atdt.tasks.base import counted
from atdt.training.batches import Batch
from atdt.training.config import TaskTraining
from atdt.training.discrepancy import Discrepancy
from atdt.training.further import Auxiliary, Teaching
from atdt.training.load import decoder_tensors, start_encoder, take_decoder
from atdt.training.material import Study
from atdt.training.teaching import Teacher
from atdt.training.weights import fill

POWER = 0.9  # of the polynomial decay, as the paper's code


class Objective(Protocol):
    """What a network's output is held against: a `Task`, or a `CrossTask` that reads it."""

    def target(self, image: torch.Tensor | None, label: torch.Tensor | None) -> torch.Tensor:
        """See `Task.target`."""
        ...

    def valid(self, target: torch.Tensor, channels: int) -> torch.Tensor:
        """See `Task.valid`."""
        ...

    def loss(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """See `Task.loss`."""
        ...


@dataclass(frozen=True)
class Branch:
    """An objective, the network that learns it, the weight of its loss, and its name.

    The networks of several branches share their stages: one encoder, several decoders. A frozen
    decoder stays as it is and passes gradients on. The branch of a `CrossTask` has the main network
    itself.
    """

    objective: Objective
    network: TaskNetwork
    weight: float = 1.0
    name: str = "loss"
    frozen: bool = False

    def loss(self, batch: Batch, precision: AbstractContextManager, ranks: Ranks) -> torch.Tensor:
        """The objective's loss on a batch, in training mode; of several ranks this one's part."""
        self.network.train()
        if self.frozen:
            self.network.decoder.eval()
        with torch.no_grad():
            target = self.objective.target(batch.clean, batch.label)
        with precision:
            output = self.network(batch.image)
        weight = () if batch.weight is None else (batch.weight,)
        loss = self.objective.loss(output.float(), target, *weight)
        if ranks.alone:
            return loss
        valid = self.objective.valid(target, output.shape[1])
        return loss * ranks.share(counted(valid, batch.weight))


class Learner:
    """Adam (β 0.9, 0.999) with polynomial decay over the branches' losses.

    Args:
        branches: the main task first.
        discrepancy: a further term, between the features of two domains.
        keep_auxiliary: give the other branches' decoders with the weights.
        steps: at which the learning rate reaches 0.
        learning_rate: at step 0.
        device, precision: see `atdt.devices`.
        channels_last: lay out images and filters that way; faster wherever convolutions dominate.
        teaching: how the main task learns from predictions; None: as from labels.
        seed: of what `teaching` draws.
        ranks: that learn together, each from its part of every batch.
    """

    def __init__(
        self,
        branches: Sequence[Branch],
        *,
        discrepancy: Discrepancy | None = None,
        keep_auxiliary: bool = False,
        steps: int,
        learning_rate: float,
        device: torch.device,
        precision: str,
        channels_last: bool,
        teaching: Teaching | None = None,
        seed: int = 0,
        ranks: Ranks = ALONE,
    ):
        precision_context(device, precision)  # an unknown precision is an error now
        self.branches = branches
        self.network = branches[0].network
        self.device = device
        self.precision = precision
        self.ranks = ranks
        self._seed = seed
        self._terms = [*branches, *filter(None, [discrepancy])]
        self._keep_auxiliary = keep_auxiliary
        self._steps = steps
        self._learning_rate = learning_rate
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        # One module over all that learns, so that each tensor has one name.
        self._all = nn.ModuleDict({"main": self.network})
        self._auxiliaries = [each for each in branches[1:] if each.network is not self.network]
        for branch in self._auxiliaries:
            self._all[f"auxiliary_{branch.objective.name}"] = branch.network.decoder
        ranks.normalised_together(self._all)
        for branch in branches:
            branch.network.to(device, memory_format=self._format)
        self._adam = Adam(dict(self._all.named_parameters()))
        self._teacher = teaching and Teacher(
            teaching, branches[0].objective, self.network, steps=steps, seed=seed
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of what `learn` gives, as the curves call them."""
        return tuple(term.name for term in self._terms)

    def rate(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        return self._learning_rate * (1 - step / self._steps) ** POWER

    def learn(self, step: int, batches: Sequence[Batch]) -> torch.Tensor:
        """Take one step on one batch a branch, and one more for a discrepancy.

        Returns:
            their losses by `names`, before the step and without their weights, (losses,) float32
            on the device, so that nobody waits for them.
        """
        self._adam.zero_grad()
        self.ranks.draw_apart(self._seed, step)
        losses = []
        for term, batch in zip(self._terms, batches, strict=True):
            batch = batch.to(self.device, self._format)
            if self._teacher is not None and batch.taught is not None:
                with precision_context(self.device, self.precision):
                    batch = self._teacher.lesson(step, batch)
            loss = term.loss(batch, precision_context(self.device, self.precision), self.ranks)
            (term.weight * loss).backward()
            losses.append(loss.detach())
        losses = torch.stack(losses)
        self.ranks.meet(self._all, losses, 1 / self.ranks.launch.size)
        self._adam.step(self.rate(step))
        if self._teacher is not None:
            self._teacher.follow(self.network)
        return losses

    def start_alike(self) -> None:
        """Give all ranks the first one's weights."""
        self.ranks.start_alike(self._all)

    def weights(self) -> dict[str, torch.Tensor]:
        """What the run is to hold, copied to the CPU: the main task network's weights and
        statistics, and the other decoders where they are kept."""
        found = dict(self.network.state_dict())
        for branch in self._auxiliaries if self._keep_auxiliary else ():
            found |= decoder_tensors(branch.objective, branch.network.decoder)
        return {name: tensor.detach().to("cpu", copy=True) for name, tensor in found.items()}

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that the next step depends on but for the batches: weights, moments, random state."""
        found = {f"weights.{name}": tensor for name, tensor in self._all.state_dict().items()}
        found |= self._adam.tensors()
        if self._teacher is not None:
            found |= self._teacher.tensors()
        found["random.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            found["random.cuda"] = torch.cuda.get_rng_state(self.device)
        return found

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take over what `tensors()` gave, to the bit.

        Raises:
            RunError: the tensors are of another network.
        """
        prefix = "weights."
        weights = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        try:
            fill(self._all, weights)
        except ValueError as error:
            raise RunError(f"the checkpoint is of another network: {error}") from None
        self._adam.restore(tensors)
        if self._teacher is not None:
            self._teacher.restore(tensors)
        torch.set_rng_state(tensors["random.cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.cuda"], self.device)


def build_learner(
    config: TaskTraining, studies: Sequence[Study], device: torch.device, ranks: Ranks = ALONE
) -> Learner:
    """The network or networks of a training, with their initial weights.

    Raises:
        NetworkError: the network cannot be built, or has skips and no features to compare.
        RunError: a run that is started from is not of the same architecture, or has no such
            decoder.
    """
    branches: list[Branch] = []
    for study, auxiliary in zip_longest(studies, (None, *config.auxiliaries)):
        if study.cross_task is not None:
            objective = study.cross_task.on(device, config.precision)
            branches.append(
                Branch(objective, branches[0].network, study.weight, "consistency_loss")
            )
            continue
        network = build_network(
            config.network,
            study.task.channels(study.space),
            seed=config.seed,
            allow_import=config.allow_import,
        )
        if branches:
            network.stages = branches[0].network.stages
        elif config.init_from is not None:
            start_encoder(network, config.init_from)
        frozen = auxiliary is not None and auxiliary.frozen
        if auxiliary is not None and auxiliary.decoder is not None:
            take_decoder(network.decoder, auxiliary.decoder, study.task, study.space)
        if frozen:
            network.decoder.requires_grad_(False)
        branches.append(Branch(study.task, network, study.weight, _name(config, auxiliary), frozen))
    return Learner(
        branches,
        discrepancy=_discrepancy(config, branches[0].network),
        keep_auxiliary=config.keep_auxiliary,
        steps=config.steps,
        learning_rate=config.learning_rate,
        device=device,
        precision=config.precision,
        channels_last=config.channels_last,
        teaching=config.teaching,
        seed=config.seed,
        ranks=ranks,
    )


def _name(config: TaskTraining, auxiliary: Auxiliary | None) -> str:
    """Of a branch's loss, as the curves call it."""
    if auxiliary is None:
        return "loss"
    alone = len(config.auxiliaries) == 1
    return "auxiliary_loss" if alone else f"auxiliary_loss_{auxiliary.task}"


def _discrepancy(config: TaskTraining, network: TaskNetwork) -> Discrepancy | None:
    if config.norm_discrepancy is None:
        return None
    network.check_can_be_cut(f"--norm-discrepancy: network {config.network.name!r}")
    return Discrepancy(network, config.norm_discrepancy.weight)
