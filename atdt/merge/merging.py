"""`atdt merge`: predictions of several networks become one folder of predictions.

All were made with `--save-logits`, of the same images in the same view. No label of B is read: what
is learnt is learnt on predictions and labels of A.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from atdt.decode.folder import PLACES, PredictionsWriter, identity
from atdt.domains import Domain, LabelSpace, open_domain
from atdt.domains.labels import IGNORE
from atdt.errors import MismatchError, UserError
from atdt.evaluate.pairs import Pairs
from atdt.merge import ways
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
            trusted for the classes that are rare in A, the second for the others; or weights that
            are learnt on A.
        learn_from: for "learnt": folders of the same networks on A, in the same order.
        a: spec of A: for "learnt" of the images of `learn_from`, with labels; for "softmax" what
            tells how frequent classes are.
        resume, overwrite: go on with, or replace, what is in `out`.
    """

    predictions: tuple[Path, ...]
    out: Path
    by: str = "mean"
    learn_from: tuple[Path, ...] = ()
    a: str | None = None
    resume: bool = False
    overwrite: bool = False

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
        if self.by != "mean" and self.a is None:
            raise UserError(f"--by {self.by}: needs A's labels, give --a SPEC")
        if (self.by == "learnt") != bool(self.learn_from):
            raise UserError("--by learnt and --learn-from FOLDER belong together")
        if self.learn_from and len(self.learn_from) != len(self.predictions):
            raise UserError(
                f"--learn-from: {len(self.learn_from)} folders for {len(self.predictions)} networks"
            )


def merge(config: Merging) -> Path:
    """Merge predictions; gives back the folder.

    Raises:
        UserError: an option, a folder without logits, or what is in `config.out` already.
        MismatchError: the folders are of other images, tasks or networks than each other.
    """
    config.check()
    merged = _alike(config.predictions)
    task = get_task(merged[0].task)
    way, said = _way(config, merged, task)
    writer = PredictionsWriter(
        config.out,
        _header(config, merged, said),
        merged[0].images,
        [PREDICTIONS, LOGITS],
        resume=config.resume,
        overwrite=config.overwrite,
    )
    if writer.complete:
        return config.out
    todo = [image for image in merged[0].images if not writer.is_done(image)]
    with progress(f"merge {task.name}", len(todo), "images") as advance:
        for image in todo:
            output = way([_output(one, image) for one in merged])
            written = task.write(
                writer.path(PREDICTIONS, image), task.predict(output[None])[0].numpy()
            )
            path = with_suffix(writer.path(LOGITS, image), ".npy")
            write_npy(path, output.half().numpy())
            writer.record({image: {PREDICTIONS: written, LOGITS: path}})
            advance(1)
    writer.finish()
    return config.out


def _alike(folders: Sequence[Path]) -> list[Predictions]:
    """The folders, if they are of the same images in the same view, and have logits."""
    opened = [open_predictions(folder) for folder in folders]
    first = opened[0]
    for one in opened:
        index = one.folder / INDEX
        if not one.has_outputs:
            raise UserError(f"{index}: has no logits; predict again with --save-logits")
        if one.task != first.task or one.images != first.images:
            raise MismatchError(f"{index}: of another task or other images than {first.folder}")
        for key in SAME:
            if identity(one.info[key]) != identity(first.info[key]):
                raise MismatchError(f"{index}: {key} is another than that of {first.folder}")
    return opened


def _way(config: Merging, merged: list[Predictions], task: Task) -> tuple[ways.Way, dict[str, Any]]:
    """How outputs are merged, and what predictions.json says of it."""
    if config.by == "mean":
        return ways.mean, {}
    domain = open_domain(config.a, labels=[task.label] if task.label else [])
    if config.by == "softmax":
        if task.label != "semantic":
            raise UserError(f"--by softmax: is for classes, not for {task.name}")
        weights = ways.rarity(_frequencies(domain, merged[0]))
        return ways.tempered(weights), {"weights": weights.tolist(), "a": domain.to_dict()}
    learnt_on = _alike(config.learn_from)
    _check_networks(merged, learnt_on)
    weights, shift = ways.fit(_examples(learnt_on, domain, task), task)
    said = {"weights": list(weights), "shift": shift, "a": domain.to_dict()}
    return ways.weighed(weights, shift), said


def _check_networks(merged: list[Predictions], learnt_on: list[Predictions]) -> None:
    for on_b, on_a in zip(merged, learnt_on, strict=True):
        if identity(on_b.method, NAMES) != identity(on_a.method, NAMES):
            raise MismatchError(
                f"{on_a.folder / INDEX}: made by other networks than {on_b.folder}; the folders of "
                "--learn-from come in the order of those that are merged"
            )


def _examples(
    learnt_on: list[Predictions], domain: Domain, task: Task
) -> list[tuple[list[Tensor], Tensor]]:
    pairs = Pairs(learnt_on[0], domain, task)
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(MOST_EXAMPLES, len(pairs))).astype(int))
    examples = []
    for index in chosen.tolist():
        truth = torch.from_numpy(np.asarray(pairs.truth(index)))
        target = truth[None] if task.label is None else task.target(None, truth[None])
        image = pairs.images[index]
        examples.append(([_output(one, image) for one in learnt_on], target))
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


def _output(predictions: Predictions, image: str) -> Tensor:
    """The decoder's output (C, h, w) of an image, float32."""
    return torch.from_numpy(predictions.output(image))


def _header(config: Merging, merged: list[Predictions], said: dict[str, Any]) -> dict[str, Any]:
    first = merged[0].info
    focals = {str(one.method.get("training_focal")) for one in merged}
    method: dict[str, Any] = {"kind": "merged", "by": config.by, **said}
    method["of"] = [one.method for one in merged]
    if len(focals) == 1:
        method["training_focal"] = merged[0].method.get("training_focal")
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
