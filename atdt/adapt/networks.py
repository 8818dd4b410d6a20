"""The networks of a CycleGAN (Zhu et al., ICCV 2017, section 4 and appendix).

Layers and constants are those of the authors' code (junyanz/pytorch-CycleGAN-and-pix2pix,
models/networks.py: `resnet_9blocks`, `basic`, instance norm). Instance norm has no weights of its
own and works on each image alone, in training and afterwards.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LOOKS = ("a", "b")
OTHER = {"a": "b", "b": "a"}
WIDTH, BLOCKS = 64, 9  # as published; 6 blocks for images of 128x128
MOST_WIDTH, MOST_BLOCKS = 1024, 64  # more is a mistake, or an attack
STRIDE = 4  # of a generator
SMALLEST_PAINTED = 8  # pixels a side: a generator reflects borders at a quarter of the size
SMALLEST_JUDGED = 24  # pixels a side that leave a discriminator one patch
INITIAL_DEVIATION = 0.02


class Generator(nn.Module):
    """Gives images the look of a domain: (N, 3, H, W) in [-1, 1] -> the same shape and range.

    Sides that are no multiples of 4 are padded by reflection and cut back; at least 8 are needed.

    Args:
        width: channels at full size; twice and four times as many at a half and a quarter of it.
        blocks: residual blocks at a quarter of the size.
    """

    def __init__(self, width: int = WIDTH, blocks: int = BLOCKS):
        super().__init__()
        deepest = 4 * width
        self.layers = nn.Sequential(
            *_normed(_reflecting(3, width, 7)),
            *_normed(nn.Conv2d(width, 2 * width, 3, 2, 1)),
            *_normed(nn.Conv2d(2 * width, deepest, 3, 2, 1)),
            *(ResidualBlock(deepest) for _ in range(blocks)),
            *_normed(nn.ConvTranspose2d(deepest, 2 * width, 3, 2, 1, output_padding=1)),
            *_normed(nn.ConvTranspose2d(2 * width, width, 3, 2, 1, output_padding=1)),
            _reflecting(width, 3, 7),
            nn.Tanh(),
        )

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        padded = F.pad(images, (0, -width % STRIDE, 0, -height % STRIDE), mode="reflect")
        return self.layers(padded)[:, :, :height, :width]


class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x))), normed, without an activation behind the sum; (N, C, h, w)."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            *_normed(_reflecting(channels, channels, 3)),
            _reflecting(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class Discriminator(nn.Module):
    """Judges patches of 70x70 pixels: images (N, 3, H, W) -> (N, 1, H/8 - 2, W/8 - 2), 1 for real.

    Args:
        width: channels of the first layer; the next three have 2, 4 and 8 times as many.
    """

    def __init__(self, width: int = WIDTH):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for channels, stride in ((width, 2), (2 * width, 2), (4 * width, 1)):
            layers += [
                nn.Conv2d(channels, 2 * channels, 4, stride, 1),
                nn.InstanceNorm2d(2 * channels),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


def generators(width: int, blocks: int) -> nn.ModuleDict:
    """Two generators, by the look ("a", "b") that they give."""
    return nn.ModuleDict({look: Generator(width, blocks) for look in LOOKS})


def discriminators(width: int) -> nn.ModuleDict:
    """Two discriminators, by the look that they know."""
    return nn.ModuleDict({look: Discriminator(width) for look in LOOKS})


def with_initial_weights(module: nn.Module, seed: int) -> nn.Module:
    """A module that was built on the meta device, on the CPU: weights from N(0, 0.02²), biases 0.

    The state of torch's random numbers stays as it was.
    """
    module.to_empty(device="cpu")
    random = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, INITIAL_DEVIATION, generator=random)
            nn.init.zeros_(layer.bias)
    return module


def _reflecting(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2d:
    """A convolution that keeps the size; borders are reflected."""
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, padding_mode="reflect")


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    """Convolution, whose bias is published although the norm takes it away again, norm, ReLU."""
    norm = nn.InstanceNorm2d(convolution.out_channels)
    return convolution, norm, nn.ReLU(inplace=True)
