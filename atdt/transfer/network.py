"""G as a whole: a body between the units and the sizes of two encoders' features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from atdt.networks.complexity import meta_call
from atdt.transfer.architectures import build_body

SMALLEST_SCALE = 1e-3  # of a channel, relative to the array's: a dead channel must not explode


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation of each channel of an array, (C,) float32 each."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, statistics: Mapping[str, Any]) -> "Standard":
        """From what a store recorded: "mean" and "variance", one number a channel."""
        mean = np.asarray(statistics["mean"], np.float32)
        scale = np.sqrt(np.asarray(statistics["variance"], np.float64))
        typical = float(np.sqrt(np.mean(scale**2))) or 1.0
        scale = np.maximum(scale, SMALLEST_SCALE * typical).astype(np.float32)
        return cls(torch.from_numpy(mean), torch.from_numpy(scale))

    @classmethod
    def blank(cls, channels: int) -> "Standard":
        """What changes nothing; for networks whose weights are loaded afterwards."""
        return cls(torch.zeros(channels), torch.ones(channels))


class TransferNetwork(nn.Module):
    """G: features of E1 (N, C1, h1, w1) -> features of E2 (N, C2, h2, w2).

    Args:
        body: see `atdt.transfer.architectures`.
        source: (C1, h1, w1) of the store that G learns from.
        target: (C2, h2, w2) likewise. Inputs of other sizes give outputs in proportion.
        source_standard: inputs are standardised by it before the body sees them; None: never.
        target_standard: undone behind the body, so that the body's own targets are standard.
    """

    def __init__(
        self,
        body: nn.Module,
        source: tuple[int, int, int],
        target: tuple[int, int, int],
        source_standard: Standard | None = None,
        target_standard: Standard | None = None,
    ):
        super().__init__()
        self.body = body
        self.source = source
        self.target = target
        for name, standard in (("source", source_standard), ("target", target_standard)):
            for part in ("mean", "scale"):
                value = None if standard is None else getattr(standard, part)[:, None, None].clone()
                self.register_buffer(f"{name}_{part}", value)

    def forward(self, features: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Transfer a batch.

        Args:
            features: (N, C1, h, w).
            size: (height, width) wanted; in the proportion of the store's sides when None.
        """
        if self.source_mean is not None:
            features = (features - self.source_mean) / self.source_scale
        size = self.output_size(features.shape[-2:]) if size is None else size
        made = self.body(features)
        if made.shape[-2:] != size:
            made = interpolate(made, size, mode="bilinear", align_corners=False)
        if self.target_mean is not None:
            made = made * self.target_scale + self.target_mean
        return made

    @property
    def made_size(self) -> tuple[int, int]:
        """(height, width) that the body gives for the store's features, before any resizing."""
        features = torch.empty(2, *self.source, device="meta")
        height, width = meta_call(self.body, features).shape[-2:]
        return height, width

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) that an input of that size gives."""
        return tuple(
            side if to == of else max(1, round(side * to / of))
            for side, of, to in zip(size, self.source[1:], self.target[1:], strict=True)
        )


def build_transfer(
    architecture: str,
    options: Mapping[str, Any],
    source: tuple[int, int, int],
    target: tuple[int, int, int],
    source_standard: Standard | None = None,
    target_standard: Standard | None = None,
    seed: int | None = None,
) -> TransferNetwork:
    """Build G with weights drawn from `seed`.

    The standards are dropped where the architecture does not want them.

    Raises:
        NetworkError: see `build_body`.
    """
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        body, standardise = build_body(architecture, source[0], target[0], options)
    if not standardise:
        source_standard = target_standard = None
    return TransferNetwork(body, source, target, source_standard, target_standard)
