"""What a training of a task network is told."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from atdt.errors import RunError
from atdt.later import LATER
from atdt.networks import NetworkSpec

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
        auxiliary: a further task on the same encoder, or several.
        keep_auxiliary: keep their decoders in the run, for others to take, see `Auxiliary`.
        norm_discrepancy: between the encoder's features of two domains; None: not looked at.
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
    teaching: Teaching | None = field(default=None, metadata=LATER)
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
    auxiliary: Auxiliary | tuple[Auxiliary, ...] | None = None
    init_from: Path | None = None
    skip_bad: bool = False
    resume: bool = False
    overwrite: bool = False
    allow_import: bool = False
    memory: int = 2 * 2**30
    keep_auxiliary: bool = field(default=False, metadata=LATER)
    norm_discrepancy: NormDiscrepancy | None = field(default=None, metadata=LATER)

    @property
    def auxiliaries(self) -> tuple[Auxiliary, ...]:
        """All tasks besides the main one."""
        if self.auxiliary is None:
            return ()
        return (self.auxiliary,) if isinstance(self.auxiliary, Auxiliary) else self.auxiliary

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
        self._check_auxiliaries()
        self._check_norm_discrepancy()
        if self.teaching is not None:
            self.teaching.check()
            if not self.pseudo_labels:
                raise RunError(
                    "--trust, --mean-teacher and --copy-paste are for predictions: give --pseudo"
                )

    def _check_auxiliaries(self) -> None:
        names = [auxiliary.task for auxiliary in self.auxiliaries]
        for auxiliary in self.auxiliaries:
            name = auxiliary.task
            if names.count(name) > 1:
                raise RunError(f"--auxiliary {name}: is there twice; one decoder learns a task")
            if not auxiliary.train:
                raise RunError(
                    f"the auxiliary task has no domain: give --auxiliary-train {name}=SPEC"
                )
            if not 0 <= auxiliary.weight < math.inf:
                raise RunError(f"--auxiliary-weight {name}={auxiliary.weight}: must be ≥ 0")
            if auxiliary.fine_tune and auxiliary.decoder is None:
                raise RunError(
                    "--fine-tune-auxiliary-decoder: needs a decoder that was trained before, "
                    f"--auxiliary-decoder {name}=RUN"
                )
        if self.keep_auxiliary and not names:
            raise RunError("--keep-auxiliary-decoder: there is none; give --auxiliary TASK")

    def _check_norm_discrepancy(self) -> None:
        asked = self.norm_discrepancy
        if asked is None:
            return
        if not 0 < asked.weight < math.inf:
            raise RunError(f"--norm-discrepancy {asked.weight}: must be above 0")
        specs = asked.between or (*self.train, *(spec for spec, _ in self.pseudo_labels))
        if len(set(specs)) != 2 or len(specs) != 2:
            raise RunError(
                f"--norm-discrepancy {asked.weight}: is between two domains, not "
                f"{', '.join(specs)}; name them by --norm-discrepancy-between, twice"
            )

    def described(self) -> dict[str, Any]:
        """All that the result depends on, for run.json; paths as they were given."""
        auxiliaries = [auxiliary.described() for auxiliary in self.auxiliaries]
        return {
            "task": self.task,
            "train": list(self.train),
            "validation": list(self.validation),
            "pseudo_labels": [[spec, str(folder)] for spec, folder in self.pseudo_labels],
            # As it always was where there is none or one: runs of before can be gone on with.
            "auxiliary": auxiliaries if len(auxiliaries) > 1 else next(iter(auxiliaries), None),
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
            **({"teaching": asdict(self.teaching)} if self.teaching else {}),
            **({"keep_auxiliary": True} if self.keep_auxiliary else {}),
            **(
                {"norm_discrepancy": self.norm_discrepancy.described()}
                if self.norm_discrepancy
                else {}
            ),
        }
