"""How each network of the paper's code ends: its decoder, skips or none, and its first weights."""

from collections.abc import Mapping, Sequence

from torch import nn

from atdt.errors import NetworkError
from atdt.networks.base import TaskNetwork
from atdt.networks.blocks import Decoder, Norm, start_by_glorot
from atdt.networks.skips import SkipNetwork


def finished(
    stages: Sequence[nn.Module],
    in_channels: int,
    widths: Sequence[int],
    out_channels: int,
    norm: Norm | None,
    *,
    stride: int,
    norm_at_half: bool,
    skips: bool,
    maps: Mapping[str, int],
) -> TaskNetwork:
    """The task network of `stages` and a `Decoder`, from scratch: Glorot-uniform, zero biases.

    Args:
        in_channels: of the deepest features.
        widths, out_channels, norm, norm_at_half: see `Decoder`.
        stride: see `TaskNetwork`.
        skips: give the decoder `maps` to read; the network cannot be cut then.
        maps: where they come from, as `SkipNetwork` wants it, and their channels; the decoder's
            first step reads the first.

    Raises:
        NetworkError: `skips` is neither true nor false.
    """
    if not isinstance(skips, bool):
        raise NetworkError(f"skips={skips}: choose true or false")
    channels = list(maps.values()) if skips else []
    decoder = Decoder(
        in_channels, widths, out_channels, norm, norm_at_half=norm_at_half, skips=channels
    )
    network = (
        SkipNetwork(stages, decoder, skips=list(maps), stride=stride)
        if skips
        else TaskNetwork(stages, decoder, stride=stride)
    )
    start_by_glorot(network)
    return network
