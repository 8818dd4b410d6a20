"""The blocks that the project's own networks are made of.

All but `convolution` and `bilinear_decoder` follow the paper's code (Zama Ramirez et al., "Learning
Across Tasks and Domains", ICCV 2019, arXiv 1904.04744, core/ops.py). Where the two differ
(upsampling is said to be bilinear, and is nearest), they follow the code.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, max_pool2d, pad

Norm = Callable[[int], nn.Module]
Activation = Callable[[], nn.Module]


def convolution(
    in_channels: int,
    out_channels: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    norm: Norm | None,
    activation: Activation | None,
) -> nn.Sequential:
    """Convolution → norm → activation, each of the latter two if there is one.

    Zeros are padded so that stride 1 keeps the size; there is a bias only where no norm follows.

    Args:
        kernel: its side, odd.
        norm, activation: make the module, from the number of channels and from nothing.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=norm is None,
        )
    ]
    if norm is not None:
        layers.append(norm(out_channels))
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)


def bilinear_decoder(in_channels: int, out_channels: int, side: int) -> nn.Sequential:
    """3×3 convolutions with batch norm and ReLU, between bilinear doublings up to a quarter of the
    image's side or above; there a 1×1 convolution to the output, enlarged bilinearly.

    Args:
        side: of an image over that of the features.
    """
    width = 256
    layers: list[nn.Module] = [_batch_normed(in_channels, width)]
    left: float = side
    while left > 4:
        layers += [_enlarged(2), _batch_normed(width, max(width // 2, 64))]
        width, left = max(width // 2, 64), left / 2
    return nn.Sequential(*layers, nn.Conv2d(width, out_channels, 1), _enlarged(left))


def _batch_normed(in_channels: int, out_channels: int) -> nn.Sequential:
    return convolution(in_channels, out_channels, norm=nn.BatchNorm2d, activation=nn.ReLU)


def _enlarged(factor: float) -> nn.Upsample:
    return nn.Upsample(scale_factor=factor, mode="bilinear")


class ZeroPaddedMaxPool(nn.Module):
    """3×3 maximum, stride 2, of features padded by zeros.

    Torch pads by −∞; ELU's outputs can be negative, so borders differ.
    """

    def forward(self, features: Tensor) -> Tensor:
        return max_pool2d(pad(features, (1, 1, 1, 1)), 3, 2)


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 to 4 × `width` channels, plus a shortcut that is a projection every time.

    A block of a plain ResNet passes its input on where shapes allow; the paper's code never does,
    which makes its encoders 38 million parameters instead of 23.5.

    Args:
        stride: of the 3×3 convolution and the shortcut.
        dilation: of the 3×3 convolution.
    """

    def __init__(
        self, in_channels: int, width: int, norm: Norm | None, stride: int = 1, dilation: int = 1
    ):
        super().__init__()
        self.body = nn.Sequential(
            convolution(in_channels, width, 1, norm=norm, activation=nn.ELU),
            convolution(
                width, width, 3, stride=stride, dilation=dilation, norm=norm, activation=nn.ELU
            ),
            convolution(width, 4 * width, 1, norm=norm, activation=None),
        )
        self.shortcut = convolution(
            in_channels, 4 * width, 1, stride=stride, norm=norm, activation=None
        )

    def forward(self, features: Tensor) -> Tensor:
        return elu(self.body(features) + self.shortcut(features))


def residual_stage(
    in_channels: int,
    width: int,
    *,
    units: int,
    norm: Norm | None,
    stride: int = 1,
    dilation: int = 1,
) -> nn.Sequential:
    """Bottlenecks of one width; the last has the stride, and each has the dilation."""
    blocks = [Bottleneck(in_channels, width, norm, dilation=dilation)]
    blocks += [Bottleneck(4 * width, width, norm, dilation=dilation) for _ in range(units - 2)]
    blocks.append(Bottleneck(4 * width, width, norm, stride=stride, dilation=dilation))
    return nn.Sequential(*blocks)


def doubling(in_channels: int, out_channels: int, norm: Norm | None) -> nn.Sequential:
    """Nearest-neighbour ×2, then a 3×3 convolution."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        convolution(in_channels, out_channels, norm=norm, activation=nn.ELU),
    )


class Decoder(nn.Sequential):
    """Steps of a doubling and a 3×3 convolution each; the very last convolution is linear.

    (N, C, h, w) and one map for each of `skips` -> (N, out, H, W). A map is concatenated behind
    what its step's doubling gives, so it has twice the sides of the step before. The step at the
    image's size has no norm, and its doubling goes straight to `out_channels`, with ELU.

    Args:
        widths: channels of the steps before the one at the image's size.
        norm_at_half: whether the doubling to half the image's side has a norm.
        skips: channels of the maps of the first steps, in the order of the steps.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        out_channels: int,
        norm: Norm | None,
        *,
        norm_at_half: bool = True,
        skips: Sequence[int] = (),
    ):
        layers: list[nn.Module] = []
        for step, (width, more) in enumerate(zip_longest(widths, skips, fillvalue=0), start=1):
            normed = norm_at_half or step < len(widths)
            layers.append(doubling(in_channels, width, norm if normed else None))
            layers.append(convolution(width + more, width, norm=norm, activation=nn.ELU))
            in_channels = width
        layers.append(doubling(in_channels, out_channels, None))
        layers.append(convolution(out_channels, out_channels, norm=None, activation=None))
        super().__init__(*layers)

    def forward(self, features: Tensor, *maps: Tensor) -> Tensor:
        for step, index in enumerate(range(0, len(self), 2)):
            features = self[index](features)
            if step < len(maps):
                features = torch.cat([features, maps[step]], dim=1)
            features = self[index + 1](features)
        return features


def start_by_glorot(network: nn.Module) -> None:
    """Draw the weights of all convolutions Glorot-uniformly, and set their biases to zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
