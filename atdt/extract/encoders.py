"""The frozen encoders of an extraction, their names in the store, and where they are cut."""

import re
from dataclasses import dataclass
from typing import Any

import torch

from atdt.devices import precision_context
from atdt.errors import NetworkError, UserError
from atdt.extract.config import ALL_LEVELS, Extraction
from atdt.provenance import provenance
from atdt.training.load import LoadedNetwork, load_task_network

NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, eq=False)
class Encoder:
    """An encoder in evaluation mode, and the levels that are extracted.

    Attributes:
        name: of its arrays.
        loaded: the task network it belongs to.
        levels: where it is cut.
    """

    name: str
    loaded: LoadedNetwork
    levels: tuple[str, ...]

    def features(
        self, images: torch.Tensor, levels: tuple[str, ...], precision: str
    ) -> dict[str, torch.Tensor]:
        """Features (n, C, h, w) float32 of RGB images (n, 3, H, W) at `levels`, by one forward."""
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), precision_context(images.device, precision):
            found = self.loaded.network.encode_levels(images, levels)
        return {level: features.float() for level, features in found.items()}

    def shape(self, level: str, size: tuple[int, int]) -> tuple[int, int, int]:
        """(C, h, w) at `level` for views of `size` (height, width)."""
        return tuple(self.loaded.network.feature_shape(level, size))

    def provenance(self, level: str, config: Extraction, device: str) -> dict[str, Any]:
        """What the store records of this encoder's array at `level`; `device` in words."""
        network = self.loaded.network
        made = provenance()
        return {
            "task": self.loaded.task.name,
            "network": self.loaded.run.info["network"],
            "encoder_sha256": network.weights_digest("encoder", level),
            "level": level,
            "preprocessing": {"mean": list(network.mean), "std": list(network.std)},
            "run": str(self.loaded.run.path.resolve()),
            "device": device,
            "threads": made["threads"],
            "precision": config.precision,
            "batch": config.batch,
            "versions": made["versions"],
            "command": made["command"],
            "created": made["created"],
        }


def load_encoders(config: Extraction, device: torch.device) -> tuple[Encoder, ...]:
    """Load the runs that `config` names.

    Raises:
        UserError: a run that cannot be used, a name that two encoders share or that no array can
            have.
        NetworkError: a network with skips, or a level that a network does not have.
    """
    encoders: dict[str, Encoder] = {}
    for name, path in config.encoders:
        loaded = load_task_network(path, device, config.allow_import)
        loaded.network.check_can_be_cut(str(path))
        name = name or loaded.task.name
        if not NAME.fullmatch(name):
            raise UserError(f"--encoder {name}={path}: the name must match {NAME.pattern}")
        if name in encoders:
            raise UserError(
                f"--encoder: {encoders[name].loaded.run.path} and {path} are both called {name!r}; "
                f"call one of them otherwise, --encoder {name}_2={path}"
            )
        encoders[name] = Encoder(name, loaded, _levels(config, loaded))
    return tuple(encoders.values())


def _levels(config: Extraction, loaded: LoadedNetwork) -> tuple[str, ...]:
    known = loaded.network.levels
    if not config.levels:
        return known[-1:]
    if config.levels == (ALL_LEVELS,):
        return known
    for level in config.levels:
        if level not in known:
            raise NetworkError(
                f"--level {level}: {loaded.run.path} has {', '.join(known)}, or --all-levels"
            )
    return tuple(dict.fromkeys(config.levels))
