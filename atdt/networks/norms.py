"""The norms of the paper's code, with its constants (Zama Ramirez et al., ICCV 2019)."""

import torch
from torch import Tensor, nn

from atdt.errors import NetworkError
from atdt.networks.blocks import Norm

GROUPS = 32


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """TensorFlow's defaults: ε 1e-3, and running statistics that keep 0.99 of themselves."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InstanceNorm(nn.InstanceNorm2d):
    """torch's, which refuses features of a single position by an error that is no user's."""

    def forward(self, features: Tensor) -> Tensor:
        if features.shape[-2:].numel() == 1:
            raise NetworkError(
                "norm=instance: features of 1x1 have no variance; give larger images, or another "
                "norm"
            )
        return super().forward(features)


def instance_norm(channels: int) -> InstanceNorm:
    """Statistics of each sample, at test time too; scales are drawn from N(1, 0.02²)."""
    norm = InstanceNorm(channels, eps=1e-5, affine=True)
    nn.init.normal_(norm.weight, 1.0, 0.02)
    return norm


class InterleavedGroupNorm(nn.Module):
    """Group norm whose group g is the channels c ≡ g (mod 32), as the paper's code reshapes them.

    `torch.nn.GroupNorm` groups neighbouring channels instead. (N, C, h, w) -> the same shape;
    statistics are taken in float32 over a sample's positions and a group's channels.

    Args:
        channels: a multiple of 32.
    """

    def __init__(self, channels: int):
        super().__init__()
        if channels % GROUPS:
            raise NetworkError(f"group norm of {channels} channels: must be a multiple of {GROUPS}")
        self.eps = 1e-5
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        grouped = features.float().unflatten(1, (-1, GROUPS))
        variance, mean = torch.var_mean(grouped, dim=(1, 3, 4), correction=0, keepdim=True)
        normal = ((grouped - mean) * torch.rsqrt(variance + self.eps)).flatten(1, 2)
        scaled = normal * self.weight[:, None, None] + self.bias[:, None, None]
        return scaled.to(features.dtype)


NORMS: dict[str, Norm | None] = {
    "batch": batch_norm,
    "group": InterleavedGroupNorm,
    "instance": instance_norm,
    "none": None,
}


def norm_named(name: str | None) -> Norm | None:
    """The norm of that name; None and "none" are no norm.

    Raises:
        NetworkError: there is no such norm.
    """
    name = "none" if name is None else name
    if name not in NORMS:
        raise NetworkError(f"norm={name}: choose one of {', '.join(NORMS)}")
    return NORMS[name]
