"""What is exported: the networks of a run, cut down to what a prediction needs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from atdt.decode.belonging import load_side
from atdt.decode.decoders import load_decoder
from atdt.domains import LabelSpace
from atdt.errors import NetworkError, UserError
from atdt.export.config import Exporting
from atdt.export.deployed import Transferred
from atdt.networks import TaskNetwork
from atdt.runs import Run, open_run
from atdt.tasks.base import Task
from atdt.training.load import load_task_network
from atdt.transfer.load import KIND as TRANSFER
from atdt.transfer.load import load_transfer
from atdt.transfer.through import Through

Size = tuple[int, int]


@dataclass(frozen=True)
class Subject:
    """What goes into a file.

    Attributes:
        network: images (N, 3, H, W) float32 in [0, 1] -> output (N, C, H, W).
        task, space: what it predicts.
        stride: what the sides of images are padded to multiples of.
        training_focal: of the camera that depth was learnt under, in pixels; None where unknown.
        runs: what identifies each run that it is of, by its part.
        mismatch: differences that --allow-mismatch let through, in training or here.
        baseline: run of N2, where there is one.
    """

    network: nn.Module
    task: Task
    space: LabelSpace
    stride: int
    training_focal: float | None
    runs: dict[str, dict[str, Any]]
    mismatch: tuple[str, ...] = ()
    baseline: Path | None = None


def load_subject(config: Exporting, size: Size, device: torch.device) -> Subject:
    """The networks of `config.run`, for images of `size`.

    Raises:
        RunError: a run that is absent, unfinished or damaged.
        MismatchError: E1, G and D2 do not belong together.
        UserError: networks are given that the run has no use for.
    """
    if open_run(config.run).kind == TRANSFER:
        return _transferred(config, size, device)
    for option, given in (("--encoder", config.encoder), ("--decoder", config.decoder)):
        if given is not None:
            raise UserError(f"{option} {given}: {config.run} holds a whole network; leave it out")
    return load_whole(config.run, device, config.allow_import)


def load_whole(run: Path, device: torch.device, allow_import: bool) -> Subject:
    """A task network as it is: a student, the oracle, the baseline.

    Raises:
        RunError, NetworkError: see `load_task_network`.
    """
    loaded = load_task_network(run, device, allow_import)
    return Subject(
        network=loaded.network,
        task=loaded.task,
        space=loaded.space,
        stride=loaded.network.stride,
        training_focal=loaded.run.info.get("training_focal"),
        runs={"network": _identity(loaded.run)},
    )


def _transferred(config: Exporting, size: Size, device: torch.device) -> Subject:
    transfer = load_transfer(config.run, device, config.allow_import)
    allowed, allow_import = config.allow_mismatch, config.allow_import
    source, mismatch = load_side(
        "source", config.encoder, transfer, size, allowed, device, allow_import
    )
    decoder = load_decoder(transfer, config.decoder, size, allowed, device, allow_import)
    encoder, info = source.network, transfer.run.info
    stride = math.lcm(encoder.stride, decoder.module.decoder.stride)
    runs = {
        "transfer": _identity(transfer.run)
        | {"architecture": info["architecture"], "level": transfer.level},
        "encoder": _identity(source.run) | {"level": transfer.source_level},
    }
    if decoder.run is not None:
        runs["decoder"] = _identity(decoder.run)
    if isinstance(decoder.module, Through):
        _settle(decoder.module, size, stride if config.dynamic_size else None)
    encoder.drop("decoder", transfer.source_level)
    return Subject(
        network=Transferred(encoder, transfer.source_level, decoder.module),
        task=decoder.task,
        space=decoder.space,
        stride=stride,
        training_focal=decoder.method["training_focal"],
        runs=runs,
        mismatch=(
            *(f"in training {transfer.run.path.name}: {line}" for line in info["mismatch"]),
            *mismatch,
            *decoder.mismatch,
        ),
        baseline=None if decoder.run is None else decoder.run.path,
    )


def _settle(through: Through, size: Size, stride: int | None) -> None:
    """Fix the size of E2's features, so that E2 is not needed to know it, and let go of E2.

    Args:
        stride: where sizes are dynamic, what their sides are multiples of.
    """
    if stride is None:
        target = through.target_size(size)
        through.target_size = lambda size: target
    else:
        through.target_size = _fraction(through.decoder, through.level, stride)
    through.decoder.drop("encoder", through.level)


def _fraction(network: TaskNetwork, level: str, stride: int) -> Callable[[Size], Size]:
    """Sizes of features as a fixed fraction of an image's.

    Raises:
        NetworkError: they are none.
    """
    side = 2 * stride  # a map of one position is more than some norms take
    parts = [side // of for of in network.feature_shape(level, (side, side))[1:]]

    def fraction(size: Size) -> Size:
        height, width = (side // part for side, part in zip(size, parts, strict=True))
        return height, width

    size = 3 * stride, 5 * stride
    if network.feature_shape(level, size)[1:] != fraction(size):
        raise NetworkError("--dynamic-size: E2's features are no fixed fraction of an image")
    return fraction


def _identity(run: Run) -> dict[str, Any]:
    """What identifies a run, wherever it lies."""
    return {"name": run.path.resolve().name, "sha256": run.info["weights"]["sha256"]}
