"""The paper's task network, to the parameter.

Zama Ramirez et al., "Learning Across Tasks and Domains", ICCV 2019 (arXiv 1904.04744), and the
code that they released (`dilated-resnet` of core/models.py). All layers are followed by ELU unless
said otherwise.
"""

from torch import nn

from atdt.networks.base import TaskNetwork
from atdt.networks.blocks import ZeroPaddedMaxPool, convolution, residual_stage
from atdt.networks.norms import norm_named
from atdt.networks.original import finished

STRIDE = 16
WIDTHS = (128, 64, 32)
# At 1/8, 1/4 and 1/2 of the image's side. The original's list is one level deeper (1/16, 1/8, 1/4),
# so that its sizes do not fit.
SKIPS = {"1": 256, "0": 64, "0.0": 64}


def build(out_channels: int, norm: str | None = "batch", skips: bool = False) -> TaskNetwork:
    """The dilated ResNet-50 and its decoder, from scratch: Glorot-uniform weights, zero biases.

    For a 512×512 image the levels are 64@128, 256@64, 512@32, 1024@32 and 2048@32 (channels@side).
    Images are RGB in [0, 1], not normalised. The output is linear for every task; what the
    original's heads add (tanh for normals) is left to the task that reads it.

    Two quirks of the released code are kept: the decoder's first convolution at half the image's
    size has no norm, and the one at full size goes straight to `out_channels`, with ELU, no norm.

    Args:
        out_channels: of the decoder.
        norm: "batch", "group", "instance" or "none".
        skips: concatenate the 7×7 convolution, the pool and the first residual stage to the
            decoder's steps of their sizes; the network cannot be cut then.

    Raises:
        NetworkError: there is no such norm, or `skips` is neither true nor false.
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
