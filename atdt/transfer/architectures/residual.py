"""A linear map, and a bottleneck that learns what it misses.

The bottleneck starts as nothing, so that with `--start ridge` this G starts as the best linear map
of the store and can only get better.
"""

from torch import Tensor, nn

from atdt.transfer.architectures import bottleneck
from atdt.transfer.architectures.parts import zeroed


def build(
    in_channels: int,
    out_channels: int,
    *,
    width: int | None = None,
    blocks: int = 2,
    activation: str = "elu",
    norm: str = "none",
    neighbourhood: int = 1,
) -> nn.Module:
    """A linear map beside a bottleneck.

    Args:
        width, blocks, activation, norm: of the bottleneck.
        neighbourhood: 1 or 3, of the linear map.
    """
    linear = linear_map(in_channels, out_channels, neighbourhood)
    rest = bottleneck.build(
        in_channels, out_channels, width=width, blocks=blocks, activation=activation, norm=norm
    )
    return ResidualTransfer(linear, rest)


def linear_map(in_channels: int, out_channels: int, neighbourhood: int) -> nn.Conv2d:
    """One convolution of 1×1 or 3×3."""
    if neighbourhood not in (1, 3):
        raise ValueError(f"`neighbourhood` (={neighbourhood}) must be 1 or 3")
    return nn.Conv2d(
        in_channels, out_channels, kernel_size=neighbourhood, padding=neighbourhood // 2
    )


class ResidualTransfer(nn.Module):
    """Shapes: (N, in, h, w) -> (N, out, h, w).

    Attributes:
        linear: what ridge regression can be put into.
    """

    def __init__(self, linear: nn.Conv2d, rest: nn.Module):
        super().__init__()
        self.options = rest.options | {"neighbourhood": linear.kernel_size[0]}
        self.linear = linear
        self.rest = rest
        zeroed(rest.up[-1])

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features) + self.rest(features)
