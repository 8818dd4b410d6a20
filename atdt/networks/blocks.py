"""The one block that all of the project's own networks are made of."""

from collections.abc import Callable

from torch import nn

Norm = Callable[[int], nn.Module]
Activation = Callable[[], nn.Module]


def convolution(
    in_channels: int,
    out_channels: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    norm: Norm | None,
    activation: Activation | None,
) -> nn.Sequential:
    """Convolution → norm → activation, each of the latter two if there is one.

    Zeros are padded so that stride 1 keeps the size; there is a bias only where no norm follows.

    Args:
        kernel: its side, odd.
        norm, activation: make the module, from the number of channels and from nothing.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=norm is None,
        )
    ]
    if norm is not None:
        layers.append(norm(out_channels))
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)
