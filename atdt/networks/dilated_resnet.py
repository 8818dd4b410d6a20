"""The paper's task network, to the parameter.

Zama Ramirez et al., "Learning Across Tasks and Domains", ICCV 2019 (arXiv 1904.04744), and the
code that they released. Where the two differ (upsampling is said to be bilinear, and is nearest),
this follows the code. All layers are followed by ELU unless said otherwise.
"""

from torch import Tensor, nn
from torch.nn.functional import elu, max_pool2d, pad

from atdt.networks.base import TaskNetwork
from atdt.networks.blocks import Norm, convolution
from atdt.networks.norms import norm_named

STRIDE = 16


def build(out_channels: int, norm: str | None = "batch") -> TaskNetwork:
    """The dilated ResNet-50 and its decoder, from scratch: Glorot-uniform weights, zero biases.

    For a 512×512 image the levels are 64@128, 256@64, 512@32, 1024@32 and 2048@32 (channels@side).
    Images are RGB in [0, 1], not normalised. The output is linear for every task; what the
    original's heads add (tanh for normals) is left to the task that reads it.

    Args:
        out_channels: of the decoder.
        norm: "batch", "group", "instance" or "none".

    Raises:
        NetworkError: there is no such norm.
    """
    made = norm_named(norm)
    stages = [
        nn.Sequential(
            convolution(3, 64, 7, stride=2, norm=made, activation=nn.ELU), ZeroPaddedMaxPool()
        ),
        residual_stage(64, 64, units=3, norm=made, stride=2),
        residual_stage(256, 128, units=4, norm=made, stride=2),
        residual_stage(512, 256, units=6, norm=made, dilation=2),
        residual_stage(1024, 512, units=3, norm=made, dilation=4),
    ]
    network = TaskNetwork(stages, decoder(2048, out_channels, made), stride=STRIDE)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


class ZeroPaddedMaxPool(nn.Module):
    """3×3 maximum, stride 2, of features padded by zeros.

    Torch pads by −∞; ELU's outputs can be negative, so borders differ.
    """

    def forward(self, features: Tensor) -> Tensor:
        return max_pool2d(pad(features, (1, 1, 1, 1)), 3, 2)


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 to 4 × `width` channels, plus a shortcut that is a projection every time.

    A block of a plain ResNet passes its input on where shapes allow; the paper's code never does,
    which makes the encoder 38 million parameters instead of 23.5.

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


def decoder(in_channels: int, out_channels: int, norm: Norm | None) -> nn.Sequential:
    """Four doublings, each nearest-neighbour and two 3×3 convolutions; the last one is linear.

    Two quirks of the released code are kept: the first convolution at half the image's size has
    no norm, and the one at full size goes straight to `out_channels`, with ELU and no norm.
    """
    return nn.Sequential(
        doubling(in_channels, 128, norm),
        convolution(128, 128, norm=norm, activation=nn.ELU),
        doubling(128, 64, norm),
        convolution(64, 64, norm=norm, activation=nn.ELU),
        doubling(64, 32, None),
        convolution(32, 32, norm=norm, activation=nn.ELU),
        doubling(32, out_channels, None),
        convolution(out_channels, out_channels, norm=None, activation=None),
    )


def doubling(in_channels: int, out_channels: int, norm: Norm | None) -> nn.Sequential:
    """Nearest-neighbour ×2, then a 3×3 convolution."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        convolution(in_channels, out_channels, norm=norm, activation=nn.ELU),
    )
