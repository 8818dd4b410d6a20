"""Transfer runs come back as modules."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from atdt.errors import NetworkError, RunError
from atdt.networks import NetworkSpec
from atdt.runs import INFO, Run, open_run
from atdt.training.weights import fill, key_differences, shapes
from atdt.transfer.building import FEATURES_MODE, HEAD_MODE
from atdt.transfer.head import DEFAULT_BODY, build_head
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
    weights = run.weights()
    try:
        _check_claims(run, weights)
        module = _built(run.info, allow_import)
        source_level, level, mode = run.info["source"]["level"], run.info["level"], run.info["mode"]
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise RunError(
            f"{run.path / INFO}: does not describe a transfer network ({error!r})"
        ) from None
    try:
        fill(module, weights)
    except ValueError as error:
        raise RunError(f"{run.path}: weights and network differ: {error}") from None
    module.to(device).eval().requires_grad_(False)
    return LoadedTransfer(module, run, source_level, level, mode)


def _check_claims(run: Run, weights: Mapping[str, Tensor]) -> None:
    """Build G, or a head's part of it, without memory: weights of another size cannot be its own.

    Otherwise a run.json of a few words could ask for terabytes.
    """
    info = run.info
    options = dict(info["options"])
    is_head = info["mode"] == HEAD_MODE
    architecture = options.pop("body", DEFAULT_BODY) if is_head else info["architecture"]
    source, target = tuple(info["source"]["shape"]), tuple(info["target"]["shape"])
    try:
        with torch.device("meta"):
            blanks = Standard.blank(source[0]), None if is_head else Standard.blank(target[0])
            sketch = build_transfer(architecture, options, source, target, *blanks)
    except RuntimeError as error:  # sizes that overflow
        raise ValueError(str(error).partition("\n")[0]) from None
    prefix = "transfer." if is_head else ""
    found = {
        name.removeprefix(prefix): tuple(tensor.shape)
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }
    problem = key_differences(shapes(sketch.state_dict()), found)
    if problem:
        raise RunError(f"{run.path}: weights and network differ: {problem}")


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
