"""What predictions.json says, but for the files: known before the first image is predicted."""

from collections.abc import Sequence
from typing import Any

import torch

from atdt.decode.config import Output
from atdt.domains import Domain, LabelSpace, ViewPlan
from atdt.predictions import FEATURES, LOGITS
from atdt.provenance import torch_threads
from atdt.runs import Run
from atdt.tasks.base import Task


def header(
    task: Task,
    space: LabelSpace,
    domain: dict[str, Any],
    view: dict[str, Any],
    method: dict[str, Any],
    config: Output,
    device: torch.device,
    *,
    mismatch: tuple[str, ...] = (),
    skipped: tuple[str, ...] = (),
) -> dict[str, Any]:
    """All that the files of a predictions folder depend on, as JSON.

    Args:
        task, space: what is predicted, and what semantic ids stand for.
        domain: as `Domain.to_dict` gives it and a store records it.
        view: the plan whose view 0 is predicted.
        method: "kind", runs and digests.
        mismatch: what --allow-mismatch let through.
        skipped: images that --skip-bad left out, and why.
    """
    kept = {LOGITS: config.save_logits, FEATURES: config.save_features}
    return {
        "task": task.name,
        "label_space": space.to_dict(),
        "domain": domain,
        "view": view,
        "method": method,
        "mismatch": list(mismatch),
        "skipped": list(skipped),
        "suffix": ".png" if config.depth_format == "png" else task.suffix,
        "arrays": {part: config.save_dtype for part, wanted in kept.items() if wanted},
        "computed": {
            "device": device.type,
            "threads": torch_threads(),
            "precision": config.precision,
            "batch": config.batch,
        },
    }


def header_of_labels(
    task: Task,
    domain: Domain,
    method: dict[str, Any],
    *,
    suffix: str | None = None,
    arrays: dict[str, str] | None = None,
    mismatch: Sequence[str] = (),
    computed: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The same of labels of whole images that no network of the project made.

    Args:
        method: "kind", and what the labels depend on.
        suffix: of their files; the task's own when None.
        arrays: further parts → dtype.
        computed: what the numbers depend on beside the method.
    """
    return {
        "task": task.name,
        "label_space": domain.label_space.to_dict(),
        "domain": domain.to_dict(),
        "view": ViewPlan().to_dict(),
        "method": method,
        "mismatch": list(mismatch),
        "skipped": [],
        "suffix": suffix or task.suffix,
        "arrays": arrays or {},
        "computed": computed or {},
    }


def run_info(run: Run) -> dict[str, str]:
    """What identifies a run, and where it was."""
    path = run.path.resolve()
    return {"name": path.name, "path": str(path), "sha256": run.info["weights"]["sha256"]}
