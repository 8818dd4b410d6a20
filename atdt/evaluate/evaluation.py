"""`atdt evaluate`: from a predictions folder and a domain's labels to metrics.json."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from atdt.digests import sha256_file
from atdt.domains import Domain, open_domain
from atdt.errors import UserError
from atdt.evaluate.bootstrap import LEVEL
from atdt.evaluate.by_class import SEMANTIC, by_class, check_has_classes
from atdt.evaluate.compare import Row, compare, gaps
from atdt.evaluate.focal import AUTO, focal_ratios
from atdt.evaluate.pairs import Pairs
from atdt.evaluate.records import (
    METRICS,
    SCHEMA,
    Measured,
    load_measured,
    write_measured,
)
from atdt.predictions import INDEX, Predictions, open_predictions
from atdt.progress import progress
from atdt.provenance import provenance
from atdt.tasks import get_task
from atdt.tasks.base import Record, stack_records


@dataclass(frozen=True)
class Evaluation:
    """What to measure.

    Attributes:
        predictions: a predictions folder.
        domain: PATH[:SPLIT][@N] of the domain whose images were predicted.
        out: metrics.json; beside the predictions where None.
        focal_ratio: of depth: "auto", a number, or None for none; see `focal_ratios`. A number is
            for these predictions and the baseline; the oracle, trained with this camera, has none.
        block: images drawn together by the bootstrap; more than 1 for video.
        bootstrap: resamples; 0 for no intervals.
        seed: of the resamples.
        baseline, oracle: predictions folders, for gap closed; evaluated first where they are not.
        skip_bad: leave out images that cannot be used, as the prediction did.
        by_class: measure also the pixels of each class of the domain's semantic labels apart.
        known_only: of depth: leave out pixels without a prediction, as `ground-depth` and
            `proxy-depth` have them; otherwise they count as 0 metres.
    """

    predictions: Path
    domain: str
    out: Path | None = None
    focal_ratio: str | float | None = AUTO
    block: int = 1
    bootstrap: int = 1000
    seed: int = 0
    baseline: Path | None = None
    oracle: Path | None = None
    skip_bad: bool = False
    by_class: bool = False
    known_only: bool = False


def evaluate(config: Evaluation) -> Path:
    """Measure predictions against the labels of their domain, and write metrics.json.

    Returns:
        the path of metrics.json; the statistics of every image lie beside it in records.npz.

    Raises:
        MismatchError: the predictions are not of this domain, or baseline and oracle not of the
            same images and truth.
        UserError: nothing can be measured, or the options contradict each other.
    """
    if (config.baseline is None) != (config.oracle is None):
        raise UserError("--baseline and --oracle: gap closed needs both")
    predictions = open_predictions(config.predictions)
    task = get_task(predictions.task)
    if config.known_only and (task.label != "depth" or config.baseline is not None):
        what = "compares with nothing" if config.baseline else f"is for depth, not for {task.name}"
        raise UserError(f"--known-only: {what}")
    labels = [] if task.label is None else [task.label]
    if config.by_class:
        check_has_classes(task)
        labels.append(SEMANTIC)
    domain = open_domain(config.domain, labels=labels, skip_bad=config.skip_bad)
    pairs = Pairs(predictions, domain, task, known_only=config.known_only)
    measured = _measured(config, pairs)
    rows = {"method": [[measured]]}
    if config.baseline is not None and config.oracle is not None:
        rows["baseline"] = [[_other(config, config.baseline, domain)]]
        oracle = _other(replace(config, focal_ratio=_oracles(config)), config.oracle, domain)
        rows["oracle"] = [[oracle]]
    compared = compare(rows, replicates=config.bootstrap, block=config.block, seed=config.seed)
    own = compared["method"]
    measured.info.update(own.described())
    better = {metric.key: metric.higher_is_better for metric in task.metrics(measured.space)}
    if len(rows) > 1:
        closed = gaps(own, compared["baseline"], compared["oracle"], better)
        measured.info["gap_closed"] = {
            "metrics": {key: vars(gap) for key, gap in closed.items()},
            **{
                name: {"path": str(rows[name][0][0].path), **compared[name].described()}
                for name in ("baseline", "oracle")
            },
        }
    if config.by_class:
        measured.info["by_class"] = _by_class(config, pairs, rows, better)
    return write_measured(measured)


def _by_class(
    config: Evaluation, pairs: Pairs, rows: Mapping[str, Row], better: Mapping[str, bool]
) -> dict[str, dict[str, Any]]:
    """What metrics.json says of each class: figures of the method, and of the others if given.

    Raises:
        UserError: no pixel that has truth has a class.
    """
    classes = {"method": by_class(rows["method"][0][0], pairs, config.focal_ratio)}
    if not classes["method"]:
        raise UserError(f"{pairs.domain.path}: --by-class: no pixel with truth has a class")
    others = {
        "baseline": (config.baseline, config.focal_ratio),
        "oracle": (config.oracle, _oracles(config)),
    }
    for name, (folder, ratio) in others.items():
        if name in rows:
            theirs = Pairs(open_predictions(folder), pairs.domain, pairs.task)
            classes[name] = by_class(rows[name][0][0], theirs, ratio)
    content = {}
    for name, measured in classes["method"].items():
        alike = {row: [[of_class[name]]] for row, of_class in classes.items()}
        compared = compare(alike, replicates=config.bootstrap, block=config.block, seed=config.seed)
        content[name] = {
            "pixels": int(measured.stack["pixels"].sum()),
            **{row: figures.described() for row, figures in compared.items()},
        }
        if len(compared) > 1:
            closed = gaps(*(compared[row] for row in ("method", *others)), better)
            content[name]["gap_closed"] = {key: vars(gap) for key, gap in closed.items()}
    return content


def _oracles(config: Evaluation) -> str | None:
    """The focal ratio of the oracle, which was trained with this camera."""
    return AUTO if config.focal_ratio == AUTO else None


def _measured(config: Evaluation, pairs: Pairs) -> Measured:
    predictions, domain, task = pairs.predictions, pairs.domain, pairs.task
    notes: list[str] = []
    ratios = None
    if "focal_ratio" in task.ways:
        ratios, why_not = focal_ratios(config.focal_ratio, pairs)
        notes += [why_not] if why_not else []
    records, fitted, truth_sha256 = _records(pairs, ratios)
    left_out = [
        image for image, record in zip(pairs.images, records, strict=True) if not record["pixels"]
    ]
    if len(left_out) == len(records):
        raise UserError(f"{domain.path}: none of {len(records)} images has {task.label} truth")
    if left_out:
        notes.append(
            f"{len(left_out)} of {len(records)} images have no valid pixel and are left out"
        )
    stack = stack_records(records)
    space = domain.label_space
    keys = task.scores(stack, np.ones((1, len(records))), space)
    info = {
        "schema": SCHEMA,
        "task": task.name,
        "headline": task.headline,
        "metrics": [vars(metric) for metric in task.metrics(space) if metric.key in keys],
        "scores": {},
        "intervals": {},
        "gap_closed": None,
        "images": {"count": len(records), "left_out": left_out},
        "ways": {
            "focal_ratio": None if ratios is None else float(np.median(ratios)),
            "scale": fitted.get("scale"),
        },
        "notes": [*notes, *domain.skipped],
        "bootstrap": {
            "replicates": config.bootstrap if len(records) > 1 else 0,
            "unit": _unit(config.block),
            "block": config.block,
            "seed": config.seed,
            "level": LEVEL,
        },
        "predictions": {"folder": str(predictions.folder), **_asked(config, predictions)},
        "domain": {"name": domain.name, "split": domain.split, "digest": domain.digest()},
        "label_space": space.to_dict(),
        "view": predictions.view,
        "truth_sha256": truth_sha256,
        "method": predictions.method,
        "mismatch": list(predictions.mismatch),
        "provenance": provenance(),
    }
    path = config.out or predictions.folder / METRICS
    return Measured(path, info, pairs.images, stack)


def _records(
    pairs: Pairs, ratios: Sequence[float] | None
) -> tuple[list[Record], dict[str, float], str]:
    """Statistics of every image, what was fitted on all of them, and the digest of all truth."""
    task, space = pairs.task, pairs.domain.label_space
    records: list[Record] = []
    digest = hashlib.sha256()
    with progress("evaluate", total=len(pairs), unit="images") as advance:
        for index in range(len(pairs)):
            prediction, truth = pairs[index]
            digest.update(repr((truth.shape, truth.dtype.str)).encode())
            digest.update(np.ascontiguousarray(truth))
            ways = {} if ratios is None else {"focal_ratio": ratios[index]}
            try:
                records.append(task.measure(prediction, truth, space, **ways))
            except UserError as error:
                raise type(error)(f"{pairs.path(index)}: {error}") from None
            advance()
    fitted = task.fit(records)
    if fitted:
        for index, record in enumerate(records):
            record.update(task.measure(*pairs[index], space, **fitted))
    return records, fitted, digest.hexdigest()


def _other(config: Evaluation, folder: Path, domain: Domain) -> Measured:
    """The baseline or oracle as it was measured, or measured now if that was otherwise."""
    predictions = open_predictions(folder)
    if (folder / METRICS).is_file():
        measured = load_measured(folder)
        there = {"known_only": False} | measured.info["predictions"]  # which came later
        asked = _asked(config, predictions).items() <= there.items()
        if asked and measured.info["domain"]["digest"] == domain.digest():
            return measured
    alone = replace(
        config, predictions=folder, out=None, baseline=None, oracle=None, by_class=False
    )
    return load_measured(evaluate(alone))


def _asked(config: Evaluation, predictions: Predictions) -> dict[str, Any]:
    """Which predictions were measured, and the option that changes what is measured of an image."""
    return {
        "sha256": sha256_file(predictions.folder / INDEX),
        "focal_ratio": str(config.focal_ratio),
        "known_only": config.known_only,
    }


def _unit(block: int) -> str:
    return "images" if block == 1 else f"moving blocks of {block} consecutive images"
