"""The one door through which networks are made, the project's own and the user's alike."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from atdt.digests import sha256_json
from atdt.errors import NetworkError, UserError
from atdt.networks.base import TaskNetwork
from atdt.networks.complexity import meta_call
from atdt.networks.spec import NetworkSpec
from atdt.plugins import load_function

Builder = Callable[..., TaskNetwork]

MOST_CHANNELS = 4096  # a label space has 255 classes; a stranger's run.json must not ask for 10**9
BUILT_IN = {
    "tiny": "atdt.networks.tiny:build",
    "dilated-resnet50": "atdt.networks.dilated_resnet:build",
    "atdt-resnet50": "atdt.networks.atdt_resnet:build",
    "atdt-vgg": "atdt.networks.atdt_vgg:build",
    "resnet50": "atdt.networks.torchvision_resnet:build_resnet50",
    "resnet101": "atdt.networks.torchvision_resnet:build_resnet101",
    "vit": "atdt.networks.vit:build_vit",
}


def build_network(
    spec: NetworkSpec,
    out_channels: int,
    *,
    seed: int | None = None,
    allow_import: bool = False,
) -> TaskNetwork:
    """Make the network that `spec` names, on the CPU and in training mode.

    Args:
        spec: a name and options. A name "package.module:function" is imported, from the current
            folder too, and `function(out_channels, **options)` returns a `TaskNetwork`.
        out_channels: of its decoder.
        seed: of the initial weights; the state of torch's random numbers stays as it was. Drawn
            from that state when None.
        allow_import: let a name that is not built in be imported, which runs its code.

    Raises:
        NetworkError: the name, an option or what the function returned cannot be used.
    """
    if not 1 <= out_channels <= MOST_CHANNELS:
        raise NetworkError(f"{out_channels} output channels: must be from 1 to {MOST_CHANNELS}")
    function = _builder(spec.name, allow_import)
    _check_options(function, spec, out_channels)
    with _seeded(seed):
        network = function(out_channels, **spec.options)
    if not isinstance(network, TaskNetwork):
        raise NetworkError(
            f"network {spec.name!r}: returned a {type(network).__name__}, not a TaskNetwork; "
            "see docs/networks.md"
        )
    _check_output(network, spec, out_channels)
    network.architecture = sha256_json(spec.without_initial_weights().to_dict())
    return network


def _builder(name: str, allow_import: bool) -> Builder:
    """The function behind a name."""
    module, _, function = name.partition(":")
    if name not in BUILT_IN and not (module and function):
        raise NetworkError(
            f"network {name!r}: choose one of {', '.join(BUILT_IN)}, or give your own as "
            "package.module:function"
        )
    trusted = allow_import or name in BUILT_IN
    try:
        path = BUILT_IN.get(name, name)
        return load_function(path, f"network {name!r}", allow_import=trusted)
    except UserError as error:
        raise NetworkError(str(error)) from error


def _check_options(function: Builder, spec: NetworkSpec, out_channels: int) -> None:
    """Refuse options that the builder does not take, and name those that it does."""
    signature = inspect.signature(function)
    try:
        signature.bind(out_channels, **spec.options)
    except TypeError as error:
        options = list(signature.parameters.values())[1:]
        known = ", ".join(map(str, options)) or "none"
        raise NetworkError(f"network {spec.name!r}: {error}; its options: {known}") from None


def _check_output(network: TaskNetwork, spec: NetworkSpec, out_channels: int) -> None:
    """Refuse a network whose output has other channels, or is smaller than its images."""
    height, width = 2 * network.stride, 3 * network.stride
    inputs = network.decoder_inputs((height, width))
    try:
        shape = tuple(meta_call(network.decoder, *inputs).shape)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise NetworkError(f"network {spec.name!r}: its decoder fails ({reason})") from None
    if len(shape) != 4 or shape[1] != out_channels or shape[2] < height or shape[3] < width:
        raise NetworkError(
            f"network {spec.name!r}: two images of {height}x{width} decode to {shape}, not to "
            f"(2, {out_channels}, {height}, {width}) or larger sides"
        )


@contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Within it torch's random numbers on the CPU start from `seed`; behind it nobody notices."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
