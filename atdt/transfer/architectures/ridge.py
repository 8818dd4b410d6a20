"""Ridge regression: the best linear map in closed form, from one pass over the store."""

import math

from torch import Tensor, nn

from atdt.transfer.architectures.residual import linear_map


def build(
    in_channels: int, out_channels: int, *, neighbourhood: int = 1, alpha: float | None = None
) -> nn.Module:
    """A linear map whose weights are solved for, see `atdt.transfer.ridge`; no step is taken.

    Args:
        neighbourhood: 1: each location by itself; 3: with its eight neighbours.
        alpha: of the penalty, in units of the mean square of an input; chosen on the held-out
            images of A where it is left open.
    """
    return Ridge(linear_map(in_channels, out_channels, neighbourhood), alpha)


class Ridge(nn.Module):
    """Shapes: (N, in, h, w) -> (N, out, h, w).

    Attributes:
        linear: what is solved for.
    """

    def __init__(self, linear: nn.Conv2d, alpha: float | None):
        super().__init__()
        if alpha is not None and not 0 < alpha < math.inf:
            raise ValueError(f"`alpha` (={alpha}) must be a number above 0")
        self.options = {"neighbourhood": linear.kernel_size[0], "alpha": alpha}
        self.linear = linear

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features)
