"""Cross-task consistency: a network that reads T2's output must come to the T1 that is known.

After Zamir, Sax, Yeo, Kar, Cheerla, Suri, Cao, Malik, Guibas, "Robust Learning Through Cross-Task
Consistency", CVPR 2020 (arXiv 2006.04096). The network R is learnt on A (`atdt.consistency`) and
frozen. Its error on B, where T1 has labels, is a loss for whatever predicts T2 there, and untrained
a score of it; no label of T2 is needed.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from atdt.devices import precision_context
from atdt.errors import MismatchError, NetworkError, RunError, UserError
from atdt.networks.cross_task import CrossTaskNetwork
from atdt.runs import INFO, Run, open_run
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.training.weights import restored

KIND = "cross-task"


@dataclass(frozen=True)
class Agreement:
    """Maps of T1 against its labels, as R is taught and as its error is counted.

    Raises:
        UserError: the task does not say how far two of its maps are apart.
    """

    task: Task

    def __post_init__(self) -> None:
        if type(self.task).disagreement is Task.disagreement:
            raise UserError(
                f"no cross-task network learns {self.task.name}; semantic, depth and normals can be"
            )

    def target(self, image: Tensor | None, label: Tensor | None) -> Tensor:
        """See `Task.target`."""
        return self.task.target(image, label)

    def loss(self, guess: Tensor, target: Tensor) -> Tensor:
        """Mean of `Task.disagreement` over the labelled pixels of the batch, a scalar; exactly 0,
        with a gradient of 0, where there is none."""
        return mean_of_labelled(self.task.disagreement(guess, target))


@dataclass(frozen=True)
class CrossTask:
    """R, frozen and in evaluation mode, and what it goes from and to.

    Attributes:
        network: a decoder's output of T2 (N, C, h, w) float32 -> maps of T1 (N, C', h, w).
        source: T2.
        task: T1.
        source_classes: what channels of T2 stand for, where it is semantic; else ().
        classes: the same of T1.
        run: that it comes from.
        precision: that the network runs in, see `atdt.devices`.
    """

    network: CrossTaskNetwork
    source: Task
    task: Task
    source_classes: tuple[str, ...]
    classes: tuple[str, ...]
    run: Run
    precision: str = "float32"

    def on(self, device: torch.device, precision: str) -> "CrossTask":
        """The same, moved to a device."""
        return replace(self, network=self.network.to(device), precision=precision)

    def read(self, output: Tensor) -> Tensor:
        """R(output), float32; logits of classes, a logarithm of depth, or normals before tanh."""
        with precision_context(output.device, self.precision):
            return self.network(output).float()

    def target(self, image: Tensor | None, label: Tensor | None) -> Tensor:
        """T1's, see `Task.target`."""
        return self.task.target(image, label)

    def valid(self, target: Tensor, channels: int | None = None) -> Tensor:
        """The pixels that `loss` is a mean over, (N, h, w) bool; T2's channels change nothing."""
        return self.task.valid(target, len(self.classes))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """How far R(output) is from T1's target: a mean over the labelled pixels, a scalar."""
        return Agreement(self.task).loss(self.read(output), target)

    def check_reads(self, task: Task, classes: tuple[str, ...], where: object) -> None:
        """Refuse outputs of another task than R reads, or of other classes.

        Args:
            task, classes: of whatever is to be read, which `where` names.

        Raises:
            MismatchError: they are not what R learnt from.
        """
        self._same("reads", self.source, self.source_classes, task, classes, where)

    def check_labels(self, classes: tuple[str, ...], where: object) -> None:
        """Refuse labels of T1, of the domain or store `where`, whose classes R does not know.

        Raises:
            MismatchError: they have others.
        """
        self._same("gives", self.task, self.classes, self.task, classes, where)

    def _same(
        self,
        what: str,
        own: Task,
        own_classes: tuple[str, ...],
        task: Task,
        classes: tuple[str, ...],
        where: object,
    ) -> None:
        if task.name != own.name:
            raise MismatchError(f"{self.run.path}: {what} {own.name}, but {where} is {task.name}")
        if own.label == "semantic" and tuple(classes) != own_classes:
            raise MismatchError(
                f"{self.run.path}: {what} the classes {', '.join(own_classes)}, but {where} has "
                f"{', '.join(classes)}"
            )


def consistency_error(cross_task: CrossTask, output: Tensor, label: Tensor) -> Tensor:
    """How far T1, read off T2's output, is from T1's label at each pixel: large where one of the
    two is likely to be wrong.

    Args:
        output: (N, C, h, w) float32 of a decoder of T2, on R's device.
        label: of T1, as `Task.target` takes it.

    Returns:
        (N, h, w) float32, NaN where there is no label: nats of classes, |Δ ln depth|, or 1 − cosine
        of normals.
    """
    target = cross_task.target(None, label)
    return cross_task.task.disagreement(cross_task.read(output), target)


def mean_of_labelled(errors: Tensor) -> Tensor:
    """The mean of what is not NaN, with a gradient; 0 where all is."""
    return errors.nansum() / (~errors.isnan()).sum().clamp(min=1)


def load_cross_task(
    path: str | Path, device: str | torch.device = "cpu", precision: str = "float32"
) -> CrossTask:
    """Load the cross-task network of a finished run.

    Raises:
        RunError: not such a run, or its weights are not its network's.
    """
    run = open_run(path, KIND)
    weights = run.weights()
    try:
        info = run.info
        sides = info["source"], info["target"]
        source, task = (get_task(side["task"]) for side in sides)
        classes = [tuple(map(str, side["classes"])) for side in sides]
        sizes = [int(info[key]) for key in ("in_channels", "out_channels")]
        width = int(info["options"]["width"])
        with torch.device("meta"):  # weights of another size cannot be its own
            sketch = CrossTaskNetwork(*sizes, source.as_input, width)
    except (LookupError, TypeError, ValueError, OverflowError, NetworkError) as error:
        raise RunError(f"{run.path / INFO}: no cross-task network ({error!r})") from None
    build = partial(CrossTaskNetwork, *sizes, source.as_input, width)
    network = restored(build, sketch, weights, run.path, device)
    return CrossTask(network, source, task, *classes, run, precision)
