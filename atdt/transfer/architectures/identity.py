"""No G at all: E1's features, as they are, are given to D2. What remains to be beaten."""

import torch
from torch import Tensor, nn


def build(in_channels: int, out_channels: int) -> nn.Module:
    """(N, C, h, w) -> the same; with `standardise`, of the mean and variance of E2's channels.

    Raises:
        ValueError: E1 and E2 have different numbers of channels.
    """
    if in_channels != out_channels:
        raise ValueError(f"E1 has {in_channels} channels and E2 {out_channels}; it needs the same")
    return Identity()


class Identity(nn.Module):
    """A parameter without elements is all that there is to learn, so that training it is no case of
    its own."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(0))
        self.options: dict[str, int] = {}

    def forward(self, features: Tensor) -> Tensor:
        return features + self.nothing.sum().to(features.dtype)
