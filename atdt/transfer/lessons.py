"""What B teaches G: T1's labels through a cross-task network R, or labels of T2 themselves."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor

from atdt.domains import ViewPlan, open_domain
from atdt.errors import MismatchError, UserError
from atdt.stores import FeatureReader, Store
from atdt.tasks.base import Task, counted
from atdt.training.cross_task import CrossTask
from atdt.training.load import LoadedNetwork
from atdt.training.sources import mean_focal

UNKNOWN_FOCAL = " (under no known focal length, so that `evaluate` has no figures × focal ratio)"


class Lesson(Protocol):
    """A loss of outputs on B.

    Attributes:
        name: of the loss, in curves, scores and the config.
    """

    name: ClassVar[str]

    def on(self, device: torch.device, precision: str) -> Self:
        """The same, moved to a device."""

    def loss(self, output: Tensor, label: Tensor) -> Tensor:
        """Of what D2 or a head says (N, C, h, w) and labels as `Task.target` takes them, a mean
        over the labelled pixels, a scalar."""

    def labelled(self, label: Tensor) -> Tensor:
        """How many pixels `loss` is a mean over, a scalar."""

    def said(self) -> str:
        """What it holds outputs to, in a few words."""

    def depended_on(self) -> dict[str, Any]:
        """What weights depend on of it, for the config of run.json."""

    def described(self) -> dict[str, Any]:
        """What run.json says of it."""


@dataclass(frozen=True)
class Agreement:
    """T1, read off the output by R, must be as labelled."""

    name: ClassVar[str] = "consistency"
    cross_task: CrossTask

    def on(self, device: torch.device, precision: str) -> Self:
        return replace(self, cross_task=self.cross_task.on(device, precision))

    def loss(self, output: Tensor, label: Tensor) -> Tensor:
        return self.cross_task.loss(output, self.cross_task.target(None, label))

    def labelled(self, label: Tensor) -> Tensor:
        return counted(self.cross_task.valid(self.cross_task.target(None, label)))

    def said(self) -> str:
        return f"consistency with their {self.cross_task.task.name} labels"

    def depended_on(self) -> dict[str, Any]:
        return {"cross_task": self._sha256}

    def described(self) -> dict[str, Any]:
        run = self.cross_task.run
        return {"cross_task": {"run": str(run.path.resolve()), "sha256": self._sha256}}

    @property
    def _sha256(self) -> str:
        return self.cross_task.run.info["weights"]["sha256"]


@dataclass(frozen=True)
class Labels:
    """T2's own loss by labels of T2: a few true ones, or predictions that stand for such.

    Attributes:
        task: T2.
        channels: of its outputs.
        taught_by: method of the predictions; None: the domain's own labels.
        predictions: sha256 of theirs; None likewise.
        focal: length in pixels of the views that depth holds under; None where it is not known.
    """

    name: ClassVar[str] = "labels_of_b"
    task: Task
    channels: int
    taught_by: dict[str, Any] | None
    predictions: str | None
    focal: float | None

    def on(self, device: torch.device, precision: str) -> Self:
        return self

    def loss(self, output: Tensor, label: Tensor) -> Tensor:
        return self.task.loss(output, self.task.target(None, label))

    def labelled(self, label: Tensor) -> Tensor:
        return counted(self.task.valid(self.task.target(None, label), self.channels))

    def said(self) -> str:
        whose = "their" if self.taught_by is None else "predictions as"
        is_lost = self.focal is None and "focal_ratio" in self.task.ways
        return f"{whose} labels of {self.task.name}" + (UNKNOWN_FOCAL if is_lost else "")

    def depended_on(self) -> dict[str, Any]:
        return {} if self.predictions is None else {"predictions": self.predictions}

    def described(self) -> dict[str, Any]:
        return {"taught_by": self.taught_by, "focal": self.focal}


def labels_of(store: Store, cross_task: CrossTask) -> FeatureReader:
    """The labels of T1 in a store, whose classes R knows.

    Raises:
        UserError: it has none.
        MismatchError: of other classes.
    """
    kind = cross_task.task.label
    if kind not in store.labels():
        raise UserError(
            f"{store.path}: holds no {kind!r} labels, with which {cross_task.run.path} is to agree;"
            f" add them with `atdt extract` --labels {kind}"
        )
    reader = store.labels_reader(kind)
    cross_task.check_labels(label_classes(reader), f"{store.path}: {reader.name}")
    return reader


def own_labels(store: Store, teacher: LoadedNetwork) -> tuple[Labels, FeatureReader]:
    """The lesson by labels of T2 in a store.

    Raises:
        UserError: it has none, or T2 needs none.
        MismatchError: of other classes than N2's.
    """
    task = teacher.task
    if task.label is None:
        raise UserError(f"--b-labels-weight: {task.name} has truth from images, and no labels")
    if task.label not in store.labels():
        raise UserError(
            f"{store.path}: holds no {task.label!r} labels to learn from; `atdt extract` stores "
            f"them with --labels {task.label}, or predictions as such with --pseudo FOLDER"
        )
    reader = store.labels_reader(task.label)
    classes = label_classes(reader)
    if task.label == "semantic" and classes != teacher.space.classes:
        raise MismatchError(
            f"{store.path}: {reader.name} has the classes {', '.join(classes)}, but "
            f"{teacher.run.path} has {', '.join(teacher.space.classes)}"
        )
    made = reader.attrs.get("taught_by"), reader.attrs.get("predictions_sha256")
    focal = _focal(store, reader) if "focal_ratio" in task.ways else None
    return Labels(task, task.channels(teacher.space), *made, focal), reader


def label_classes(reader: FeatureReader) -> tuple[str, ...]:
    """Names of the classes that an array of labels was extracted under."""
    return tuple(reader.attrs["label_space"]["classes"])


def _focal(store: Store, reader: FeatureReader) -> float | None:
    """Of the views' labels, as the store has it; the mean of the domain's cameras in a store that
    was made before stores had it of true labels."""
    if "focal" in reader.attrs:
        return reader.attrs["focal"]
    try:
        domain = open_domain(f"{store.domain.get('path')}:{store.domain.get('split')}")
        return mean_focal(domain, ViewPlan.from_dict(store.plan).resize)
    except UserError:  # the domain is not where it was
        return None
