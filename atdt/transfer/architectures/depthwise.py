"""Wide neighbourhoods for little: depthwise convolutions between 1×1 ones.

The block is that of ConvNeXt (Liu et al., CVPR 2022), with the project's norms in place of its own.
"""

from torch import Tensor, nn

from atdt.transfer.architectures.parts import (
    Bottleneck,
    activation_named,
    block_count,
    checked,
    inner_width,
    normed,
    zeroed,
)


def build(
    in_channels: int,
    out_channels: int,
    *,
    width: int | None = None,
    blocks: int = 3,
    kernel: int = 7,
    expand: int = 4,
    activation: str = "gelu",
    norm: str = "none",
) -> nn.Module:
    """1×1 down, residual depthwise blocks, 1×1 up.

    Args:
        width: inner channels; by default 256, or `out_channels` where these are fewer.
        blocks: how many.
        kernel: side of the depthwise convolutions, odd.
        expand: by how much the 1×1 convolutions of a block widen.
        activation, norm: see `bottleneck`.
    """
    checked(kernel=kernel, expand=expand)
    if kernel % 2 == 0:
        raise ValueError(f"`kernel` (={kernel}) must be odd")
    options = {"width": inner_width(width, out_channels), "blocks": block_count(blocks)}
    options |= {"kernel": kernel, "expand": expand, "activation": activation, "norm": norm}
    return Bottleneck(
        in_channels,
        out_channels,
        options,
        lambda: Block(options["width"], kernel, expand, activation_named(activation), norm),
    )


class Block(nn.Module):
    """x + a depthwise convolution and a widened pair of 1×1, which start as nothing."""

    def __init__(
        self, width: int, kernel: int, expand: int, activation: type[nn.Module], norm: str
    ):
        super().__init__()
        self.rest = nn.Sequential(
            nn.Conv2d(width, width, kernel_size=kernel, padding=kernel // 2, groups=width),
            *normed(norm, width),
            nn.Conv2d(width, expand * width, kernel_size=1),
            activation(),
            zeroed(nn.Conv2d(expand * width, width, kernel_size=1)),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.rest(features)
