"""What a training of a cross-task network is told, and what a score of consistency."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from atdt.checks import (
    check_counts,
    check_goes_on_or_anew,
    check_out_apart,
    check_seed_and_rate,
    check_zoom_and_shift,
)
from atdt.errors import UserError
from atdt.transfer.config import MISMATCHES

COUNTS = ("steps", "batch", "checkpoint_every", "validate_every", "window")


@dataclass(frozen=True)
class CrossTaskTraining:
    """A training of R, which gives T1 from T2's prediction, on A.

    R reads D2(E2), decoded from the features in the store, and learns T1's labels under the same
    views: what it will read on B is an output of a network, never a label.

    Attributes:
        store: a feature store of A with E2's features and labels of T1.
        source: name of E2's array in it.
        target: T1.
        source_run: run of N2, whose decoder is used; the features of E2 must be its own.
        out: folder of the run.
        level: where E2 is cut; the deepest level that has the array when None.
        width: channels of R at half the image's side.
        zoom, shift: each sample is magnified by e^u, u from −zoom to zoom, and shifted by up to
            `shift` of its sides, outputs and labels alike, as if another camera had taken it: where
            things are in A's images, and how large, says nothing of B's. 0 for neither.
        steps, batch: optimiser steps, and samples a step.
        learning_rate: Adam's at step 0; it falls as (1 − step/steps)^0.9.
        seed: of the initial weights, the order of samples and the draws.
        feed, memory_budget, window: see `atdt.transfer.TransferTraining`.
        device, precision: see `atdt.devices`.
        held_out: share of the images that are not trained on.
        validate_every: steps between two looks at the held-out images; ten looks when None.
        checkpoint_every: in steps.
        resume, overwrite: go on with, or replace, what is in `out`.
        allow_mismatch: "encoder" and "preprocessing" let through features of another E2.
        allow_import: import the module that `source_run` names, if its network is a user's own.
    """

    store: Path
    source: str
    target: str
    source_run: Path
    out: Path
    level: str | None = None
    width: int = 8
    zoom: float = 0.5
    shift: float = 0.25
    steps: int = 1000
    batch: int = 16
    learning_rate: float = 2e-3
    seed: int = 0
    feed: str = "auto"
    memory_budget: int | None = None
    window: int | None = None
    device: str = "auto"
    precision: str = "float32"
    held_out: float = 0.1
    validate_every: int | None = None
    checkpoint_every: int = 500
    resume: bool = False
    overwrite: bool = False
    allow_mismatch: tuple[str, ...] = ()
    allow_import: bool = False

    # What a training of G may choose.
    keep: ClassVar = "last"
    schedule: ClassVar = "polynomial"

    @property
    def order(self) -> int:
        """The seed of the order of samples."""
        return self.seed

    @property
    def last_step(self) -> int:
        """After which the training ends."""
        return self.steps

    @property
    def looks_every(self) -> int:
        """Steps between two looks at the held-out images."""
        return self.validate_every or max(1, self.steps // 10)

    def check(self) -> None:
        """Refuse values that no training can have.

        Raises:
            UserError: naming the option and the value.
        """
        check_counts(self, COUNTS)
        check_seed_and_rate(self)
        check_goes_on_or_anew(resume=self.resume, overwrite=self.overwrite)
        check_out_apart(self.out, (self.store, self.source_run))
        check_zoom_and_shift(self.zoom, self.shift)
        if not 0 <= self.held_out < 1:
            raise UserError(f"--held-out {self.held_out}: must be at least 0 and below 1")
        for word in self.allow_mismatch:
            if word not in MISMATCHES:
                raise UserError(f"--allow-mismatch {word}: choose one of {', '.join(MISMATCHES)}")

    def described(self) -> dict[str, Any]:
        """All that the result depends on, for run.json; paths as they were given."""
        return {
            "store": str(self.store),
            "source": self.source,
            "target": self.target,
            "source_run": str(self.source_run),
            "level": self.level,
            "width": self.width,
            "zoom": self.zoom,
            "shift": self.shift,
            "steps": self.steps,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "seed": self.seed,
            "window": self.window,
            "precision": self.precision,
            "allow_mismatch": list(self.allow_mismatch),
            "validate_every": self.looks_every,
            "held_out": self.held_out,
        }


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How far predictions of T2 on B are from B's labels of T1, read through R.

    Attributes:
        scored: predictions folders, of `domain`; or runs of G or of heads on E1, which are decoded
            from `store`.
        cross_task: run of R.
        out: folder of consistency.json.
        domain: spec of B with labels of T1; give this or `store`.
        store: a feature store of B with E1's features and labels of T1; plain views are scored.
        decoder: run of N2, for runs of G; the one that they saw when None.
        maps: also keep the error of each pixel.
        batch: images at a time.
        device, precision: see `atdt.devices`.
        overwrite: replace what is in `out`.
        skip_bad: leave out images of `domain` that cannot be used, as the predictions did.
        allow_import: import the module that a run names, if its network is a user's own.
    """

    scored: tuple[Path, ...]
    cross_task: Path
    out: Path
    domain: str | None = None
    store: Path | None = None
    decoder: Path | None = None
    maps: bool = False
    batch: int = 8
    device: str = "auto"
    precision: str = "float32"
    overwrite: bool = False
    skip_bad: bool = False
    allow_import: bool = False

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UserError: naming the option and the value.
        """
        if not self.scored:
            raise UserError("nothing to score: name predictions folders, or runs with --store")
        if (self.domain is None) == (self.store is None):
            raise UserError(
                "give B's labels by --domain for predictions, or by --store for runs of G"
            )
        if self.domain is not None and self.decoder is not None:
            raise UserError(f"--decoder {self.decoder}: predictions are decoded; it needs --store")
        if self.store is not None and self.skip_bad:
            raise UserError(f"--skip-bad: --store {self.store} has left out what was bad")
        if self.batch < 1:
            raise UserError(f"--batch {self.batch}: must be ≥ 1")
