"""`atdt merge`: predictions of several networks become one folder of predictions.

All were made with `--save-logits`, of the same images in the same view. No label of B is read: what
is learnt is learnt on predictions and labels of A.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from atdt.checks import check_out_apart
from atdt.decode.folder import PLACES, PredictionsWriter, identity
from atdt.domains import Domain, LabelSpace, open_domain
from atdt.domains.labels import IGNORE
from atdt.domains.sharing import Origin
from atdt.errors import MismatchError, UserError
from atdt.evaluate.pairs import Pairs
from atdt.later import LATER
from atdt.merge import ways
from atdt.merge.calibration import Example, calibrated, calibration_error
from atdt.npy import write_npy
from atdt.predictions import INDEX, LOGITS, PREDICTIONS, Predictions, open_predictions
from atdt.progress import progress
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.tasks.files import with_suffix

WAYS = ("mean", "softmax", "learnt")
SAME = ("domain", "view", "label_space")  # of all folders
NAMES = (*PLACES, "name")  # of a method: what its runs were called, and where
MOST_EXAMPLES = 64  # images of A that weights are learnt on


@dataclass(frozen=True, kw_only=True)
class Merging:
    """What is merged, and how.

    Attributes:
        predictions: folders with logits, two or more.
        out: the new predictions folder.
        by: one of `WAYS`: the mean of outputs; D4's two tempered softmaxes, of which the first is
            trusted for the classes that are rare in A, the second for the others (the originals
            have an outside network first and the transferred one second); or weights that are
            learnt on A.
        learn_from: folders of the same networks on A, in the same order, which "learnt" and
            `calibrate` learn from; of classes the calibration error there is recorded.
        a: spec of A: of the images of `learn_from`, with labels; for "softmax" what tells how
            frequent classes are, too.
        resume, overwrite: go on with, or replace, what is in `out`.
        calibrate: first bring each network to the temperature at which A says it is as right as it
            is sure, then the merger too; "learnt" does so by itself.
    """

    predictions: tuple[Path, ...]
    out: Path
    by: str = "mean"
    learn_from: tuple[Path, ...] = ()
    a: str | None = None
    resume: bool = False
    overwrite: bool = False
    calibrate: bool = field(default=False, metadata=LATER)

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UserError: names the option.
        """
        if self.by not in WAYS:
            raise UserError(f"--by {self.by}: choose one of {', '.join(WAYS)}")
        if len(self.predictions) < 2:
            raise UserError("merging needs two predictions folders or more")
        if self.by == "softmax" and len(self.predictions) != 2:
            raise UserError(f"--by softmax: is for two networks, not {len(self.predictions)}")
        if self.by == "learnt" and self.calibrate:
            raise UserError("--calibrate: --by learnt does so by itself; leave it out")
        for option, learns in (
            ("--by learnt", self.by == "learnt"),
            ("--calibrate", self.calibrate),
        ):
            if learns and not self.learn_from:
                raise UserError(
                    f"{option}: learns from predictions of A: give --learn-from FOLDER for each "
                    "network, and --a SPEC"
                )
        if (self.by != "mean" or self.learn_from) and self.a is None:
            option = "--learn-from" if self.learn_from else f"--by {self.by}"
            raise UserError(f"{option}: needs A's labels, give --a SPEC")
        if self.learn_from and len(self.learn_from) != len(self.predictions):
            raise UserError(
                f"--learn-from: {len(self.learn_from)} folders for {len(self.predictions)} networks"
            )


def merge(config: Merging) -> Path:
    """Merge predictions; gives back the folder.

    Raises:
        UserError: an option, a folder without logits, an `a` that is B, or what is in `config.out`
            already.
        MismatchError: the folders are of other images, tasks or networks than each other.
    """
    config.check()
    check_out_apart(config.out, (*config.predictions, *config.learn_from))
    merged = _alike(config.predictions)
    task = get_task(merged[0].task)
    way, said = _way(config, merged, task)

    def of_one(_: int, image: str) -> dict[str, Path]:
        output = way([torch.from_numpy(one.output(image)) for one in merged])
        prediction = task.predict(output[None])[0].numpy()
        written = task.write(writer.path(PREDICTIONS, image), prediction)
        path = with_suffix(writer.path(LOGITS, image), ".npy")
        return {PREDICTIONS: written, LOGITS: write_npy(path, output.half().numpy())}

    with PredictionsWriter(
        config.out,
        _header(config, merged, said),
        merged[0].images,
        [PREDICTIONS, LOGITS],
        resume=config.resume,
        overwrite=config.overwrite,
    ) as writer:
        writer.write_each(f"merge {task.name}", of_one)
    return config.out


def _alike(folders: Sequence[Path]) -> list[Predictions]:
    """The folders, if they are of the same images in the same view, and have logits."""
    opened = [open_predictions(folder) for folder in folders]
    first = opened[0]
    for one in opened:
        index = one.folder / INDEX
        if not one.has(LOGITS):
            raise UserError(f"{index}: has no logits; predict again with --save-logits")
        if one.task != first.task or one.images != first.images:
            raise MismatchError(f"{index}: of another task or other images than {first.folder}")
        for key in SAME:
            if identity(one.info[key]) != identity(first.info[key]):
                raise MismatchError(f"{index}: {key} is another than that of {first.folder}")
    return opened


def _way(config: Merging, merged: list[Predictions], task: Task) -> tuple[ways.Way, dict[str, Any]]:
    """How outputs are merged, and what predictions.json says of it."""
    if config.by == "mean" and not config.learn_from:
        return ways.mean, {}
    has_classes = task.label == "semantic"
    for option, asked in (
        ("--by softmax", config.by == "softmax"),
        ("--calibrate", config.calibrate),
    ):
        if asked and not has_classes:
            raise UserError(
                f"{option}: is for classes, not for {task.name}; --by learnt is for all"
            )
    domain = open_domain(config.a, labels=[task.label] if task.label else [])
    _refuse_labels_of_b(config, domain, merged[0])
    examples: list[Example] = []
    if config.learn_from:
        learnt_on = _alike(config.learn_from)
        _check_networks(merged, learnt_on)
        examples = _examples(learnt_on, domain, task)
    way, said = ways.mean, {"a": domain.to_dict()}
    if config.by == "softmax":
        rarity = ways.rarity(_frequencies(domain, merged[0]))
        way, said["weights"] = ways.tempered(rarity), rarity.tolist()
    if config.by == "learnt":
        learnt, shift = ways.fit(examples, task)
        way, said = ways.weighed(learnt, shift), said | {"weights": list(learnt), "shift": shift}
    if examples and has_classes:
        way, found = _calibration(config, way, examples, task)
        said |= found
    return way, said


def _refuse_labels_of_b(config: Merging, domain: Domain, merged: Predictions) -> None:
    """Prove that what is learnt from is not the domain of what is merged."""
    if Origin.of(domain).shares(Origin.recorded(merged.domain, merged.images)):
        raise UserError(
            f"--a {config.a}: is of {domain.name}, as is what is merged, whose labels may teach "
            "nothing here; give A, on which the networks learnt"
        )


def _calibration(
    config: Merging, way: ways.Way, examples: list[Example], task: Task
) -> tuple[ways.Way, dict[str, Any]]:
    """The way, calibrated where that is asked for, and how sure it and its parts are too often."""
    alone = zip(*(outputs for outputs, _ in examples), strict=True)
    targets = [target for _, target in examples]
    errors: dict[str, Any] = {"images": len(examples)}
    errors["networks"] = [calibration_error(zip(o, targets, strict=True), task) for o in alone]
    found: dict[str, Any] = {"calibration_error": errors}
    if config.calibrate:
        way, found["temperatures"], errors["calibrated"] = calibrated(way, examples, task)
    errors["merged"] = calibration_error(((way(o), target) for o, target in examples), task)
    return way, found


def _check_networks(merged: list[Predictions], learnt_on: list[Predictions]) -> None:
    for on_b, on_a in zip(merged, learnt_on, strict=True):
        if identity(on_b.method, NAMES) != identity(on_a.method, NAMES):
            raise MismatchError(
                f"{on_a.folder / INDEX}: made by other networks than {on_b.folder}; the folders of "
                "--learn-from come in the order of those that are merged"
            )


def _examples(learnt_on: list[Predictions], domain: Domain, task: Task) -> list[Example]:
    pairs = Pairs(learnt_on[0], domain, task)
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(MOST_EXAMPLES, len(pairs))).astype(int))
    examples = []
    for index in chosen.tolist():
        truth = torch.from_numpy(np.asarray(pairs.truth(index)))
        target = truth[None] if task.label is None else task.target(None, truth[None])
        image = pairs.images[index]
        examples.append(([torch.from_numpy(one.output(image)) for one in learnt_on], target))
    return examples


def _frequencies(domain: Domain, merged: Predictions) -> Tensor:
    """Pixels of each class in A."""
    classes = tuple(merged.label_space["classes"])
    if domain.label_space.classes != classes:
        raise MismatchError(f"{domain.path}: other classes than {merged.folder / INDEX}")
    counts = np.zeros(IGNORE + 1, np.int64)
    with progress("count A's classes", len(domain), "images") as advance:
        for index in range(len(domain)):
            counts += np.bincount(domain.label(index, "semantic").ravel(), minlength=IGNORE + 1)
            advance(1)
    return torch.from_numpy(counts[: len(classes)]).double()


def _header(config: Merging, merged: list[Predictions], said: dict[str, Any]) -> dict[str, Any]:
    first = merged[0].info
    focals = [one.method.get("training_focal") for one in merged]
    method: dict[str, Any] = {"kind": "merged", "by": config.by, **said}
    method["of"] = [one.method for one in merged]
    is_shared = focals.count(focals[0]) == len(focals)
    method["training_focal"] = focals[0] if is_shared else None
    space = LabelSpace.from_dict(first["label_space"])
    return {
        "task": first["task"],
        "label_space": space.to_dict(),
        "domain": first["domain"],
        "view": first["view"],
        "method": method,
        "mismatch": sorted({line for one in merged for line in one.mismatch}),
        "skipped": first.get("skipped", []),
        "suffix": get_task(first["task"]).suffix,
        "arrays": {LOGITS: "float16"},
        "computed": {},
    }
