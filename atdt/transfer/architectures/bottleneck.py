"""The cheap default: 1×1 down, residual pairs of 3×3, 1×1 up."""

from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"elu": nn.ELU, "gelu": nn.GELU, "relu": nn.ReLU}
WIDEST = 256  # at the paper's 2048 channels a thirtieth of the cost of its own G

MOST_BLOCKS = 1000  # a stranger's run.json must not ask for a billion


def build(
    in_channels: int,
    out_channels: int,
    *,
    width: int | None = None,
    blocks: int = 2,
    activation: str = "elu",
) -> nn.Module:
    """A residual bottleneck; 3.5 G multiply-accumulates for 2048 → 2048 channels at 32×32.

    Args:
        width: inner channels; by default 256, or `out_channels` where these are fewer.
        blocks: residual pairs of 3×3 convolutions.
        activation: "elu", "gelu" or "relu".
    """
    width = min(WIDEST, out_channels) if width is None else width
    if width < 1:
        raise ValueError(f"`width` (={width}) must be at least 1")
    if not 0 <= blocks <= MOST_BLOCKS:
        raise ValueError(f"`blocks` (={blocks}) must be from 0 to {MOST_BLOCKS}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"`activation` (={activation}) must be one of {', '.join(ACTIVATIONS)}")
    return Bottleneck(in_channels, out_channels, width, blocks, activation)


class Bottleneck(nn.Module):
    """Shapes: (N, in, h, w) -> (N, out, h, w)."""

    def __init__(
        self, in_channels: int, out_channels: int, width: int, blocks: int, activation: str
    ):
        super().__init__()
        self.options = {"width": width, "blocks": blocks, "activation": activation}
        kind = ACTIVATIONS[activation]
        self.down = nn.Conv2d(in_channels, width, kernel_size=1)
        self.blocks = nn.Sequential(*(Residual(width, kind) for _ in range(blocks)))
        self.up = nn.Sequential(kind(), nn.Conv2d(width, out_channels, kernel_size=1))

    def forward(self, features: Tensor) -> Tensor:
        return self.up(self.blocks(self.down(features)))


class Residual(nn.Module):
    """x + a pair of 3×3 convolutions of x, which starts as x: training decides what to add."""

    def __init__(self, width: int, activation: type[nn.Module]):
        super().__init__()
        last = nn.Conv2d(width, width, kernel_size=3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        first = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.pair = nn.Sequential(activation(), first, activation(), last)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.pair(features)
