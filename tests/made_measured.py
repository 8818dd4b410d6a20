"""Folders that look measured: figures of the test's choice, spread a little over images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from atdt.domains import label_space
from atdt.evaluate.records import METRICS, SCHEMA, Measured, write_measured
from atdt.tasks import get_task
from atdt.tasks.base import Stack
from atdt.tasks.depth import SEVEN

IMAGES = 4


def measured_semantic(folder: Path, hits: int) -> Path:
    """Of 100 pixels a class `hits` are right and the others the next class: every IoU is
    hits / (200 − hits), accuracy is hits %."""
    confusion = hits * np.eye(11, dtype=np.int64)
    confusion += (100 - hits) * np.roll(np.eye(11, dtype=np.int64), 1, axis=1)
    each = np.repeat(confusion[None], IMAGES, axis=0)
    for k in range(0, IMAGES, 2):  # one image better, one worse
        each[k] += 5 * np.eye(11, dtype=np.int64)
        each[k + 1] -= 5 * np.eye(11, dtype=np.int64)
    pixels = each.sum(axis=(1, 2))
    return _write(folder, "semantic", {"confusion": each, "pixels": pixels}, {})


def measured_depth(
    folder: Path, abs_rel: float, ratio: float | None = 2.0, why: str | None = None
) -> Path:
    """Every figure follows from `abs_rel`; × focal ratio it is abs_rel / ratio.

    Args:
        ratio: of the focal lengths; None: one of them is not known.
        why: of B's, as `atdt evaluate` notes it; None: A's is not known.
    """
    spread = 1 + 0.1 * np.array([-1, 1, -1, 1])
    ways = {"": 1.0, "scalar/": 0.5} | ({} if ratio is None else {"focal/": 1 / ratio})
    stack = {
        f"{way}{key}": factor * abs_rel * place * spread
        for way, factor in ways.items()
        for place, (key, *_) in enumerate(SEVEN, start=1)
    }
    stack |= {"scale_free/silog": 10 * abs_rel * spread, "scale_free/delta1": spread / 2}
    stack |= {"pixels": np.full(IMAGES, 100)}
    method = {"training_focal": 90.0} if why or ratio else {}
    return _write(folder, "depth", stack, method, [why] if why else [])


def _write(
    folder: Path, name: str, stack: Stack, method: Mapping[str, Any], notes: Sequence[str] = ()
) -> Path:
    task, space = get_task(name), label_space("shared11")
    scores = task.scores(stack, np.ones((1, IMAGES)), space)
    info = {
        "schema": SCHEMA,
        "task": name,
        "headline": task.headline,
        "metrics": [vars(metric) for metric in task.metrics(space) if metric.key in scores],
        "scores": {key: float(values[0]) for key, values in scores.items()},
        "images": {"count": IMAGES, "left_out": []},
        "notes": list(notes),
        "domain": {"name": "b", "split": "test", "digest": ""},
        "label_space": space.to_dict(),
        "view": {},
        "truth_sha256": "",
        "method": dict(method),
        "mismatch": [],
    }
    images = tuple(f"{k}.png" for k in range(IMAGES))
    write_measured(Measured(folder / METRICS, info, images, stack))
    return folder
