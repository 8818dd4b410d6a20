"""The VGG-like network that AT/DT's code offers beside the paper's, mended so that it can be built.

Zama Ramirez et al., ICCV 2019 (arXiv 1904.04744): `vgg` of core/models.py. There, a call lacks
its stride, and the decoder's step of 64 channels reads the deepest features, which have a sixteenth
of the sides that it needs; here it reads the step before.
"""

from itertools import pairwise

from torch import nn

from atdt.networks.base import TaskNetwork
from atdt.networks.blocks import Norm, convolution
from atdt.networks.norms import norm_named
from atdt.networks.original import finished

STRIDE = 128
CHANNELS = (32, 64, 128, 256, 512, 512, 512)
KERNELS = (7, 5, 3, 3, 3, 3, 3)
WIDTHS = (512, 512, 256, 128, 64, 32)
SKIPS = {str(stage): CHANNELS[stage] for stage in range(5, -1, -1)}  # from 1/64 of the side to 1/2


def build(out_channels: int, norm: str | None = "batch", skips: bool = False) -> TaskNetwork:
    """Seven blocks that halve, a decoder that doubles as often, from scratch: Glorot-uniform
    weights, zero biases.

    For a 512×512 image the levels are 32@256, 64@128, 128@64, 256@32, 512@16, 512@8 and 512@4
    (channels@side). Images are RGB in [0, 1], not normalised; the output is linear. Unlike the
    ResNets' decoders, this one has a norm at half the image's size; none at full size either.

    Args:
        out_channels: of the decoder.
        norm: "batch", "group", "instance" or "none".
        skips: concatenate all levels but the deepest to the decoder's steps of their sizes; the
            network cannot be cut then.

    Raises:
        NetworkError: there is no such norm, or `skips` is neither true nor false.
    """
    made = norm_named(norm)
    stages = [
        halving(before, channels, kernel, made)
        for (before, channels), kernel in zip(pairwise((3, *CHANNELS)), KERNELS, strict=True)
    ]
    return finished(
        stages,
        CHANNELS[-1],
        WIDTHS,
        out_channels,
        made,
        stride=STRIDE,
        norm_at_half=True,
        skips=skips,
        maps=SKIPS,
    )


def halving(in_channels: int, out_channels: int, kernel: int, norm: Norm | None) -> nn.Sequential:
    """Two convolutions with ELU; the second has stride 2."""
    return nn.Sequential(
        convolution(in_channels, out_channels, kernel, norm=norm, activation=nn.ELU),
        convolution(out_channels, out_channels, kernel, stride=2, norm=norm, activation=nn.ELU),
    )
