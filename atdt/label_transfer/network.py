"""The label network: maps of T2 from labels of T1."""

import torch
from torch import Tensor, nn

from atdt.label_transfer.reading import GROUND
from atdt.networks.cross_task import CrossTaskNetwork
from atdt.tasks.base import Task, mean_over_pixels
from atdt.tasks.depth import UNIT

TYPICAL = -2.0  # ln of the depth, in units of 100 m, that a fresh network says: 14 m


class LabelNetwork(nn.Module):
    """(N, C, h, w) channels of T1 -> (N, C', h, w), as a decoder of T2 puts out.

    Depth is learnt as a logarithm: relative errors then weigh the same near and far.

    Args:
        in_channels: C, see `Reading.channels`.
        out_channels: C', of the task.
        task: name of T2.
        width: of the U-Net, see `CrossTaskNetwork`.
    """

    def __init__(self, in_channels: int, out_channels: int, task: str, width: int):
        super().__init__()
        self.body = CrossTaskNetwork(in_channels, out_channels, _as_it_is, width)
        self.is_logarithm = task == "depth"
        if self.is_logarithm:
            nn.init.zeros_(self.body.last.weight)
            nn.init.constant_(self.body.last.bias, TYPICAL)

    def forward(self, channels: Tensor) -> Tensor:
        maps = self.body(channels).float()
        return maps.exp() if self.is_logarithm else maps


def output_of(network: LabelNetwork, channels: Tensor, has_ground: bool) -> Tensor:
    """What a label network says of channels, float32; depth of the ground, where it reads that,
    stays as it is."""
    output = network(channels)
    if not (has_ground and network.is_logarithm):
        return output
    logs, is_ground = channels[:, -2:-1], channels[:, -1:] > 0
    return torch.where(is_ground, (logs + GROUND).exp() / UNIT, output)


class Objective:
    """What a label network learns: T2's own loss or, for depth, the mean of |Δ ln depth|."""

    def __init__(self, task: Task):
        self.task = task

    def target(self, image: Tensor | None, label: Tensor | None) -> Tensor:
        """See `Task.target`."""
        return self.task.target(image, label)

    def valid(self, target: Tensor, channels: int) -> Tensor:
        """See `Task.valid`."""
        return self.task.valid(target, channels)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """See `Task.loss`."""
        if self.task.name != "depth":
            return self.task.loss(output, target)
        valid = self.task.valid(target, output.shape[1])
        apart = output[:, 0].log() - torch.where(valid, target, 1.0).log()
        return mean_over_pixels(torch.where(valid, apart, 0.0).abs(), valid, None)


def _as_it_is(channels: Tensor) -> Tensor:
    return channels
