"""What G can be asked to do: meet E2's features, or meet D2 behind them. One line adds a loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from atdt.devices import precision_context
from atdt.errors import UserError
from atdt.networks import TaskNetwork
from atdt.tasks.base import Task, counted
from atdt.transfer.feed import Batch

WANTED = "wanted output"  # of a batch: D2(E2)


@dataclass(frozen=True)
class Teacher:
    """N2, frozen, and how its decoder is used behind G.

    Attributes:
        network: in evaluation mode, without gradients, on the device.
        task: T2.
        level: where E2 is cut.
        size: (height, width) of the views, which outputs are cropped to.
        precision: see `atdt.devices`.
    """

    network: TaskNetwork
    task: Task
    level: str
    size: tuple[int, int]
    precision: str

    @property
    def feature_size(self) -> tuple[int, int]:
        """(height, width) of E2's features of a view."""
        _, height, width = self.network.feature_shape(self.level, self.size)
        return height, width

    def decode(self, features: Tensor) -> Tensor:
        """D2 of features (N, C2, h, w): (N, out, height, width) float32."""
        with precision_context(features.device, self.precision):
            return self.network.decode(features, self.level, size=self.size).float()


def with_wanted_output(batch: Batch, teacher: Teacher) -> Batch:
    """The batch with D2(E2) in it, for several Gs that match it."""
    with torch.no_grad():
        return batch | {WANTED: teacher.decode(batch["target"].float())}


class Outcome:
    """What G made of a batch; anything else is computed when a loss asks for it.

    Args:
        made: G's features (N, C2, h, w), or a head's output (N, out, height, width); float32.
        batch: the arrays of the store that were asked for, float32, and "label".
        task: T2, where a loss needs it.
        teacher: None for losses on features alone, and for a head.
        scale: (C2, 1, 1) standard deviations of E2's channels; None: 1.
    """

    def __init__(
        self,
        made: Tensor,
        batch: Batch,
        task: Task | None = None,
        teacher: Teacher | None = None,
        scale: Tensor | None = None,
    ):
        self.made = made
        self._batch = batch
        self._task = task
        self._teacher = teacher
        self._scale = scale

    @cached_property
    def standard(self) -> tuple[Tensor, Tensor]:
        """G's and E2's features in units of each channel's standard deviation."""
        if self._scale is None:
            return self.made, self.target
        return self.made / self._scale, self.target / self._scale

    @property
    def target(self) -> Tensor:
        """E2's features."""
        return self._batch["target"]

    @cached_property
    def output(self) -> Tensor:
        """D2(G(E1)), or what the head says."""
        return self.made if self._teacher is None else self._teacher.decode(self.made)

    @cached_property
    def wanted_output(self) -> Tensor:
        """D2(E2); computed once for all Gs that learn from one batch, see `with_wanted_output`."""
        if WANTED in self._batch:
            return self._batch[WANTED]
        with torch.no_grad():
            return self._teacher.decode(self.target)

    @cached_property
    def labelled(self) -> Tensor:
        """How many pixels `task_loss` is a mean over, a scalar."""
        target = self._task.target(None, self._batch["label"])
        return counted(self._task.valid(target, self.output.shape[1]))

    def task_loss(self) -> Tensor:
        """T2's own loss on the labels in the store."""
        return self._task.loss(self.output, self._task.target(None, self._batch["label"]))


def _divergence(outcome: Outcome) -> Tensor:
    """KL(D2(E2) ‖ D2(G(E1))) over the channels as classes, mean over pixels."""
    made, wanted = (o.log_softmax(dim=1) for o in (outcome.output, outcome.wanted_output))
    pointwise = functional.kl_div(made, wanted, reduction="none", log_target=True)
    return pointwise.sum(dim=1).mean()


def _angle(outcome: Outcome) -> Tensor:
    """1 − the cosine between the two at each location, over all channels."""
    return 1 - functional.cosine_similarity(outcome.made, outcome.target, dim=1).mean()


@dataclass(frozen=True)
class Loss:
    """A loss of an outcome, and what has to be there for it.

    Attributes:
        of: the loss, a scalar.
        features: E2's features of the batch.
        decoder: D2.
        label: T2's labels under the same views; the mean is over labelled pixels, else over all
            of the samples alike.
        squares: (C2,) from the channels' standard deviations (C2,): what the loss weighs the
            squared error of each with; None: it is no sum of squares.
    """

    of: Callable[[Outcome], Tensor]
    features: bool = True
    decoder: bool = False
    label: bool = False
    squares: Callable[[Tensor], Tensor] | None = None


LOSSES: dict[str, Loss] = {
    # The paper's: mean over all elements, in the features' own units.
    "mse": Loss(lambda o: functional.mse_loss(o.made, o.target), squares=torch.ones_like),
    # The same in units of each channel's standard deviation, and with outliers counted less.
    "normalised": Loss(lambda o: functional.mse_loss(*o.standard), squares=lambda s: s**-2),
    "huber": Loss(lambda o: functional.huber_loss(*o.standard)),
    "cosine": Loss(_angle),
    # D2's output on G's features against its output on E2's.
    "match": Loss(lambda o: functional.mse_loss(o.output, o.wanted_output), decoder=True),
    "match-l1": Loss(lambda o: functional.l1_loss(o.output, o.wanted_output), decoder=True),
    "match-kl": Loss(_divergence, decoder=True),
    # T2's own loss, through the frozen D2.
    "task": Loss(Outcome.task_loss, features=False, decoder=True, label=True),
}


def check_losses(weights: Mapping[str, float]) -> None:
    """Refuse unknown losses and weights that ask for nothing.

    Raises:
        UserError: naming the loss and its weight.
    """
    for name, weight in weights.items():
        if name not in LOSSES:
            raise UserError(f"--loss {name}={weight}: choose among {', '.join(LOSSES)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight > 0:
            raise UserError(f"--loss {name}={weight}: the weight must be a number above 0")
    if not weights:
        raise UserError("no loss is given; --loss mse=1 is the paper's")
