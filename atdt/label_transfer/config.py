"""What a training of a label network is told, and what its use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atdt.checks import (
    check_counts,
    check_goes_on_or_anew,
    check_seed_and_rate,
    check_zoom_and_shift,
)
from atdt.decode.config import Output
from atdt.decode.ground_depth import FARTHEST
from atdt.domains import ViewPlan
from atdt.errors import UserError
from atdt.label_transfer.reading import check_source

COUNTS = ("steps", "batch", "checkpoint_every")
WIDEN, MOST_WIDENED = 1.5, 10.0
ZOOM, SHIFT = 0.4, 0.15  # of depth, whose channels are the same under any camera


@dataclass(frozen=True, kw_only=True)
class LabelTraining:
    """A training of a label network, which gives T2 from labels of T1, on A.

    Attributes:
        train: specs of domains with labels of both tasks.
        source: T1, "semantic" or "depth".
        target: T2, a task with labels.
        out: folder of the run.
        validation: specs of domains that it is measured on in the end; they choose nothing.
        ground, standing, farthest: classes of T1 whose depth follows from the camera, see
            `GroundDepth`; read as channels beside the classes.
        resize: (height, width) that labels are brought to; predictions are brought back.
        flip: mirror half of the draws.
        stretch: see `ViewPlan`.
        zoom, shift: magnify each draw by e^−zoom to e^zoom and shift it by so many sides at most;
            0.4 and 0.15 for T1 = depth when None, 0 for semantics, from which only position tells
            how far things are.
        widen: from semantics to depth, magnify each draw by 1/widen to widen across alone, so that
            roads are wider or narrower at the same distance; 1.5 there when None. Else 1.
        width: channels of the network at half the side.
        steps, batch: optimiser steps, and views a step.
        learning_rate: Adam's at step 0; it falls as (1 − step/steps)^0.9.
        seed: of the initial weights and all draws.
        device, precision: see `atdt.devices`.
        checkpoint_every: in steps.
        memory: bytes of labels that may be kept decoded.
        resume, overwrite: go on with, or replace, what is in `out`.
        skip_bad: leave out images whose labels cannot be used.
    """

    train: tuple[str, ...]
    source: str
    target: str
    out: Path
    validation: tuple[str, ...] = ()
    ground: tuple[tuple[str, float], ...] = ()
    standing: tuple[str, ...] = ()
    farthest: float = FARTHEST
    resize: tuple[int, int] | None = None
    flip: bool = True
    stretch: float = 1.0
    zoom: float | None = None
    shift: float | None = None
    widen: float | None = None
    width: int = 24
    steps: int = 2000
    batch: int = 16
    learning_rate: float = 2e-3
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    checkpoint_every: int = 500
    memory: int = 2**30
    resume: bool = False
    overwrite: bool = False
    skip_bad: bool = False

    @property
    def plan(self) -> ViewPlan:
        """How views are drawn."""
        return ViewPlan(seed=self.seed, resize=self.resize, flip=self.flip, stretch=self.stretch)

    @property
    def widens(self) -> bool:
        """Whether labels stay true when they are magnified across alone."""
        return (self.source, self.target) == ("semantic", "depth")

    @property
    def moves(self) -> dict[str, float]:
        """Zoom, shift and widen, chosen by the tasks where nobody did."""
        zoom, shift = (ZOOM, SHIFT) if self.source == "depth" else (0.0, 0.0)
        return {
            "zoom": zoom if self.zoom is None else self.zoom,
            "shift": shift if self.shift is None else self.shift,
            "widen": (WIDEN if self.widens else 1.0) if self.widen is None else self.widen,
        }

    def check(self) -> None:
        """Refuse values that no training can have.

        Raises:
            UserError: naming the option and the value.
        """
        if not self.train:
            raise UserError("--train: name a domain with labels of both tasks")
        check_source(self.source)
        check_counts(self, COUNTS)
        check_seed_and_rate(self)
        check_goes_on_or_anew(resume=self.resume, overwrite=self.overwrite)
        check_zoom_and_shift(self.moves["zoom"], self.moves["shift"])
        if not 1 <= self.moves["widen"] <= MOST_WIDENED:
            raise UserError(f"--widen {self.widen}: must be from 1 to {MOST_WIDENED:g}")
        if self.moves["widen"] != 1 and not self.widens:
            raise UserError(
                f"--widen {self.widen:g}: is for --from semantic --to depth; slopes would change"
            )

    def described(self) -> dict[str, Any]:
        """All that the result depends on, for run.json; specs as they were given."""
        return {
            "train": list(self.train),
            "validation": list(self.validation),
            "source": self.source,
            "target": self.target,
            "ground": [list(each) for each in self.ground],
            "standing": list(self.standing),
            **({"farthest": self.farthest} if self.ground else {}),
            "views": self.plan.to_dict(),
            **self.moves,
            "width": self.width,
            "steps": self.steps,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "seed": self.seed,
            "precision": self.precision,
        }


@dataclass(frozen=True, kw_only=True)
class LabelPrediction(Output):
    """T2 from labels of T1 of the images of a domain.

    Attributes:
        run: of the label network.
        domain: spec of the domain; its labels of T1 are read, none of T2 is.
    """

    run: Path
    domain: str

    def check(self) -> None:
        """See `Output.check`; labels come in whole."""
        super().check()
        if self.resize or self.crop or self.pad:
            raise UserError("--resize, --crop, --pad: labels are read as they were in training")
        if self.save_features:
            raise UserError("--save-features: a label network has none")
