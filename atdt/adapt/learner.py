"""What learns: two generators, two discriminators, and the optimiser of either pair."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from atdt.adam import Adam
from atdt.adapt.config import CycleGANTraining
from atdt.adapt.history import History
from atdt.adapt.losses import adversarial_loss, discriminator_loss, likeness_loss
from atdt.adapt.networks import (
    LOOKS,
    OTHER,
    discriminators,
    generators,
    with_initial_weights,
)
from atdt.devices import precision_context
from atdt.errors import RunError
from atdt.training.weights import fill

BETAS = 0.5, 0.999  # as published

Looks = dict[str, Tensor]  # by look


class Learner:
    """Adam (β 0.5, 0.999) over the generators' losses, then over the discriminators'."""

    def __init__(self, config: CycleGANTraining, device: torch.device):
        precision_context(device, config.precision)  # an unknown precision is an error now
        self.device = device
        self._config = config
        with torch.device("meta"):
            networks = nn.ModuleDict(
                {
                    "generators": generators(config.width, config.blocks),
                    "discriminators": discriminators(config.width),
                }
            )
        self._networks = with_initial_weights(networks, config.seed).to(device)
        self._generators, self._discriminators = self._networks.values()
        self._adams = [
            Adam({f"{part}.{name}": p for name, p in pair.named_parameters()}, BETAS)
            for part, pair in self._networks.items()
        ]
        self._histories = {
            look: History(config.history, (config.seed, number))
            for number, look in enumerate(LOOKS)
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Of what `learn` gives.

        "loss" is the generators', weighted. For each look: "adversarial" of images that were given
        it, "cycle" of its own images there and back, "identity" of its own images through the
        generator that gives it, and the "discriminator" of it; each without its weight.
        """
        terms = ["adversarial", "cycle", *(["identity"] if self._config.identity_weight else [])]
        terms.append("discriminator")
        return ("loss", *(f"{term}_{look}" for look in LOOKS for term in terms))

    @property
    def generators(self) -> nn.ModuleDict:
        """By the look that they give."""
        return self._generators

    def rate(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        steps = self._config.steps
        return self._config.learning_rate * min(1.0, (steps - step) / (steps - steps // 2))

    def learn(self, step: int, images: Mapping[str, Tensor]) -> Tensor:
        """Take one step of the generators, then one of the discriminators.

        Args:
            step: counted from 0.
            images: (N, 3, h, w) in [0, 1] of each domain, by its look.

        Returns:
            losses before the step, by `names`, (names,) float32 on the device, so that nobody
            waits.
        """
        real = {look: images[look].to(self.device) * 2 - 1 for look in LOOKS}
        for adam in self._adams:
            adam.zero_grad()
        made = {look: self._paint(look, real[OTHER[look]]) for look in LOOKS}
        terms = self._learn_to_paint(step, real, made) | self._learn_to_judge(step, real, made)
        return torch.stack([terms[name].detach() for name in self.names])

    def weights(self) -> dict[str, Tensor]:
        """Of the generators, copied to the CPU: what applying them needs."""
        weights = self._generators.state_dict()
        return {name: tensor.detach().to("cpu", copy=True) for name, tensor in weights.items()}

    def tensors(self) -> dict[str, Tensor]:
        """All that the next step depends on but for the images: weights, moments, histories."""
        found = {f"weights.{name}": value for name, value in self._networks.state_dict().items()}
        for adam in self._adams:
            found |= adam.tensors()
        for look, history in self._histories.items():
            if history.images:
                found[f"history.{look}"] = torch.stack(history.images)
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors()` gave, to the bit.

        Raises:
            RunError: the tensors are of other networks.
        """
        prefix = "weights."
        saved = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        try:
            fill(self._networks, saved)
        except ValueError as error:
            raise RunError(f"the checkpoint is of other networks: {error}") from None
        for adam in self._adams:
            adam.restore(tensors)
        for look, history in self._histories.items():
            history.restore(tensors.get(f"history.{look}"), self.device)

    def _learn_to_paint(self, step: int, real: Looks, made: Looks) -> Looks:
        """A step of the generators, given real images and those made of them; losses by name."""
        config = self._config
        self._discriminators.requires_grad_(False)
        terms, weighted = {}, []
        for look in LOOKS:
            terms[f"adversarial_{look}"] = adversarial_loss(self._judge(look, made[look]))
            weighted.append(terms[f"adversarial_{look}"])
            back = self._paint(look, made[OTHER[look]])
            terms[f"cycle_{look}"] = likeness_loss(back, real[look])
            weighted.append(config.cycle_weight * terms[f"cycle_{look}"])
            if config.identity_weight:
                same = self._paint(look, real[look])
                terms[f"identity_{look}"] = likeness_loss(same, real[look])
                weighted.append(config.identity_weight * terms[f"identity_{look}"])
        terms["loss"] = torch.stack(weighted).sum()
        terms["loss"].backward()
        self._discriminators.requires_grad_(True)
        self._adams[0].step(self.rate(step))
        return terms

    def _learn_to_judge(self, step: int, real: Looks, made: Looks) -> Looks:
        """A step of the discriminators, given real images and made ones; losses by name."""
        terms = {}
        for look in LOOKS:
            shown = self._histories[look].swap(step, made[look])
            loss = discriminator_loss(self._judge(look, real[look]), self._judge(look, shown))
            loss.backward()
            terms[f"discriminator_{look}"] = loss
        self._adams[1].step(self.rate(step))
        return terms

    def _paint(self, look: str, images: Tensor) -> Tensor:
        with precision_context(self.device, self._config.precision):
            return self._generators[look](images).float()

    def _judge(self, look: str, images: Tensor) -> Tensor:
        with precision_context(self.device, self._config.precision):
            return self._discriminators[look](images).float()
