"""The cheap default: 1×1 down, residual pairs of 3×3, 1×1 up."""

from torch import nn

from atdt.transfer.architectures.parts import (
    Bottleneck,
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
    options = {"width": inner_width(width, out_channels), "blocks": block_count(blocks)}
    options |= {"activation": activation, "norm": norm}
    return Bottleneck(
        in_channels,
        out_channels,
        options,
        lambda: Residual(options["width"], activation_named(activation), norm),
    )
