"""What a training of a task network is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atdt.errors import RunError
from atdt.networks import NetworkSpec


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
    consistency: ConsistencyTraining | None = None

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
        if self.consistency and not self.consistency.train:
            raise RunError(
                "--consistency: has no domain to agree on: give --consistency-train SPEC"
            )
        if self.consistency and not 0 < self.consistency.weight < float("inf"):
            raise RunError(f"--consistency-weight {self.consistency.weight}: must be above 0")

    def described(self) -> dict[str, Any]:
        """All that the result depends on, for run.json; paths as they were given."""
        auxiliary, consistency = self.auxiliary, self.consistency
        return {
            "task": self.task,
            "train": list(self.train),
            "validation": list(self.validation),
            "pseudo_labels": [[spec, str(folder)] for spec, folder in self.pseudo_labels],
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
            # Left out where there is none: runs of before can be gone on with.
            **({} if consistency is None else {"consistency": _told(consistency)}),
        }


def _told(consistency: ConsistencyTraining) -> dict[str, Any]:
    return {
        "run": str(consistency.run),
        "train": list(consistency.train),
        "weight": consistency.weight,
    }
