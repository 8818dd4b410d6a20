"""What a training may learn from besides labels of its task, or predictions in their place."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atdt.errors import RunError
from atdt.later import LATER

TRUSTS = ("all", "confidence")
PASTES = ("classes", "depth")


@dataclass(frozen=True)
class Auxiliary:
    """A further task, learnt at the same time by a decoder of its own on the same encoder.

    Attributes:
        task: name of the task.
        train: specs of the domains whose labels it learns from; their sizes and photometric draws
            follow the main task's options.
        weight: of its loss, where the main task's has 1.
        decoder: a run of the same architecture that kept its decoder for this task, which is taken
            from there and stays as it is, batch norm's statistics too; None: a fresh one learns.
        fine_tune: let the decoder that was taken learn on.
    """

    task: str
    train: tuple[str, ...]
    weight: float = 1.0
    decoder: Path | None = field(default=None, metadata=LATER)
    fine_tune: bool = field(default=False, metadata=LATER)

    @property
    def frozen(self) -> bool:
        """Whether its decoder stays as it is."""
        return self.decoder is not None and not self.fine_tune

    def described(self) -> dict[str, Any]:
        """For run.json, as before there were decoders to take."""
        taken = {"decoder": str(self.decoder), "fine_tune": self.fine_tune}
        return {
            "task": self.task,
            "train": list(self.train),
            "weight": self.weight,
            **(taken if self.decoder else {}),
        }


@dataclass(frozen=True)
class NormDiscrepancy:
    """How far the lengths of the encoder's features may differ between two domains.

    See `atdt.training.discrepancy`.

    Attributes:
        weight: of it, where the main task's loss has 1.
        between: specs of the two domains, of which no label is read; (): the two that are learnt
            from.
    """

    weight: float
    between: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """For run.json."""
        return {"weight": self.weight, "between": list(self.between)}


@dataclass(frozen=True)
class Teaching:
    """How predictions are learnt from that stand in for labels.

    Attributes:
        trust: "all": every pixel counts as one of a label does; "confidence": by the confidence
            that the predictions folder has of it, 0 to 1; a number: those of at least this
            confidence count, the others do not.
        teacher_decay: of a mean teacher, which labels anew what has predictions: the exponential
            moving average of the weights, θ' ← decay·θ' + (1 − decay)·θ a step (Tarvainen, Valpola,
            "Mean teachers are better role models", NeurIPS 2017). It sees the plain colours of the
            view that the student sees under "strong" ones. None for no such teacher.
        teacher_from: share of the steps after which it labels; the predictions do until then.
        paste: "classes": half of the classes of one image are pasted onto another of the batch
            (Olsson, Tranheden, Pinto, Svensson, "ClassMix", WACV 2021); "depth": only where they
            are nearer, by the domain's own depth, as in DBST. Among images with predictions alone.
            Classes are those of the task or, where it has none, the domain's own. None for neither.
    """

    trust: str | float = "all"
    teacher_decay: float | None = None
    teacher_from: float = 0.5
    paste: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether predictions are labels like any others."""
        return self.trust == "all" and self.teacher_decay is None and self.paste is None

    @property
    def needs_confidence(self) -> bool:
        """Whether pixels are told apart by confidence."""
        return self.trust != "all"

    def check(self) -> None:
        """Refuse values that cannot be meant.

        Raises:
            RunError: naming the option and the value.
        """
        is_number = isinstance(self.trust, int | float)
        if not (0 < self.trust <= 1 if is_number else self.trust in TRUSTS):
            raise RunError(f"--trust {self.trust}: write {', '.join(TRUSTS)} or a number up to 1")
        if self.teacher_decay is not None and not 0 < self.teacher_decay < 1:
            raise RunError(f"--mean-teacher {self.teacher_decay}: must be between 0 and 1")
        if not 0 <= self.teacher_from < 1:
            raise RunError(f"--mean-teacher-from {self.teacher_from}: must be from 0 to below 1")
        if self.paste not in (None, *PASTES):
            raise RunError(f"--copy-paste {self.paste}: choose one of {', '.join(PASTES)}")


@dataclass(frozen=True)
class ConsistencyTraining:
    """What labels of another task teach: what the network says must agree with them.

    Attributes:
        run: of a cross-task network, which gives the other task from this one (`atdt.consistency`).
        train: specs of the domains with labels of the other task, of which no other is read; their
            sizes and photometric draws follow the main task's options.
        weight: of its loss, where the main task's has 1; their units are others.
    """

    run: Path
    train: tuple[str, ...]
    weight: float

    def check(self) -> None:
        """Refuse values that cannot be meant.

        Raises:
            RunError: naming the option and the value.
        """
        if not self.train:
            raise RunError(
                "--consistency: has no domain to agree on: give --consistency-train SPEC"
            )
        if not 0 < self.weight < math.inf:
            raise RunError(f"--consistency-weight {self.weight}: must be above 0")

    def described(self) -> dict[str, Any]:
        """For run.json."""
        return {"run": str(self.run), "train": list(self.train), "weight": self.weight}
