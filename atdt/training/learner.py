"""What learns: one or two task networks over the same encoder, and their optimiser."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from atdt.adam import adam_tensors, restore_adam
from atdt.devices import precision_context
from atdt.errors import RunError
from atdt.networks import TaskNetwork, build_network
from atdt.training.batches import Batch
from atdt.training.config import TaskTraining
from atdt.training.load import start_encoder
from atdt.training.material import Study
from atdt.training.weights import fill

POWER = 0.9  # of the polynomial decay, as the paper's code


class Objective(Protocol):
    """What a network's output is held against: a `Task`, or a `CrossTask` that reads it."""

    def target(self, image: torch.Tensor | None, label: torch.Tensor | None) -> torch.Tensor:
        """See `Task.target`."""
        ...

    def loss(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """See `Task.loss`."""
        ...


@dataclass(frozen=True)
class Branch:
    """An objective, the network that learns it, the weight of its loss, and its name.

    The networks of several branches share their stages: one encoder, several decoders. The branch
    of a `CrossTask` has the main network itself.
    """

    objective: Objective
    network: TaskNetwork
    weight: float = 1.0
    name: str = "main"


class Learner:
    """Adam (β 0.9, 0.999) with polynomial decay over the branches' losses.

    Args:
        branches: the main task first.
        steps: at which the learning rate reaches 0.
        learning_rate: at step 0.
        device, precision: see `atdt.devices`.
        channels_last: lay out images and filters that way; faster wherever convolutions dominate.
    """

    def __init__(
        self,
        branches: Sequence[Branch],
        *,
        steps: int,
        learning_rate: float,
        device: torch.device,
        precision: str,
        channels_last: bool,
    ):
        precision_context(device, precision)  # an unknown precision is an error now
        self.branches = branches
        self.network = branches[0].network
        self.device = device
        self.precision = precision
        self._steps = steps
        self._learning_rate = learning_rate
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        # One module over all that learns, so that each tensor has one name.
        self._all = nn.ModuleDict({"main": self.network})
        for branch in branches[1:]:
            if branch.network is not self.network:
                self._all[branch.name] = branch.network.decoder
        for branch in branches:
            branch.network.to(device, memory_format=self._format)
        self._parameters = dict(self._all.named_parameters())
        self._optimiser = torch.optim.Adam(self._parameters.values(), lr=learning_rate)

    def rate(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        return self._learning_rate * (1 - step / self._steps) ** POWER

    def learn(self, step: int, batches: Sequence[Batch]) -> torch.Tensor:
        """Take one step on one batch a branch.

        Returns:
            the branches' losses before the step and without their weights, (branches,) float32 on
            the device, so that nobody waits for them.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = self.rate(step)
        self._optimiser.zero_grad(set_to_none=True)
        losses = []
        for branch, batch in zip(self.branches, batches, strict=True):
            branch.network.train()
            batch = batch.to(self.device, self._format)
            with torch.no_grad():
                target = branch.objective.target(batch.clean, batch.label)
            with precision_context(self.device, self.precision):
                output = branch.network(batch.image)
            loss = branch.objective.loss(output.float(), target)
            (branch.weight * loss).backward()
            losses.append(loss.detach())
        self._optimiser.step()
        return torch.stack(losses)

    def weights(self) -> dict[str, torch.Tensor]:
        """The main task network's weights and statistics, copied to the CPU."""
        return {
            name: tensor.detach().to("cpu", copy=True)
            for name, tensor in self.network.state_dict().items()
        }

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that the next step depends on but for the batches: weights, moments, random state."""
        found = {f"weights.{name}": tensor for name, tensor in self._all.state_dict().items()}
        found |= adam_tensors(self._optimiser, self._parameters)
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
        restore_adam(self._optimiser, self._parameters, tensors)
        torch.set_rng_state(tensors["random.cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.cuda"], self.device)


def build_learner(config: TaskTraining, studies: Sequence[Study], device: torch.device) -> Learner:
    """The network or networks of a training, with their initial weights.

    Raises:
        NetworkError: the network cannot be built.
        RunError: `config.init_from` is no run of the same architecture.
    """
    branches: list[Branch] = []
    for study in studies:
        if study.cross_task is not None:
            objective = study.cross_task.on(device, config.precision)
            branches.append(Branch(objective, branches[0].network, study.weight, "consistency"))
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
        name = f"auxiliary_{study.task.name}" if branches else "main"
        branches.append(Branch(study.task, network, study.weight, name))
    return Learner(
        branches,
        steps=config.steps,
        learning_rate=config.learning_rate,
        device=device,
        precision=config.precision,
        channels_last=config.channels_last,
    )
