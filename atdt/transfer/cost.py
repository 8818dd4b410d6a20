"""What a transfer network costs, said before it is trained."""

from dataclasses import dataclass

from torch import nn

from atdt.networks.complexity import macs, parameters


@dataclass(frozen=True)
class Cost:
    """Trainable parameters, and multiply-accumulates of one sample's forward pass."""

    parameters: int
    macs: int

    def __str__(self) -> str:
        return f"{self.parameters:,} parameters, {self.macs / 1e9:.4g} G multiply-accumulates"


def cost(module: nn.Module, shape: tuple[int, int, int]) -> Cost:
    """The cost of `module` for a sample of `shape` (C, h, w); nothing is computed."""
    return Cost(parameters(module), macs(module, shape[1:], channels=shape[0]))
