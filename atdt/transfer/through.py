"""G and D2 in a row: what follows E1 on B."""

from collections.abc import Callable

from torch import Tensor, nn

from atdt.networks import TaskNetwork
from atdt.transfer.network import TransferNetwork

Size = tuple[int, int]


class Through(nn.Module):
    """Features of E1 (N, C1, h, w) -> T2's output (N, out, H, W), through G and D2.

    Args:
        transfer: G.
        decoder: N2, of which D2 alone is run.
        level: where D2 starts.
        target_size: (height, width) of an image -> that of E2's features of it, which G's are
            resized to; as N2 says when None.
    """

    def __init__(
        self,
        transfer: TransferNetwork,
        decoder: TaskNetwork,
        level: str,
        target_size: Callable[[Size], Size] | None = None,
    ):
        super().__init__()
        self.transfer = transfer
        self.decoder = decoder
        self.level = level
        self.target_size = target_size or (lambda size: decoder.feature_shape(level, size)[1:])

    def output_and_features(self, features: Tensor, size: Size) -> tuple[Tensor, Tensor]:
        """T2's output for images of `size`, and the features that D2 takes."""
        made = self.transfer(features, self.target_size(size))
        return self.decoder.decode(made, self.level, size=size), made
