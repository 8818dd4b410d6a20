"""The transfer network of AT/DT's follow-up (D4, DBST: Cardace et al., WACV 2022; their code)."""

from itertools import pairwise

from torch import Tensor, nn

from atdt.transfer.architectures.parts import checked

LAYERS = 10


def build(in_channels: int, out_channels: int, *, width: int = 1024) -> nn.Module:
    """Ten 3×3 convolutions; 113,268,736 parameters for 2048 → 2048 channels.

    Args:
        width: channels of the nine inner layers, 1024 in the original.
    """
    checked(width=width)
    return D4Transfer(in_channels, out_channels, width)


class D4Transfer(nn.Module):
    """Convolutions without bias, a batch norm and a ReLU after each, the last one too; no stride.

    Shapes: (N, in, h, w) -> (N, out, h, w).
    """

    def __init__(self, in_channels: int, out_channels: int, width: int):
        super().__init__()
        self.options = {"width": width}
        channels = [in_channels, *[width] * (LAYERS - 1), out_channels]
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(of, to, kernel_size=3, padding=1, bias=False),
                    nn.BatchNorm2d(to),
                    nn.ReLU(inplace=True),
                )
                for of, to in pairwise(channels)
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)
