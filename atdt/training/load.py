"""Runs that hold a task network: what their run.json says, and how the network comes back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from atdt.domains import LabelSpace
from atdt.errors import NetworkError, RunError
from atdt.networks import NetworkSpec, TaskNetwork, build_network
from atdt.runs import INFO, Run, open_run
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.training.weights import fill

KIND = "task-network"
# What run.json must hold of a task network, besides what every run has.
DESCRIBED = {
    "task": str,
    "network": dict,
    "out_channels": int,
    "label_space": dict,
    "preprocessing": dict,
}
# Of run.json: the auxiliary tasks whose decoders are kept, and their label spaces. Their tensors
# are in the run's weights under "auxiliary.TASK.", beside the network's own.
KEPT = "auxiliary_decoders"


@dataclass(frozen=True)
class LoadedNetwork:
    """A trained task network in evaluation mode, without gradients, and what it was trained for."""

    network: TaskNetwork
    task: Task
    space: LabelSpace
    run: Run


def load_task_network(
    path: str | Path, device: str | torch.device = "cpu", allow_import: bool = False
) -> LoadedNetwork:
    """Load the task network of a finished run.

    Args:
        path: the run's folder.
        device: where the network is to live.
        allow_import: import the module that the run names, if its network is a user's own.

    Raises:
        RunError: not a finished run of a task network, or its weights are not its network's.
        NetworkError: the network cannot be built (without `allow_import`, say).
    """
    run = open_run(path, KIND)
    for key, kind in DESCRIBED.items():
        if not isinstance(run.info.get(key), kind):
            raise RunError(f"{run.path / INFO}: {key!r} is missing or no {kind.__name__}")
    task = get_task(run.info["task"])
    space = LabelSpace.from_dict(run.info["label_space"])
    spec = NetworkSpec.from_dict(run.info["network"]).without_initial_weights()
    network = build_network(spec, run.info["out_channels"], seed=0, allow_import=allow_import)
    try:
        network.mean = run.info["preprocessing"]["mean"]
        network.std = run.info["preprocessing"]["std"]
    except (KeyError, TypeError, ValueError, OverflowError, NetworkError) as error:
        raise RunError(f"{run.path / INFO}: preprocessing is unusable ({error!r})") from None
    try:
        fill(network, _own_weights(run))
    except ValueError as error:
        raise RunError(f"{run.path}: weights and network differ: {error}") from None
    # a fifth faster for the paper's encoder on a CPU
    network.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    return LoadedNetwork(network, task, space, run)


def start_encoder(network: TaskNetwork, path: str | Path) -> None:
    """Start the encoder of `network` from the one of a finished run of the same architecture.

    Raises:
        RunError: not such a run, or another architecture; the message names the first keys.
    """
    run = open_run(path, KIND)
    prefix = "stages."
    encoder = {
        name.removeprefix(prefix): tensor
        for name, tensor in run.weights().items()
        if name.startswith(prefix)
    }
    try:
        fill(network.stages, encoder)
    except ValueError as error:
        raise RunError(f"{run.path}: holds another encoder: {error}") from None


def take_decoder(decoder: nn.Module, path: str | Path, task: Task, space: LabelSpace) -> None:
    """Fill `decoder` with the one that a finished run kept for an auxiliary task.

    Raises:
        RunError: no such run; it kept none for the task, or one of another architecture or other
            classes.
    """
    run = open_run(path, KIND)
    kept = _kept(run)
    if task.name not in kept:
        raise RunError(
            f"{run.path}: keeps no decoder for {task.name} (it keeps: {', '.join(kept) or 'none'});"
            f" train it with --auxiliary {task.name} --keep-auxiliary-decoder"
        )
    if task.label == "semantic":
        classes = LabelSpace.from_dict(kept[task.name]).classes
        if classes != space.classes:
            raise RunError(f"{run.path}: its decoder for {task.name} is of other classes")
    prefix = _prefix(task.name)
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in run.weights().items()
        if name.startswith(prefix)
    }
    try:
        fill(decoder, tensors)
    except ValueError as error:
        raise RunError(f"{run.path}: holds another decoder for {task.name}: {error}") from None


def decoder_tensors(task: Task, decoder: nn.Module) -> dict[str, Tensor]:
    """The tensors of an auxiliary task's decoder, under the names that a run keeps them by."""
    return {f"{_prefix(task.name)}{n}": tensor for n, tensor in decoder.state_dict().items()}


def decoder_keys(kept: Iterable[tuple[Task, LabelSpace]]) -> dict[str, Any]:
    """What run.json says of the auxiliary tasks whose decoders are kept, so that `take_decoder`
    finds them."""
    return {KEPT: {task.name: space.to_dict() for task, space in kept}}


def without_decoders(tensors: Mapping[str, Tensor], tasks: Iterable[str]) -> dict[str, Tensor]:
    """Those of a run's tensors that are the network's own, where `tasks` have decoders kept."""
    prefixes = tuple(map(_prefix, tasks))
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(prefixes)}


def network_keys(
    network: TaskNetwork, spec: NetworkSpec, task: Task, space: LabelSpace
) -> dict[str, Any]:
    """What run.json says of a task network, so that `load_task_network` can build it again."""
    return {
        "task": task.name,
        "network": spec.to_dict(),
        "initial_weights": network.origin,
        "out_channels": task.channels(space),
        "label_space": space.to_dict(),
        "preprocessing": {"mean": list(network.mean), "std": list(network.std)},
        "network_sha256": network.weights_digest("network"),
        "encoder_sha256": network.weights_digest("encoder"),
    }


def _own_weights(run: Run) -> dict[str, Tensor]:
    return without_decoders(run.weights(), _kept(run))


def _kept(run: Run) -> dict[str, Any]:
    """The auxiliary tasks whose decoders a run keeps, and their label spaces."""
    kept = run.info.get(KEPT, {})
    if not isinstance(kept, dict):
        raise RunError(f"{run.path / INFO}: {KEPT!r} is no dict")
    return kept


def _prefix(task: str) -> str:
    return f"auxiliary.{task}."
