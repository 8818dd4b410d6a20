"""The paper's two downsamplings, with what they lose handed across: a small U-Net."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from atdt.transfer.architectures.parts import (
    Residual,
    activation_named,
    block_count,
    inner_width,
    normed,
)


def build(
    in_channels: int,
    out_channels: int,
    *,
    width: int | None = None,
    blocks: int = 1,
    activation: str = "elu",
    norm: str = "none",
) -> nn.Module:
    """A U-Net of two strides of 2.

    Args:
        width: channels at the finest of its three scales, twice and four times as many below; by
            default 256, or `out_channels` where these are fewer.
        blocks: residual pairs of 3×3 convolutions at the coarsest.
        activation, norm: see `bottleneck`.
    """
    width = inner_width(width, out_channels)
    return UNet(in_channels, out_channels, width, block_count(blocks), activation, norm)


class UNet(nn.Module):
    """Shapes: (N, in, h, w) -> (N, out, h, w), of any height and width."""

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

        def layer(of: int, to: int, stride: int = 1) -> nn.Module:
            convolution = nn.Conv2d(of, to, kernel_size=3, stride=stride, padding=1)
            return nn.Sequential(convolution, *normed(norm, to), kind())

        self.first = nn.Sequential(nn.Conv2d(in_channels, width, kernel_size=1), kind())
        self.down = nn.ModuleList([layer(width, 2 * width, 2), layer(2 * width, 4 * width, 2)])
        self.deep = nn.Sequential(*(Residual(4 * width, kind, norm) for _ in range(blocks)))
        self.up = nn.ModuleList([layer(6 * width, 2 * width), layer(3 * width, width)])
        self.last = nn.Conv2d(width, out_channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        fine = [self.first(features)]
        for down in self.down:
            fine.append(down(fine[-1]))
        made = self.deep(fine.pop())
        for up in self.up:
            across = fine.pop()
            made = up(torch.cat([interpolate(made, across.shape[-2:]), across], dim=1))
        return self.last(made)
