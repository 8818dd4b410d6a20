"""What a training of G is told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atdt.checks import check_counts, check_goes_on_or_anew, check_seed_and_rate
from atdt.errors import UserError
from atdt.later import LATER
from atdt.ranks import Ranks
from atdt.transfer.architectures import ARCHITECTURES

HEAD = "head"
SCHEDULES = ("polynomial", "cosine")
KEEPS = ("last", "best")
STARTS = ("random", "ridge")
MISMATCHES = ("encoder", "preprocessing")


@dataclass(frozen=True)
class Consistency:
    """What B's labels of T1 teach G: what G says of T2 there must agree with them.

    Attributes:
        run: of a cross-task network, which gives T1 from T2 (`atdt.consistency`).
        b: a feature store of B with E1's features and labels of T1; no other label is read.
        weight: of its loss beside those on A, whose units are others.
    """

    run: Path
    b: Path
    weight: float


@dataclass(frozen=True)
class LabelsOfB:
    """Labels of T2 on B that teach G by T2's own loss, through D2.

    Attributes:
        b: a feature store of B with E1's features and labels of T2: a few true ones, or
            predictions that stand for such (`Extraction.pseudo_labels`).
        weight: of its loss beside those on A; a step has as many samples of B as of A.
    """

    b: Path
    weight: float


@dataclass(frozen=True)
class TransferTraining:
    """A training of one transfer network from one feature store.

    Attributes:
        store: the feature store, of domain A.
        source: name of E1's array in it.
        target: name of E2's array; with architecture "head" only what the head is called.
        out: folder of the run.
        level: where both encoders are cut; the deepest level that has the array when None.
        source_level, target_level: where they are cut at different levels.
        architecture: a name of `atdt.transfer.architectures`, or "head": G's body and a fresh copy
            of D2 learn T2 by its own loss from the labels in the store.
        options: of the architecture; "head" also takes `body`, the architecture of its body.
        start: "random" weights, or for "linear" and "residual" those of "ridge" regression.
        steps: optimiser steps.
        batch: samples a step, of all ranks together.
        learning_rate: Adam's at step 0.
        schedule: "polynomial", (1 − step/steps)^0.9 as the paper's, or "cosine".
        seed: of the initial weights and the order of samples.
        order_seed: of the order of samples alone; Gs that learn from one pass share it.
        losses: weights by name, see `atdt.transfer.losses`; pairs will do too. A head has only
            "task".
        target_run: run of N2; losses behind D2 and heads need it. When given, the features of E2
            must be its own.
        feed: "auto", "resident" or "stream".
        memory_budget: bytes that the feed may take; half of what is free when None.
        window: blocks that are shuffled together; as many as make 1 GiB when None.
        device, precision: see `atdt.devices`.
        resume, overwrite: go on with, or replace, what is in `out`.
        allow_mismatch: "encoder" and "preprocessing" let through features of another E2 than
            `target_run`'s.
        validate_every: steps between two looks at the held-out images; ten looks when None.
        checkpoint_every: in steps.
        keep: "last" weights, or those of the "best" held-out loss, which is a poor guide to what
            happens on B.
        held_out: share of the images that are not trained on.
        allow_import: import the module that `target_run` names, if its network is a user's own.
        feature_noise, mixup: of what is learnt from, see `atdt.transfer.perturbation`; 0: none.
        consistency, labels_of_b: learn from a store of B as well, by one of the two; they need
            `target_run`.
    """

    store: Path
    source: str
    target: str
    out: Path
    level: str | None = None
    source_level: str | None = None
    target_level: str | None = None
    architecture: str = "bottleneck"
    options: Mapping[str, Any] = field(default_factory=dict)
    start: str = "random"
    steps: int = 2000
    batch: int = 16
    learning_rate: float = 1e-3
    schedule: str = "polynomial"
    seed: int = 0
    order_seed: int | None = None
    losses: Mapping[str, float] | Sequence[tuple[str, float]] = (("mse", 1.0),)
    target_run: Path | None = None
    feed: str = "auto"
    memory_budget: int | None = None
    window: int | None = None
    device: str = "auto"
    precision: str = "float32"
    resume: bool = False
    overwrite: bool = False
    allow_mismatch: tuple[str, ...] = ()
    validate_every: int | None = None
    checkpoint_every: int = 500
    keep: str = "last"
    held_out: float = 0.1
    allow_import: bool = False
    feature_noise: float = field(default=0.0, metadata=LATER)
    mixup: float = field(default=0.0, metadata=LATER)
    consistency: Consistency | None = field(default=None, metadata=LATER)
    labels_of_b: LabelsOfB | None = field(default=None, metadata=LATER)

    @property
    def weights(self) -> dict[str, float]:
        """Weights of the losses; a head's is always T2's own."""
        return {"task": 1.0} if self.is_head else dict(self.losses)

    @property
    def is_head(self) -> bool:
        return self.architecture == HEAD

    @property
    def is_solved(self) -> bool:
        """Whether weights are solved for in closed form and no step is taken."""
        return self.architecture in ARCHITECTURES and ARCHITECTURES[self.architecture].closed_form

    @property
    def on_b(self) -> Consistency | LabelsOfB | None:
        """What is learnt from on B; None: nothing."""
        return self.consistency or self.labels_of_b

    @property
    def order(self) -> int:
        """The seed of the order of samples."""
        return self.seed if self.order_seed is None else self.order_seed

    @property
    def last_step(self) -> int:
        """After which the training ends."""
        return 0 if self.is_solved else self.steps

    @property
    def read(self) -> tuple[Path | None, ...]:
        """Stores and runs that it learns from; None: no such one."""
        r = None if self.consistency is None else self.consistency.run
        return self.store, self.target_run, None if self.on_b is None else self.on_b.b, r

    @property
    def looks_every(self) -> int:
        """Steps between two looks at the held-out images."""
        return self.validate_every or max(1, self.steps // 10)

    def check(self) -> None:
        """Refuse values that no training can have.

        Raises:
            UserError: naming the option and the value.
        """
        check_counts(self, ("steps", "batch", "checkpoint_every", "validate_every", "window"))
        check_seed_and_rate(self)
        check_goes_on_or_anew(resume=self.resume, overwrite=self.overwrite)
        if not 0 <= self.held_out < 1:
            raise UserError(f"--held-out {self.held_out}: must be at least 0 and below 1")
        levels = [level or self.level for level in (self.source_level, self.target_level)]
        if not self.is_head and self.source == self.target and levels[0] == levels[1]:
            raise UserError(
                f"--from {self.source} --to {self.target}: the same features; name E1's and E2's"
            )
        for option, values, known in (
            ("--schedule", (self.schedule,), SCHEDULES),
            ("--keep", (self.keep,), KEEPS),
            ("--start", (self.start,), STARTS),
            ("--allow-mismatch", self.allow_mismatch, MISMATCHES),
        ):
            for value in values:
                if value not in known:
                    raise UserError(f"{option} {value}: choose one of {', '.join(known)}")
        if self.is_head and self.target_run is None:
            raise UserError("--architecture head: needs N2's architecture, give --target-run RUN")
        if self.keep == "best" and not self.held_out:
            raise UserError("--keep best: needs held-out images, and --held-out is 0")
        self._check_perturbation()
        if self.consistency is not None:
            self._check_on_b("--consistency", "--consistency-weight", self.consistency)
        if self.labels_of_b is not None:
            self._check_on_b("--b-labels-weight", "--b-labels-weight", self.labels_of_b)
        if self.consistency and self.labels_of_b:
            raise UserError("--consistency and --b-labels-weight: G learns on B by one of the two")

    def check_together(self, ranks: Ranks) -> None:
        """Refuse what several ranks cannot do as one does.

        Raises:
            UserError: naming the option.
        """
        ranks.check_batch(self.batch)
        if self.mixup and not ranks.alone:
            raise UserError(
                f"--mixup {self.mixup}: mixes samples of one batch, of which each rank has a part; "
                "train by one process, or leave it out"
            )

    def _check_perturbation(self) -> None:
        for option, value in (("--feature-noise", self.feature_noise), ("--mixup", self.mixup)):
            if not 0 <= value < math.inf:
                raise UserError(f"{option} {value}: must be ≥ 0")
            if value and self.is_solved:
                raise UserError(
                    f"{option} {value}: {self.architecture} is solved for and takes no step in "
                    "which it could learn from anything else"
                )
        if self.mixup and set(self.weights) == {"task"}:
            raise UserError(
                f"--mixup {self.mixup}: task alone learns from labels, and a mixture of features "
                "has none; add another --loss, or leave it out"
            )

    def _check_on_b(self, option: str, weight: str, given: Consistency | LabelsOfB) -> None:
        if not 0 < given.weight < float("inf"):
            raise UserError(f"{weight} {given.weight}: must be above 0")
        if self.is_solved:
            raise UserError(
                f"--architecture {self.architecture}: is solved for, so that {option} teaches it "
                "nothing; take one that learns in steps"
            )
        if self.architecture == "identity":
            raise UserError(
                f"--architecture identity: has no weights, so that {option} teaches it nothing"
            )
        if self.target_run is None:
            raise UserError(f"{option}: reads what D2 says, give --target-run RUN")

    def described(self) -> dict[str, Any]:
        """All that the result depends on, for run.json; paths as they were given."""
        return {
            "store": str(self.store),
            "source": self.source,
            "target": self.target,
            "level": self.level,
            "source_level": self.source_level,
            "target_level": self.target_level,
            "architecture": self.architecture,
            "options": dict(self.options),
            "steps": self.steps,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "schedule": self.schedule,
            "seed": self.seed,
            "losses": self.weights,
            "target_run": None if self.target_run is None else str(self.target_run),
            "window": self.window,
            "precision": self.precision,
            "allow_mismatch": list(self.allow_mismatch),
            "validate_every": self.looks_every,
            "keep": self.keep,
            "held_out": self.held_out,
            # Left out where they are as they always were: runs of before can be gone on with.
            **({} if self.start == "random" else {"start": self.start}),
            **({} if self.order == self.seed else {"order_seed": self.order}),
            **({"feature_noise": self.feature_noise} if self.feature_noise else {}),
            **({"mixup": self.mixup} if self.mixup else {}),
            **({} if self.consistency is None else {"consistency": _told(self.consistency)}),
            **({} if self.labels_of_b is None else {"labels_of_b": _told(self.labels_of_b)}),
        }


def _told(given: Consistency | LabelsOfB) -> dict[str, Any]:
    run = {"run": str(given.run)} if isinstance(given, Consistency) else {}
    return run | {"b": str(given.b), "weight": given.weight}
