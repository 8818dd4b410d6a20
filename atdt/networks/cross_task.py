"""The cross-task network: maps of one task from a prediction of another, pixel for pixel."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from atdt.errors import NetworkError
from atdt.networks.blocks import convolution

GROUPS = 8
WIDEST = 1024  # a stranger's run.json must not ask for 10**9


class CrossTaskNetwork(nn.Module):
    """A small U-Net: (N, C, h, w) output of a decoder -> (N, out, h, w), of any
    size beyond 8 pixels.

    Strides 2, 4 and 8, and dilations at the deepest, so that a pixel is seen with its surroundings;
    the last maps are made at half the side. Group norm rather than batch norm: it is to read
    predictions on another domain than it learnt on, and keeps no statistics of the first.

    Args:
        in_channels, out_channels: C and out.
        read: what is done to outputs first, channel for channel (`Task.as_input`).
        width: channels at half the side, a multiple of 8.

    Raises:
        NetworkError: a width or a number of channels that cannot be.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        read: Callable[[Tensor], Tensor],
        width: int = 8,
    ):
        super().__init__()
        if width % GROUPS or not 0 < width <= WIDEST:
            raise NetworkError(f"--width {width}: must be a multiple of {GROUPS}, {WIDEST} at most")
        if not 0 < in_channels <= WIDEST or not 0 < out_channels <= WIDEST:
            raise NetworkError(f"{in_channels} to {out_channels} channels: from 1 to {WIDEST} each")
        self.read = read
        self.at_half = _layer(in_channels, width, stride=2)
        self.at_quarter = nn.Sequential(
            _layer(width, 2 * width, stride=2), _layer(2 * width, 2 * width)
        )
        self.at_eighth = nn.Sequential(
            _layer(2 * width, 4 * width, stride=2), Surroundings(4 * width), Surroundings(4 * width)
        )
        self.back_to_quarter = _layer(6 * width, 2 * width)
        self.back_to_half = _layer(3 * width, width)
        self.last = nn.Conv2d(width, out_channels, 1)

    def forward(self, output: Tensor) -> Tensor:
        half = self.at_half(self.read(output))
        quarter = self.at_quarter(half)
        deep = self.at_eighth(quarter)
        deep = self.back_to_quarter(torch.cat([_resized(deep, quarter), quarter], dim=1))
        deep = self.back_to_half(torch.cat([_resized(deep, half), half], dim=1))
        return _resized(self.last(deep), output)


class Surroundings(nn.Module):
    """Two dilated 3×3 convolutions around which the input is passed on; shapes stay."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            _layer(channels, channels, dilation=2), _layer(channels, channels, dilation=4)
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


def _layer(in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1) -> nn.Module:
    return convolution(
        in_channels,
        out_channels,
        stride=stride,
        dilation=dilation,
        norm=lambda channels: nn.GroupNorm(GROUPS, channels),
        activation=nn.ReLU,
    )


def _resized(maps: Tensor, like: Tensor) -> Tensor:
    return interpolate(maps, like.shape[-2:], mode="bilinear", align_corners=False)
