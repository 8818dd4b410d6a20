"""What the bodies of G are made of."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from atdt.networks.norms import norm_named

ACTIVATIONS: dict[str, type[nn.Module]] = {"elu": nn.ELU, "gelu": nn.GELU, "relu": nn.ReLU}
WIDEST = 256  # at the paper's 2048 channels a thirtieth of the cost of its own G
MOST = 1000  # a stranger's run.json must not ask for a billion blocks


def checked(**numbers: int) -> None:
    """Refuse what is below 1.

    Raises:
        ValueError: naming the option and its value.
    """
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f"`{name}` (={value}) must be at least 1")


def inner_width(width: int | None, out_channels: int) -> int:
    """Inner channels: as told, else 256, or `out_channels` where these are fewer."""
    width = min(WIDEST, out_channels) if width is None else width
    checked(width=width)
    return width


def block_count(blocks: int) -> int:
    """`blocks`, which may be 0.

    Raises:
        ValueError: fewer, or more than anybody wants.
    """
    if not 0 <= blocks <= MOST:
        raise ValueError(f"`blocks` (={blocks}) must be from 0 to {MOST}")
    return blocks


def activation_named(name: str) -> type[nn.Module]:
    """The activation of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"`activation` (={name}) must be one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def normed(norm: str, channels: int) -> list[nn.Module]:
    """The norm of that name for so many channels, as a list: of none for "none".

    Raises:
        NetworkError: there is no such norm, or it does not take so many channels.
    """
    made = norm_named(norm)
    return [] if made is None else [made(channels)]


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """`layer` with weights and bias of zero, so that a residual starts as nothing."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Bottleneck(nn.Module):
    """1×1 down, blocks of one kind, 1×1 up. Shapes: (N, in, h, w) -> (N, out, h, w).

    Args:
        options: of the architecture; "width", "blocks" and "activation" are looked at.
        block: makes one, (N, width, h, w) -> the same.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        options: Mapping[str, Any],
        block: Callable[[], nn.Module],
    ):
        super().__init__()
        self.options = dict(options)
        width, kind = options["width"], activation_named(options["activation"])
        self.down = nn.Conv2d(in_channels, width, kernel_size=1)
        self.blocks = nn.Sequential(*(block() for _ in range(options["blocks"])))
        self.up = nn.Sequential(kind(), nn.Conv2d(width, out_channels, kernel_size=1))

    def forward(self, features: Tensor) -> Tensor:
        return self.up(self.blocks(self.down(features)))


class Residual(nn.Module):
    """x + a pair of 3×3 convolutions of x, which starts as x: training decides what to add."""

    def __init__(self, width: int, activation: type[nn.Module], norm: str = "none"):
        super().__init__()
        # Drawn in this order since the first version: a seed makes the weights that it always made.
        last, first = (nn.Conv2d(width, width, kernel_size=3, padding=1) for _ in range(2))
        self.pair = nn.Sequential(
            *normed(norm, width), activation(), first,
            *normed(norm, width), activation(), zeroed(last),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        return features + self.pair(features)


class Attention(nn.Module):
    """x + what all its locations have to say to one another, in `heads` groups of channels.

    Shapes: (N, C, h, w) -> the same; memory and time grow with (h·w)².
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"`heads` (={heads}) must divide `width` (={width})")
        self.heads = heads
        self.norm = nn.GroupNorm(1, width)
        self.ask = nn.Conv2d(width, 3 * width, kernel_size=1)
        self.answer = zeroed(nn.Conv2d(width, width, kernel_size=1))

    def forward(self, features: Tensor) -> Tensor:
        n, channels, height, width = features.shape
        asked = self.ask(self.norm(features)).reshape(n, 3, self.heads, channels // self.heads, -1)
        query, key, value = asked.transpose(-1, -2).unbind(1)  # (N, heads, h·w, C/heads)
        said = nn.functional.scaled_dot_product_attention(query, key, value)
        said = said.transpose(1, 2).reshape(n, height, width, channels)
        return features + self.answer(said.permute(0, 3, 1, 2))  # channels last, as G learns
