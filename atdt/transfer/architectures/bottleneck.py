"""The cheap default: 1×1 down, residual pairs of 3×3, 1×1 up."""

from torch import Tensor, nn

from atdt.transfer.architectures.parts import (
    Residual,
    activation_named,
    block_count,
    inner_width,
)


def build(
    in_channels: int,
    out_channels: int,
    *,
    width: int | None = None,
    blocks: int = 2,
    activation: str = "elu",
    norm: str = "none",
) -> nn.Module:
    """A residual bottleneck; 3.5 G multiply-accumulates for 2048 → 2048 channels at 32×32.

    Args:
        width: inner channels; by default 256, or `out_channels` where these are fewer.
        blocks: residual pairs of 3×3 convolutions.
        activation: "elu", "gelu" or "relu".
        norm: before each activation of the pairs: "none", "batch", "group" or "instance".
    """
    width = inner_width(width, out_channels)
    return Bottleneck(in_channels, out_channels, width, block_count(blocks), activation, norm)


class Bottleneck(nn.Module):
    """Shapes: (N, in, h, w) -> (N, out, h, w)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int,
        blocks: int,
        activation: str,
        norm: str,
    ):
        super().__init__()
        self.options = {"width": width, "blocks": blocks, "activation": activation, "norm": norm}
        kind = activation_named(activation)
        self.down = nn.Conv2d(in_channels, width, kernel_size=1)
        self.blocks = nn.Sequential(*(Residual(width, kind, norm) for _ in range(blocks)))
        self.up = nn.Sequential(kind(), nn.Conv2d(width, out_channels, kernel_size=1))

    def forward(self, features: Tensor) -> Tensor:
        return self.up(self.blocks(self.down(features)))
