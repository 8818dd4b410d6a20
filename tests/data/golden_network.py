"""The architecture of the golden run of a task network: small enough to be kept for good."""

from torch import nn

from atdt.networks import TaskNetwork


def build(out_channels: int, width: int = 2) -> TaskNetwork:
    """Four levels of `width` channels, the first at half of the image's side."""
    stages = [
        nn.Sequential(nn.Conv2d(3, width, 3, stride=2, padding=1), nn.BatchNorm2d(width)),
        *(nn.Sequential(nn.Conv2d(width, width, 1), nn.ReLU()) for _ in range(3)),
    ]
    decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(width, out_channels, 1))
    return TaskNetwork(stages, decoder, stride=2)
