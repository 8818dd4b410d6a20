"""A head on E1: what knows the same as G and has the same parameters, but not E2 or D2's weights.

It is rival (ii) of AT/DT: G's body and a decoder of D2's architecture, drawn anew, learn T2 by its
own loss from the labels of A.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from atdt.networks import NetworkSpec, TaskNetwork, build_network
from atdt.transfer.network import Standard, TransferNetwork, build_transfer

DEFAULT_BODY = "bottleneck"


class Head(nn.Module):
    """Features of E1 (N, C1, h, w) -> T2's output (N, out, H, W), as D2 would put it out.

    Args:
        transfer: from E1's channels to those that the decoder takes.
        decoder: a task network whose stages up to `level` are gone.
        level: where it starts.
    """

    def __init__(self, transfer: TransferNetwork, decoder: TaskNetwork, level: str):
        super().__init__()
        self.transfer = transfer
        self.decoder = decoder
        self.level = level

    def forward(self, features: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Predict T2; `size` (height, width) crops the output, in pixels of the image."""
        output, _ = self.output_and_features(features, size)
        return output

    def output_and_features(
        self, features: Tensor, size: tuple[int, int] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The output, as `forward` gives it, and the features that the decoder takes."""
        made = self.transfer(features)
        return self.decoder.decode(made, self.level, size=size), made


def build_head(
    options: Mapping[str, Any],
    spec: NetworkSpec,
    out_channels: int,
    level: str,
    source: tuple[int, int, int],
    target: tuple[int, int, int],
    source_standard: Standard | None = None,
    seed: int | None = None,
    allow_import: bool = False,
) -> Head:
    """Build a head with weights drawn from `seed`.

    Args:
        options: of the body's architecture, and `body`, its name.
        spec, out_channels, level: of N2, and where its E2 ends.
        source, target: shapes of the features that the body takes and gives.

    Raises:
        NetworkError: an unknown body or option, or a network that cannot be built or cut.
    """
    options = dict(options)
    body = options.pop("body", DEFAULT_BODY)
    transfer = build_transfer(body, options, source, target, source_standard, seed=seed)
    fresh = spec.without_initial_weights()
    network = build_network(fresh, out_channels, seed=seed, allow_import=allow_import)
    network.check_can_be_cut(f"network {spec.name!r}")
    network.drop("encoder", level)  # E2 is not part of a head
    return Head(transfer, network, level)
