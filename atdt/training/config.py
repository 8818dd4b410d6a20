"""What a training of a task network is told."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from atdt.checks import check_counts, check_out_apart, check_seed_and_rate
from atdt.errors import RunError
from atdt.later import LATER
from atdt.networks import NetworkSpec
from atdt.ranks import Ranks
from atdt.training.further import Auxiliary, ConsistencyTraining, NormDiscrepancy, Teaching


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
        batch: images a step, of all ranks together.
        learning_rate: Adam's at step 0; it falls as (1 − step/steps)^0.9.
        crop: (height, width) cut at random from the image, after `resize`.
        resize: (height, width) of the whole image before cropping; also used for validation.
        photometric: "none", "paper", "strong" or "d4", see `atdt.domains.views`.
        stretch: of what rises above the camera, see `atdt.domains.views`; 1: none.
        flip: mirror half of the draws.
        balance: draw equally often from each domain, instead of from each image.
        seed: of the initial weights, the order and the views.
        device, precision, channels_last: where and how the network runs, in validation too; see
            `atdt.devices`.
        validate_every, checkpoint_every: in steps.
        auxiliary: a further task on the same encoder, or several.
        keep_auxiliary: keep their decoders in the run, for others to take, see `Auxiliary`.
        norm_discrepancy: between the encoder's features of two domains; None: not looked at.
        consistency: images whose labels of another task are to be agreed with.
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
    consistency: ConsistencyTraining | None = field(default=None, metadata=LATER)
    stretch: float = field(default=1.0, metadata=LATER)

    @property
    def auxiliaries(self) -> tuple[Auxiliary, ...]:
        """All tasks besides the main one."""
        if self.auxiliary is None:
            return ()
        return (self.auxiliary,) if isinstance(self.auxiliary, Auxiliary) else self.auxiliary

    @property
    def read(self) -> tuple[Path | None, ...]:
        """Runs and predictions that it learns from; None: no such one."""
        r = None if self.consistency is None else self.consistency.run
        decoders = (auxiliary.decoder for auxiliary in self.auxiliaries)
        return self.init_from, r, *decoders, *(folder for _, folder in self.pseudo_labels)

    def check(self) -> None:
        """Refuse values that no training can have.

        Raises:
            RunError: naming the option and the value.
        """
        check_counts(self, ("steps", "batch", "validate_every", "checkpoint_every"), RunError)
        check_seed_and_rate(self, RunError)
        check_out_apart(self.out, self.read, RunError)
        if not self.train and not self.pseudo_labels:
            raise RunError("nothing to learn from: give --train SPEC, such as data/streets/a:train")
        self._check_auxiliaries()
        self._check_norm_discrepancy()
        if self.consistency is not None:
            self.consistency.check()
        if self.teaching is not None:
            self.teaching.check()
            if not self.pseudo_labels:
                raise RunError(
                    "--trust, --mean-teacher and --copy-paste are for predictions: give --pseudo"
                )

    def check_together(self, ranks: Ranks) -> None:
        """Refuse what several ranks cannot do as one does.

        Raises:
            UserError: naming the option.
        """
        ranks.check_batch(self.batch)
        if ranks.alone:
            return
        if self.teaching is not None and self.teaching.paste is not None:
            raise RunError(
                f"--copy-paste {self.teaching.paste}: pastes among the images of one batch, of "
                "which each rank has a part; train by one process, or leave it out"
            )
        if self.norm_discrepancy is not None and self.pairs % ranks.launch.size:
            raise RunError(
                f"--norm-discrepancy: the {self.pairs} pairs of images in a --batch of "
                f"{self.batch} do not divide by {ranks.launch.size} ranks"
            )

    @property
    def pairs(self) -> int:
        """Pairs of images whose features are compared in a step: as many images as `batch`, half of
        each domain."""
        return max(1, self.batch // 2)

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
            # Left out where there is none: runs of before can be gone on with.
            **({"teaching": asdict(self.teaching)} if self.teaching else {}),
            **({"keep_auxiliary": True} if self.keep_auxiliary else {}),
            **({"stretch": self.stretch} if self.stretch != 1 else {}),
            **{
                name: part.described()
                for name in ("norm_discrepancy", "consistency")
                if (part := getattr(self, name)) is not None
            },
        }
