"""What a training of a task network is told."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from atdt.errors import RunError
from atdt.networks import NetworkSpec

TRUSTS = ("all", "confidence")
PASTES = ("classes", "depth")


@dataclass(frozen=True)
class Auxiliary:
    """A second task, learnt at the same time by a second decoder on the same encoder.

    Attributes:
        task: name of the task.
        train: specs of the domains whose labels it learns from; their sizes and photometric draws
            follow the main task's options.
        weight: of its loss, where the main task's has 1.
    """

    task: str
    train: tuple[str, ...]
    weight: float = 1.0


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
class TaskTraining:
    """A training of one task network; the defaults are the paper's where it gives any.

    Attributes:
        task: name of the task.
        train: specs ("PATH[:SPLIT][@N]") of the domains to learn from, concatenated and shuffled.
        network: the architecture.
        out: folder of the run.
        steps: optimiser steps.
        validation: specs of the domains that choose the best weights, by the task's headline;
            without any, the last weights are the result.
        pseudo_labels: pairs (spec, predictions folder): domains that are learnt from as well, with
            the predictions as their labels.
        teaching: how these predictions are learnt from; None: like labels.
        batch: images a step.
        learning_rate: Adam's at step 0; it falls as (1 − step/steps)^0.9.
        crop: (height, width) cut at random from the image, after `resize`.
        resize: (height, width) of the whole image before cropping; also used for validation.
        photometric: "none", "paper" or "strong", see `atdt.domains.views`.
        flip: mirror half of the draws.
        balance: draw equally often from each domain, instead of from each image.
        seed: of the initial weights, the order and the views.
        device, precision, channels_last: where and how the network runs, in validation too; see
            `atdt.devices`.
        validate_every, checkpoint_every: in steps.
        auxiliary: a second task on the same encoder; its decoder is not kept.
        init_from: a run of the same architecture whose encoder is started from.
        skip_bad: leave out images that cannot be used.
        resume, overwrite: go on with, or replace, what is in `out`.
        allow_import: import the module that `network` names, if it is the user's own.
        memory: bytes of decoded images and labels that are kept, of each task's domains.
    """

    task: str
    train: tuple[str, ...]
    network: NetworkSpec
    out: Path
    steps: int
    validation: tuple[str, ...] = ()
    pseudo_labels: tuple[tuple[str, Path], ...] = ()
    # "added": at its default, no part of the keys of an experiment's steps (`steps.plain`).
    teaching: Teaching | None = field(default=None, metadata={"added": True})
    batch: int = 8
    learning_rate: float = 1e-4
    crop: tuple[int, int] | None = None
    resize: tuple[int, int] | None = None
    photometric: str = "paper"
    flip: bool = False
    balance: bool = False
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    channels_last: bool = True
    validate_every: int = 500
    checkpoint_every: int = 500
    auxiliary: Auxiliary | None = None
    init_from: Path | None = None
    skip_bad: bool = False
    resume: bool = False
    overwrite: bool = False
    allow_import: bool = False
    memory: int = 2 * 2**30

    def check(self) -> None:
        """Refuse values that no training can have.

        Raises:
            RunError: naming the option and the value.
        """
        for name in ("steps", "batch", "validate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise RunError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be ≥ 1")
        if self.seed < 0:
            raise RunError(f"--seed {self.seed}: must be ≥ 0")
        if not self.learning_rate > 0:
            raise RunError(f"--learning-rate {self.learning_rate}: must be above 0")
        if not self.train and not self.pseudo_labels:
            raise RunError("nothing to learn from: give --train SPEC, such as data/streets/a:train")
        if self.auxiliary and not self.auxiliary.train:
            raise RunError("the auxiliary task has no domain: give --auxiliary-train SPEC")
        if self.teaching is not None:
            self.teaching.check()
            if not self.pseudo_labels:
                raise RunError(
                    "--trust, --mean-teacher and --copy-paste are for predictions: give --pseudo"
                )

    def described(self) -> dict[str, Any]:
        """All that the result depends on, for run.json; paths as they were given."""
        auxiliary = self.auxiliary
        return {
            "task": self.task,
            "train": list(self.train),
            "validation": list(self.validation),
            "pseudo_labels": [[spec, str(folder)] for spec, folder in self.pseudo_labels],
            "teaching": self.teaching and asdict(self.teaching),
            "auxiliary": auxiliary
            and {
                "task": auxiliary.task,
                "train": list(auxiliary.train),
                "weight": auxiliary.weight,
            },
            "network": self.network.to_dict(),
            "init_from": self.init_from and str(self.init_from),
            "steps": self.steps,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "crop": self.crop and list(self.crop),
            "resize": self.resize and list(self.resize),
            "photometric": self.photometric,
            "flip": self.flip,
            "balance": self.balance,
            "seed": self.seed,
            "precision": self.precision,
            "channels_last": self.channels_last,
            "validate_every": self.validate_every,
            "checkpoint_every": self.checkpoint_every,
            "skip_bad": self.skip_bad,
        }
