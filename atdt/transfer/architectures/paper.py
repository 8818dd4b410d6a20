"""The paper's transfer network (Zama Ramirez et al., ICCV 2019, and its authors' code)."""

from torch import Tensor, nn

from atdt.transfer.architectures.parts import checked


def build(in_channels: int, out_channels: int, *, width: int = 2048) -> nn.Module:
    """Six 3×3 convolutions, ELU after each; 226,504,704 parameters for 2048 → 2048 channels.

    Args:
        width: channels of the five inner layers, 2048 in the paper whatever the features have.
    """
    checked(width=width)
    return PaperTransfer(in_channels, out_channels, width)


class PaperTransfer(nn.Module):
    """Two convolutions of stride 2, then twice nearest-neighbour ×2 and two convolutions.

    The paper says deconvolutions; its code has nearest-neighbour ×2. There is no norm, and the last
    layer too has an ELU, as the features that it has to meet. Weights start Glorot uniform, biases
    at zero, TF-slim's defaults.

    Shapes: (N, in, h, w) -> (N, out, 4⌈⌈h/2⌉/2⌉, 4⌈⌈w/2⌉/2⌉), that is (h, w) for multiples of 4.
    """

    def __init__(self, in_channels: int, out_channels: int, width: int):
        super().__init__()
        self.options = {"width": width}
        self.layers = nn.Sequential(
            *_convolution(in_channels, width, stride=2),
            *_convolution(width, width, stride=2),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_convolution(width, width),
            *_convolution(width, width),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_convolution(width, width),
            *_convolution(width, out_channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


def _convolution(in_channels: int, out_channels: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)
    nn.init.xavier_uniform_(convolution.weight)
    nn.init.zeros_(convolution.bias)
    return convolution, nn.ELU(inplace=True)
