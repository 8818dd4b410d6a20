"""Runs of a CycleGAN come back as generators."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from atdt.adapt.networks import MOST_BLOCKS, MOST_WIDTH, Generator, generators
from atdt.errors import RunError
from atdt.runs import INFO, Run, open_run
from atdt.training.weights import key_differences, shapes

KIND = "cyclegan"


@dataclass(frozen=True)
class LoadedCycleGAN:
    """A trained CycleGAN without gradients; `generators` by the look that they give."""

    generators: Mapping[str, Generator]
    run: Run

    def name(self, look: str) -> str:
        """Name of the domain that a look ("a", "b") is of."""
        return self.run.info["domains"][look]["name"]


def load_cyclegan(path: str | Path, device: str | torch.device = "cpu") -> LoadedCycleGAN:
    """Load the generators of a finished run.

    Raises:
        RunError: not a finished run of a CycleGAN, or its weights are not its networks'.
    """
    run = open_run(path, KIND)
    try:
        width, blocks = (run.info["network"][key] for key in ("width", "blocks"))
        names = [run.info["domains"][look]["name"] for look in ("a", "b")]
    except (LookupError, TypeError) as error:
        raise RunError(f"{run.path / INFO}: does not describe a CycleGAN ({error!r})") from None
    known = _number(width, 1, MOST_WIDTH) and _number(blocks, 0, MOST_BLOCKS)
    if not known or not all(isinstance(name, str) for name in names):
        raise RunError(
            f"{run.path / INFO}: width {width!r}, blocks {blocks!r} and names {names!r} do not "
            "describe a CycleGAN"
        )
    # Without memory first: otherwise a run.json of a few words could ask for gigabytes.
    with torch.device("meta"):
        networks: nn.ModuleDict = generators(width, blocks)
    weights = run.weights()
    problem = key_differences(shapes(networks.state_dict()), shapes(weights))
    if problem:
        raise RunError(f"{run.path}: weights and networks differ: {problem}")
    networks.to_empty(device="cpu").load_state_dict(weights)
    networks.to(device).eval().requires_grad_(False)
    return LoadedCycleGAN(dict(networks.items()), run)


def _number(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
