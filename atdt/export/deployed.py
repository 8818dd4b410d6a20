"""The module that goes into a file: from pixels to a prediction."""

import torch
from torch import Tensor, nn

from atdt.devices import precision_context
from atdt.networks import TaskNetwork
from atdt.tasks.base import Task
from atdt.transfer.head import Head
from atdt.transfer.through import Through


class Transferred(nn.Module):
    """Images (N, 3, H, W) in [0, 1] -> T2's output (N, C, H, W), through E1, and G and D2, or a
    head.

    Args:
        encoder: N1, of which E1 alone is run.
        level: where E1 ends.
        decoder: what follows.
    """

    def __init__(self, encoder: TaskNetwork, level: str, decoder: Through | Head):
        super().__init__()
        self.encoder = encoder
        self.level = level
        self.decoder = decoder

    def forward(self, images: Tensor) -> Tensor:
        features = self.encoder.encode(images, self.level)
        output, _ = self.decoder.output_and_features(features, tuple(images.shape[-2:]))
        return output


class Deployed(nn.Module):
    """RGB images (N, 3, H, W), uint8 or float32 in [0, 1] -> what a task predicts.

    The images go through the network as `atdt decode` and `atdt predict` send them: channels last
    in memory, under autocast where `precision` says so.

    Args:
        network: images (N, 3, H, W) float32 in [0, 1] -> output (N, C, H, W).
        task: turns it into a prediction.
        raw: give the output, float32, instead.
        precision: see `atdt.devices`.
    """

    def __init__(self, network: nn.Module, task: Task, *, raw: bool, precision: str):
        super().__init__()
        self.network = network
        self.task = task
        self.raw = raw
        self.precision = precision
        self.to(memory_format=torch.contiguous_format)  # .pt2 warns of weights in another order

    def forward(self, images: Tensor) -> Tensor:
        return self.finished(self.output(images))

    def output(self, images: Tensor) -> Tensor:
        """The decoder's output (N, C, H, W) float32."""
        if images.dtype == torch.uint8:
            images = images.float() / 255
        images = images.contiguous(memory_format=torch.channels_last)
        with precision_context(images.device, self.precision):
            output = self.network(images)
        return output.float()

    def finished(self, output: Tensor) -> Tensor:
        """What is put out, from the decoder's output."""
        return output if self.raw else self.task.predict(output)
