"""A bottleneck whose locations all see one another once: what is where may decide what depth is."""

from torch import nn

from atdt.transfer.architectures.parts import (
    Attention,
    Bottleneck,
    Residual,
    activation_named,
    block_count,
    checked,
    inner_width,
)


def build(
    in_channels: int,
    out_channels: int,
    *,
    width: int | None = None,
    blocks: int = 1,
    heads: int = 4,
    activation: str = "elu",
    norm: str = "none",
) -> nn.Module:
    """1×1 down, then blocks of a residual pair of 3×3 and attention over all locations, 1×1 up.

    Args:
        width: inner channels, a multiple of `heads`; by default 256, or about `out_channels`
            where these are fewer.
        blocks: how many.
        heads: of the attention.
        activation, norm: see `bottleneck`; of the pairs.
    """
    checked(heads=heads)
    if width is None:
        width = -(-inner_width(None, out_channels) // heads) * heads
    options = {"width": inner_width(width, out_channels), "blocks": block_count(blocks)}
    options |= {"heads": heads, "activation": activation, "norm": norm}
    return Bottleneck(
        in_channels,
        out_channels,
        options,
        lambda: nn.Sequential(
            Residual(options["width"], activation_named(activation), norm),
            Attention(options["width"], heads),
        ),
    )
