"""Weights that go into a network: every key and every shape, or none."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from atdt.errors import NetworkError, RunError
from atdt.networks import TaskNetwork

PIECE = re.compile(r"^(stages\.\d+|decoder)\.")  # what cutting a network puts before its names
NAMED = 3  # keys that a message names before it counts the rest


def fill(module: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Load `tensors` into `module`, which has exactly these keys and shapes.

    Raises:
        ValueError: they differ; one line that names the first keys that do.
    """
    problem = key_differences(shapes(module.state_dict()), shapes(tensors))
    if problem:
        raise ValueError(problem)
    module.load_state_dict(dict(tensors))


def restored[Network: nn.Module](
    build: Callable[[], Network],
    sketch: nn.Module,
    weights: Mapping[str, torch.Tensor],
    path: Path,
    device: str | torch.device,
) -> Network:
    """The network of a finished run, in evaluation mode and without gradients.

    Args:
        build: makes it; called once the run's weights are known to be of its size.
        sketch: the same without memory, on the device "meta".
        path: the run's folder.

    Raises:
        RunError: the weights are another network's.
    """
    problem = key_differences(shapes(sketch.state_dict()), shapes(weights))
    if problem:
        raise RunError(f"{path}: weights and network differ: {problem}")
    network = build()
    fill(network, weights)
    return network.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


def shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    """Of each tensor, by its name."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def matched(
    network: TaskNetwork, tensors: dict[str, torch.Tensor], path: Path
) -> dict[str, torch.Tensor]:
    """`tensors` under the network's own names.

    Raises:
        NetworkError: keys or shapes differ; the message names the first ones.
    """
    wanted, found = shapes(network.state_dict()), shapes(tensors)
    uncut = {PIECE.sub("", name): name for name in wanted}
    if len(uncut) == len(wanted) and not any(PIECE.match(name) for name in found):
        wanted = {short: wanted[name] for short, name in uncut.items()}
        tensors = {uncut.get(name, name): tensor for name, tensor in tensors.items()}
    problem = key_differences(wanted, found)
    if problem:
        raise NetworkError(f"{path}: weights of another network: {problem}")
    return tensors


def key_differences(
    wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> str:
    """How the keys and shapes of a file differ from a network's; "" where they do not."""
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    reshaped = [
        f"{name} {found[name]} instead of {wanted[name]}"
        for name in wanted
        if name in found and found[name] != wanted[name]
    ]
    parts = {"missing": missing, "not of this network": unknown, "other shapes": reshaped}
    return "; ".join(f"{what}: {_first(names)}" for what, names in parts.items() if names)


def _first(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown
