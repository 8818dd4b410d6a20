"""Which weights a training ends with, and how well they do on the held-out images."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from atdt.transfer.learner import Learner

PREFIX = "held_out_"


class Keeper:
    """Keeps the last weights, or those of the smallest held-out loss.

    How well G fits A's held-out images says little about B (docs/transfer.md), so the last weights
    are the default. No label of B is ever looked at.

    Attributes:
        last: the last look at the held-out images, by name; empty before any.
    """

    def __init__(self, keep: str):
        self.last: dict[str, float | None] = {}
        self._keep = keep
        self._best: dict[str, float | None] = {}
        self._step = 0
        self._weights: dict[str, Tensor] = {}

    @staticmethod
    def columns(learner: Learner) -> tuple[str, ...]:
        """Names of the values that `look` may give."""
        return tuple(PREFIX + name for name in (*learner.names, "explained_variance"))

    @property
    def note(self) -> str:
        """A few words for a progress line."""
        return f", held out {self.last['loss']:.4g}" if self.last else ""

    def look(
        self, learner: Learner, step: int, measured: dict[str, float | None]
    ) -> dict[str, float]:
        """Take note of what was measured after `step` steps.

        Returns:
            the same under the names in `columns`.
        """
        self.last = measured
        if self._keep == "best" and (not self._best or measured["loss"] < self._best["loss"]):
            self._best, self._step = measured, step
            self._weights = learner.final_weights()
        return {PREFIX + name: value for name, value in measured.items() if value is not None}

    def weights(self, learner: Learner) -> dict[str, Tensor]:
        """The weights that the run ends with."""
        return self._weights or learner.final_weights()

    def scores(self) -> dict[str, float]:
        """The "scores" of run.json: the kept weights on the held-out images."""
        scores = self._best or self.last
        return {PREFIX + name: value for name, value in scores.items() if value is not None}

    def chosen(self, steps: int) -> dict[str, Any]:
        """The "chosen" of run.json: by what the weights were chosen, and after which step."""
        if self._keep == "best":
            return {"by": "held-out loss", "step": self._step}
        return {"by": "last step", "step": steps}

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs besides `tensors`."""
        return {"keeper": {"last": self.last, "best": self._best, "step": self._step}}

    def tensors(self) -> dict[str, Tensor]:
        """The best weights, for a checkpoint."""
        return {f"best.{name}": tensor for name, tensor in self._weights.items()}

    def restore(self, tensors: Mapping[str, Tensor], state: dict[str, Any]) -> None:
        """Take over what `state` and `tensors` gave."""
        saved = state["keeper"]
        self.last, self._best, self._step = saved["last"], saved["best"], saved["step"]
        self._weights = {
            name.removeprefix("best."): tensor
            for name, tensor in tensors.items()
            if name.startswith("best.")
        }
