"""Transfer runs come back as modules."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from atdt.errors import NetworkError, RunError
from atdt.networks import NetworkSpec
from atdt.runs import INFO, Run, open_run
from atdt.training.weights import fill
from atdt.transfer.building import FEATURES_MODE, HEAD_MODE
from atdt.transfer.head import build_head
from atdt.transfer.network import Standard, build_transfer

KIND = "transfer"


@dataclass(frozen=True)
class LoadedTransfer:
    """A trained G or head in evaluation mode, without gradients.

    Attributes:
        module: features of E1 (N, C1, h1, w1) -> features of E2 (N, C2, h2, w2), or of a head ->
            T2's output (N, out, H, W); `size` (height, width) as second argument asks for a size
            of the features, or crops a head's output.
        run: the run it comes from.
        source_level: where E1 is cut.
        level: where D2 takes over.
        mode: "features" or "head".
    """

    module: nn.Module
    run: Run
    source_level: str
    level: str
    mode: str


def load_transfer(
    path: str | Path, device: str | torch.device = "cpu", allow_import: bool = False
) -> LoadedTransfer:
    """Load the network of a finished transfer run.

    Args:
        allow_import: import the module that a head's run names, if its network is a user's own.

    Raises:
        RunError: not a finished run of a transfer network, or its weights are not its network's.
        NetworkError: the network cannot be built.
    """
    run = open_run(path, KIND)
    try:
        module = _built(run.info, allow_import)
        source_level, level, mode = run.info["source"]["level"], run.info["level"], run.info["mode"]
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{run.path / INFO}: does not describe a transfer network ({error!r})"
        ) from None
    try:
        fill(module, run.weights())
    except ValueError as error:
        raise RunError(f"{run.path}: weights and network differ: {error}") from None
    module.to(device).eval().requires_grad_(False)
    return LoadedTransfer(module, run, source_level, level, mode)


def _built(info: dict[str, Any], allow_import: bool) -> nn.Module:
    """The network that a run.json describes, with weights to be filled."""
    source, target = tuple(info["source"]["shape"]), tuple(info["target"]["shape"])
    blank = Standard.blank(source[0])
    if info["mode"] == FEATURES_MODE:
        return build_transfer(
            info["architecture"],
            info["options"],
            source,
            target,
            blank,
            Standard.blank(target[0]),
        )
    if info["mode"] != HEAD_MODE:
        raise NetworkError(f"a transfer run of mode {info['mode']!r} is of another version of atdt")
    head = info["head"]
    return build_head(
        info["options"],
        NetworkSpec.from_dict(head["network"]),
        int(head["out_channels"]),
        info["level"],
        source,
        target,
        blank,
        allow_import=allow_import,
    )
