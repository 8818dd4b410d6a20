"""The ResNet-50 without dilation that AT/DT's code offers beside the paper's network.

Zama Ramirez et al., ICCV 2019 (arXiv 1904.04744): `resnet` of core/models.py. It has the dilated
one's blocks, so 38 million parameters of encoder, but strides in all four residual stages.
"""

from torch import nn

from atdt.networks.base import TaskNetwork
from atdt.networks.blocks import ZeroPaddedMaxPool, convolution, residual_stage
from atdt.networks.norms import norm_named
from atdt.networks.original import finished

STRIDE = 64
WIDTHS = (512, 256, 128, 64, 32)
SKIPS = {"4": 1024, "3": 512, "2": 256, "1": 64, "0": 64}  # from 1/32 of the image's side to 1/2


def build(out_channels: int, norm: str | None = "batch", skips: bool = False) -> TaskNetwork:
    """The ResNet-50 and its decoder, from scratch: Glorot-uniform weights, zero biases.

    For a 512×512 image the levels are 64@256 (the 7×7 convolution), 64@128 (the pool), 256@64,
    512@32, 1024@16 and 2048@8 (channels@side). Images are RGB in [0, 1], not normalised; the output
    is linear. The decoder has the dilated one's quirks: no norm in its first convolution at half
    the image's size, and none at full size.

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
        convolution(3, 64, 7, stride=2, norm=made, activation=nn.ELU),
        ZeroPaddedMaxPool(),
        residual_stage(64, 64, units=3, norm=made, stride=2),
        residual_stage(256, 128, units=4, norm=made, stride=2),
        residual_stage(512, 256, units=6, norm=made, stride=2),
        residual_stage(1024, 512, units=3, norm=made, stride=2),
    ]
    return finished(
        stages,
        2048,
        WIDTHS,
        out_channels,
        made,
        stride=STRIDE,
        norm_at_half=False,
        skips=skips,
        maps=SKIPS,
    )
