"""Domains that a training reads: opened, checked against each other, and described."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atdt.domains import Domain, ViewPlan, open_domain
from atdt.domains.predicted import RELATIVE
from atdt.errors import DomainError, RunError
from atdt.places import place
from atdt.predictions import CONFIDENCE
from atdt.tasks.base import Task

Size = tuple[int, int]


@dataclass(frozen=True)
class Source:
    """An open domain, the spec it was opened by, and where its labels come from if not from it."""

    spec: str
    domain: Domain
    predictions: Path | None = None

    def described(self, resize: Size | None) -> dict[str, Any]:
        """What run.json says of it; "focal" is in pixels of the image after `resize`, or None;
        "taught_by" is the method of predictions.json that its labels come from, or None."""
        made = next(iter(self.domain.predictions.values()), None)
        return {
            "spec": self.spec,
            "name": self.domain.name,
            "split": self.domain.split,
            "digest": self.domain.digest(),
            "images": len(self.domain),
            "skipped": list(self.domain.skipped),
            "focal": mean_focal(self.domain, resize),
            "pseudo_labels": self.predictions and str(self.predictions),
            "taught_by": made and made.method,
        }


def open_sources(
    task: Task,
    specs: Sequence[str],
    pseudo_labels: Iterable[tuple[str, Path]] = (),
    *,
    maps: Sequence[str] = (),
    skip_bad: bool = False,
) -> tuple[Source, ...]:
    """Open domains with the labels that `task` learns from.

    Args:
        specs: domains whose own labels are used.
        pseudo_labels: pairs (spec, predictions folder) of domains whose labels are predictions.
        maps: what these domains must have besides, see `batches.Taught`.

    Raises:
        DomainError: a domain cannot be used.
        RunError: predictions for a task that needs no label, or without the confidence that is
            asked for.
    """
    own = [kind for kind in maps if kind != CONFIDENCE]
    labels = [task.label] if task.label else []
    sources = [Source(s, open_domain(s, labels=labels, skip_bad=skip_bad)) for s in specs]
    for spec, folder in pseudo_labels:
        if not task.label:
            raise RunError(f"{task.name} needs no labels: give {spec} by --train, not by --pseudo")
        domain = open_domain(spec, labels=own, skip_bad=skip_bad)
        domain = domain.with_predictions(task.label, folder)
        made = domain.predictions[task.label]
        if made.task == RELATIVE and task.name != RELATIVE:
            raise RunError(
                f"{folder}: holds {made.task} of any scale and shift, from which {task.name} "
                f"cannot be learnt; --task {made.task} can"
            )
        if CONFIDENCE in maps and not made.has(CONFIDENCE):
            raise RunError(
                f"{folder}: has no confidence; `atdt distill` finds it out, or give --trust all"
            )
        sources.append(Source(spec, domain, place(folder)))
    return tuple(sources)


def same_label_space(sources: Iterable[Source]) -> None:
    """Prove that semantic ids mean the same in all `sources`.

    Raises:
        DomainError: they do not; the message names two.
    """
    first, *others = sources
    for other in others:
        if other.domain.label_space.classes != first.domain.label_space.classes:
            raise DomainError(
                f"{other.spec}: label space {other.domain.label_space.name!r}, but {first.spec} "
                f"has {first.domain.label_space.name!r}; one network needs one label space"
            )


def one_size(sources: Sequence[Source], plan: ViewPlan) -> Size:
    """Height and width of every view that `plan` cuts from the images of `sources`.

    Raises:
        DomainError: views of several sizes, which no batch can hold.
    """
    found: dict[Size, str] = {}
    for source in sources:
        for index, sample in enumerate(source.domain.samples):
            try:
                size = plan.out_size(source.domain.image_size(index))
            except DomainError as error:
                raise DomainError(f"{source.spec} {sample.image}: {error}") from None
            found.setdefault(size, f"{source.spec} {sample.image}")
            if len(found) > 1:
                (one, here), (other, there) = found.items()
                raise DomainError(
                    f"{there}: {other[0]}x{other[1]}, but {here}: {one[0]}x{one[1]}; "
                    "images of one training need one size: give --crop or --resize HxW"
                )
    return next(iter(found))


def mean_focal(domain: Domain, resize: Size | None) -> float | None:
    """Mean focal length over the images of a domain, in pixels of the image as the network sees it.

    Depth that a network predicted is right for the camera which that network learnt under, so its
    focal length counts there. None where any image's is not known.
    """
    depth = domain.predictions.get("depth")
    teacher = depth.method if depth is not None and depth.task == "depth" else {}
    focals = []
    for index in range(len(domain)):
        focal, scale = domain.focal(index), _scale(resize, domain, index)
        if "training_focal" in teacher:
            trained = teacher["training_focal"]
            focal = trained if isinstance(trained, int | float) else None
            scale /= _scale(ViewPlan.from_dict(depth.view).resize, domain, index)
        if focal is None:
            return None
        focals.append(focal * scale)
    return float(np.mean(focals))


def _scale(resize: Size | None, domain: Domain, index: int) -> float:
    """What a resize makes of the width of an image."""
    return resize[1] / domain.image_size(index)[1] if resize else 1.0


def training_focal(described: Sequence[dict[str, Any]]) -> float | None:
    """Mean focal length over all images of several described domains; None where one's is not
    known."""
    if any(domain["focal"] is None for domain in described):
        return None
    weights = [domain["images"] for domain in described]
    return float(np.average([domain["focal"] for domain in described], weights=weights))
