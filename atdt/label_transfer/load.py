"""Runs that hold a label network: what their run.json says, and how the network comes back."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from atdt.domains import Domain, LabelSpace
from atdt.errors import MismatchError, NetworkError, RunError, UserError
from atdt.label_transfer.config import LabelTraining
from atdt.label_transfer.network import LabelNetwork
from atdt.label_transfer.reading import Reading
from atdt.runs import INFO, Run, open_run
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.training.weights import restored

KIND = "label-transfer"


@dataclass(frozen=True)
class LoadedLabelNetwork:
    """A label network in evaluation mode, without gradients, and what it is from and to.

    Attributes:
        reading: how labels of T1 become its input.
        task, space: T2, and what semantic ids stand for, in T1 or T2.
        resize: (height, width) that labels are brought to; None: as they are.
    """

    network: LabelNetwork
    reading: Reading
    task: Task
    space: LabelSpace
    resize: tuple[int, int] | None
    run: Run

    def check_labels(self, space: LabelSpace, where: object) -> None:
        """Refuse a domain of other classes.

        Raises:
            MismatchError: naming both.
        """
        has_classes = "semantic" in (self.reading.source, self.task.label)
        if has_classes and space.classes != self.space.classes:
            raise MismatchError(
                f"{self.run.path}: learnt the classes {', '.join(self.space.classes)}, but {where} "
                f"has {', '.join(space.classes)}"
            )


def camera_of(domain: Domain) -> dict[str, float | None]:
    """What decides how large in an image a thing of some distance is, and where: focal length in
    pixels and over the image's width, and [mount]; None where unknown."""
    focal, mount = domain.focal(0), domain.description.mount
    return {
        "focal": focal,
        "focal_share": focal and focal / domain.image_size(0)[1],
        "height": mount and mount.height,
        "pitch": mount and mount.pitch,
    }


def network_keys(
    network: LabelNetwork, task: Task, space: LabelSpace, reading: Reading, config: LabelTraining
) -> dict[str, Any]:
    """What run.json says of a label network, so that `load_label_network` can build it again."""
    return {
        "task": task.name,
        "source": reading.source,
        "label_space": space.to_dict(),
        "reading": {
            "ground": [list(each) for each in reading.ground],
            "standing": list(reading.standing),
            "farthest": reading.farthest,
        },
        "resize": None if config.resize is None else list(config.resize),
        "width": config.width,
        "parameters": sum(tensor.numel() for tensor in network.parameters()),
    }


def load_label_network(path: str | Path, device: str | torch.device = "cpu") -> LoadedLabelNetwork:
    """Load the label network of a finished run.

    Raises:
        RunError: not such a run, or its weights are not its network's.
    """
    run = open_run(path, KIND)
    info, weights = run.info, run.weights()
    try:
        task, space = get_task(info["task"]), LabelSpace.from_dict(info["label_space"])
        source, resize = info["source"], info["resize"]
        reading = Reading(
            source,
            space.classes if source == "semantic" else (),
            tuple((str(name), float(metres)) for name, metres in info["reading"]["ground"]),
            tuple(map(str, info["reading"]["standing"])),
            float(info["reading"]["farthest"]),
        )
        size = None if resize is None else (int(resize[0]), int(resize[1]))
        build = reading.channels, task.channels(space), task.name, int(info["width"])
        with torch.device("meta"):  # weights of another size cannot be its own
            sketch = LabelNetwork(*build)
    except (LookupError, TypeError, ValueError, OverflowError, NetworkError, UserError) as error:
        raise RunError(f"{run.path / INFO}: no label network ({error!r})") from None
    network = restored(partial(LabelNetwork, *build), sketch, weights, run.path, device)
    return LoadedLabelNetwork(network, reading, task, space, size, run)
