"""The architectures of G: bodies from C1 to C2 channels, one file each.

To add one, write its file and a line in `ARCHITECTURES`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from torch import nn

from atdt.errors import NetworkError
from atdt.transfer.architectures import (
    attention,
    bottleneck,
    d4,
    depthwise,
    identity,
    linear,
    paper,
    residual,
    ridge,
    unet,
)

KINDS = {int: "a whole number", float: "a number", str: "a word"}  # of options


@dataclass(frozen=True)
class Architecture:
    """How a body is built.

    Attributes:
        build: (in_channels, out_channels, **options) -> body, a module from (N, C1, h, w) to
            (N, C2, ·, ·) whose attribute `options` names what it was built with.
        standardise: whether, unless an option says otherwise, its inputs and targets are scaled to
            mean 0 and variance 1 a channel.
        same_channels: whether C1 and C2 must be the same.
        closed_form: whether its weights are solved for, and no step is taken.
    """

    build: Callable[..., nn.Module]
    standardise: bool = True
    same_channels: bool = False
    closed_form: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Names and defaults of the options."""
        own = list(inspect.signature(self.build).parameters.values())[2:]
        return {option.name: option.default for option in own} | {"standardise": self.standardise}

    def check_kind(self, option: str, value: Any) -> None:
        """Refuse a word where an option is a number, and the like.

        Raises:
            NetworkError: names the option, the value and what it must be.
        """
        annotation = inspect.signature(self.build).parameters[option].annotation
        kinds = get_args(annotation) or (annotation,)
        if type(value) not in kinds and not (type(value) is int and float in kinds):
            wanted = " or ".join(KINDS[kind] for kind in kinds if kind in KINDS)
            raise NetworkError(f"--option {option}={value}: must be {wanted}")


ARCHITECTURES: dict[str, Architecture] = {
    "attention": Architecture(attention.build),
    "bottleneck": Architecture(bottleneck.build),
    "d4": Architecture(d4.build, standardise=False),
    "depthwise": Architecture(depthwise.build),
    "identity": Architecture(identity.build, standardise=False, same_channels=True),
    "linear": Architecture(linear.build),
    "paper": Architecture(paper.build, standardise=False),
    "residual": Architecture(residual.build),
    "ridge": Architecture(ridge.build, closed_form=True),
    "unet": Architecture(unet.build),
}


def build_body(
    name: str, in_channels: int, out_channels: int, options: Mapping[str, Any]
) -> tuple[nn.Module, bool]:
    """The body of architecture `name`, and whether it wants standardised features.

    Raises:
        NetworkError: the name or an option is unknown, or an option has a value that cannot be.
    """
    known = architecture(name)
    unknown = [option for option in options if option not in known.options]
    if unknown:
        raise NetworkError(
            f"--option {unknown[0]}={options[unknown[0]]}: {name!r} has no such option; "
            f"it has {', '.join(f'{key} ({value})' for key, value in known.options.items())}"
        )
    values = dict(options)
    standardise = values.pop("standardise", known.standardise)
    if not isinstance(standardise, bool):
        raise NetworkError(f"--option standardise={standardise}: must be true or false")
    for option, value in values.items():
        known.check_kind(option, value)
    try:
        return known.build(in_channels, out_channels, **values), standardise
    except (TypeError, ValueError) as error:
        raise NetworkError(f"--architecture {name}: {error}") from error


def architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        NetworkError: there is none; the message lists those there are.
    """
    if name not in ARCHITECTURES:
        raise NetworkError(
            f"--architecture {name}: unknown; choose one of {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[name]
