"""The best weights of a training so far, chosen on its validation domains."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from atdt.errors import NumericsError
from atdt.tasks.base import Task
from atdt.training.learner import Learner
from atdt.training.validate import Validation


class Best:
    """Keeps the weights whose headline, averaged over the validation domains, is best.

    Every domain counts the same, whatever its size. Of equals the earlier weights stay. Without a
    validation domain the last weights are the best.

    Attributes:
        step: number of steps after which the weights were what they are; 0 before any.
        headline: mean over the domains at that step, or None.
        scores: of each domain at that step, as `Task.summarise` gives them.
        weights: of the network at that step.
    """

    def __init__(self, task: Task, validations: Sequence[Validation]):
        self.step = 0
        self.headline: float | None = None
        self.scores: list[dict[str, float]] = []
        self.weights: dict[str, torch.Tensor] = {}
        self._task = task
        self._validations = validations

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the values that `judge` gives."""
        return (f"validation_{self._task.headline}",) if self._validations else ()

    @property
    def note(self) -> str:
        """A few words for a progress line."""
        return "" if self.headline is None else f", best {self._task.headline} {self.headline:.4f}"

    def judge(self, learner: Learner, step: int) -> dict[str, float]:
        """Score the learner's network after `step` steps, and keep its weights if it is the best.

        Returns:
            the headline under the name in `columns`; nothing without a validation domain.
        """
        if not self._validations:
            return {}
        scores = [
            v.scores(learner.network, learner.device, learner.precision, learner.ranks)
            for v in self._validations
        ]
        headline = sum(score[self._task.headline] for score in scores) / len(scores)
        if self._is_better(headline):
            self.step, self.headline, self.scores = step, headline, scores
            self.weights = learner.weights()
        return {self.columns[0]: headline}

    def settle(self, learner: Learner, step: int) -> None:
        """At the end: the last weights, where nothing could choose.

        Raises:
            NumericsError: there were validation domains, and no score was a number.
        """
        if self._validations and self.headline is None:
            raise NumericsError(
                f"no validation gave a number for {self._task.headline}: the network's outputs are "
                "not finite; try a lower --learning-rate or --precision float32"
            )
        if not self._validations:
            self.step, self.weights = step, learner.weights()

    def summary(self) -> dict[str, float]:
        """The "scores" of run.json: the headline that chose; empty where nothing could."""
        return {} if self.headline is None else {self._task.headline: self.headline}

    def chosen(self, specs: Sequence[str]) -> dict[str, Any]:
        """The "chosen" of run.json: when and by what, with every score of each domain."""
        return {
            "by": f"validation {self._task.headline}" if self._validations else "last step",
            "step": self.step,
            "domains": dict(zip(specs, map(finite_or_none, self.scores), strict=True)),
        }

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs besides `tensors`, as JSON holds it: NaN becomes None."""
        return {
            "best": {
                "step": self.step,
                "headline": self.headline,
                "scores": [finite_or_none(score) for score in self.scores],
            }
        }

    def tensors(self) -> dict[str, torch.Tensor]:
        """The best weights, for a checkpoint."""
        return {f"best.{name}": tensor for name, tensor in self.weights.items()}

    def restore(self, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
        """Take over what `state` and `tensors` gave."""
        saved = state["best"]
        self.step, self.headline, self.scores = saved["step"], saved["headline"], saved["scores"]
        self.weights = {
            name.removeprefix("best."): tensor
            for name, tensor in tensors.items()
            if name.startswith("best.")
        }

    def _is_better(self, headline: float) -> bool:
        if math.isnan(headline) or self.headline is None:
            return not math.isnan(headline)
        if self._task.higher_is_better:
            return headline > self.headline
        return headline < self.headline


def finite_or_none(scores: dict[str, float]) -> dict[str, float | None]:
    """`scores` as JSON can hold them: the IoU of a class that no image has is None, not NaN."""
    return {k: v if v is not None and math.isfinite(v) else None for k, v in scores.items()}
