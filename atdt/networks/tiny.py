"""A small network for two cores: street scenes of 96×192 pixels, at stride 8."""

from torch import Tensor, nn
from torch.nn.functional import relu

from atdt.networks.base import TaskNetwork
from atdt.networks.blocks import Norm, convolution
from atdt.networks.norms import norm_named

GROUPS = 16  # which divide every layer's channels


def build(out_channels: int, norm: str | None = "batch") -> TaskNetwork:
    """Five levels down to 128 channels at an eighth of the image's side.

    Levels: 32@1/2, 64@1/4, 128@1/8, and twice more 128@1/8, where dilations of 2 and 4 let each
    position see most of a 96×192 image: a car's surroundings say more than its 40 pixels.

    Args:
        out_channels: of the decoder.
        norm: "batch" (torch's own), "group" (16 groups), "instance" or "none".

    Raises:
        NetworkError: there is no such norm.
    """
    made = OWN_NORMS[norm] if norm in OWN_NORMS else norm_named(norm)
    stages = [
        nn.Sequential(_layer(3, 16, made, stride=2), _layer(16, 32, made)),
        nn.Sequential(_layer(32, 64, made, stride=2), Residual(64, made)),
        nn.Sequential(_layer(64, 128, made, stride=2), Residual(128, made)),
        Residual(128, made, dilations=(2, 4)),
        Residual(128, made, dilations=(2, 4)),
    ]
    decoder = nn.Sequential(
        _layer(128, 64, made),
        _doubled(),
        _layer(64, 32, made),
        _doubled(),
        _layer(32, 32, made),
        nn.Conv2d(32, out_channels, 1),
        _doubled(),
    )
    return TaskNetwork(stages, decoder, stride=8)


def _group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, channels)


OWN_NORMS = {"batch": nn.BatchNorm2d, "group": _group_norm}  # others are those of the paper's code


class Residual(nn.Module):
    """Two 3×3 convolutions around which the input is passed on; (N, C, h, w) -> the same shape."""

    def __init__(self, channels: int, norm: Norm | None, dilations: tuple[int, int] = (1, 1)):
        super().__init__()
        first, second = dilations
        self.body = nn.Sequential(
            _layer(channels, channels, norm, dilation=first),
            convolution(channels, channels, dilation=second, norm=norm, activation=None),
        )

    def forward(self, features: Tensor) -> Tensor:
        return relu(features + self.body(features))


def _layer(
    in_channels: int,
    out_channels: int,
    norm: Norm | None,
    *,
    stride: int = 1,
    dilation: int = 1,
) -> nn.Sequential:
    return convolution(
        in_channels,
        out_channels,
        stride=stride,
        dilation=dilation,
        norm=norm,
        activation=nn.ReLU,
    )


def _doubled() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear")
