"""`atdt demo`: the whole road on rendered streets, from no data at all to a report."""

import time
from dataclasses import dataclass
from pathlib import Path

from atdt.domains.streets import RenderConfig, render
from atdt.evaluate.pictures import save_grid
from atdt.evaluate.report import Facts, Paragraph, Section, write_report
from atdt.experiments.direction import (
    essentials,
    labelled_images,
    other_rivals,
)
from atdt.experiments.figures import Figures, Result, figures
from atdt.experiments.page import in_markdown, pictures, sections
from atdt.experiments.preset import Preset
from atdt.experiments.road import Direction, Outcome, Side
from atdt.experiments.steps import Counted, Steps
from atdt.files import write_atomic
from atdt.provenance import provenance


@dataclass(frozen=True)
class Demo:
    """What to run.

    Attributes:
        preset: sizes and schedules, see `atdt.experiments.preset`.
        root: where data/, runs/, stores/, predictions/ and reports/ are, or are made.
        name: of the experiment; names its folder in each of these.
        directions: pairs (T1, T2).
        seeds: of the task networks and views.
        transfer_seeds: of G and the head.
        rivals: also train the rivals that cost a training each.
        curve: numbers of labelled images of B for the oracle's curve; none for no curve.
    """

    preset: Preset
    root: Path = Path()
    name: str = "demo"
    directions: tuple[tuple[str, str], ...] = (("semantic", "depth"),)
    seeds: tuple[int, ...] = (0,)
    transfer_seeds: tuple[int, ...] = (0,)
    rivals: bool = False
    curve: tuple[int, ...] = ()


def demo(config: Demo) -> Path:
    """Render the pair, train, transfer, measure, and write the report; return its path.

    What a former call made from the same settings is found again; a step that was cut off goes on.
    """
    start = time.monotonic()
    counted = Counted()
    _walk(config, counted)
    reports = config.root / "reports" / config.name
    steps = Steps(reports / "steps.json", counted.count)
    results = _walk(config, steps)
    first = results[0]
    save_grid(pictures(first.directions[0], first.outcomes[0]), reports / "pictures.png")
    measured = [(result, figures(result)) for result in results]
    tables = "\n\n".join(in_markdown(*one) for one in measured)
    write_atomic(reports / "tables.md", tables.encode())
    return _report(reports / "index.html", config, steps, measured, time.monotonic() - start)


def _walk(config: Demo, steps: Steps) -> list[Result]:
    """All steps in order; a result for each direction."""
    preset = config.preset
    data = config.root / "data" / config.name
    steps.do(f"render {preset.pair}", render, _rendering(preset, data), out=data)
    results = []
    for source, target in config.directions:
        sides = [Side(task, task, data / "a", data / "b") for task in (source, target)]
        directions = [
            Direction(*sides, data, config.root, config.name, seed, config.transfer_seeds)
            for seed in config.seeds
        ]
        outcomes = [_run(direction, config, steps) for direction in directions]
        curves = [
            labelled_images(direction, preset, steps, outcome, config.curve)
            for direction, outcome in zip(directions, outcomes, strict=True)
            if config.curve
        ]
        results.append(Result(directions, outcomes, curves, preset.block))
    return results


def _rendering(preset: Preset, data: Path) -> RenderConfig:
    return RenderConfig(
        out=data,
        pair=preset.pair,
        train=preset.train,
        val=preset.val,
        test=preset.test,
        size=preset.size,
        right=False,
    )


def _run(direction: Direction, config: Demo, steps: Steps) -> Outcome:
    outcome = essentials(direction, config.preset, steps)
    if config.rivals:
        other_rivals(direction, config.preset, steps, outcome)
    return outcome


def _report(
    path: Path, config: Demo, steps: Steps, measured: list[tuple[Result, Figures]], seconds: float
) -> Path:
    preset = config.preset
    body: list[Section] = [
        Paragraph(
            "Domain A and domain B are rendered streets: A has every label, B lends its images "
            "and its labels of task 1. Each method below predicts task 2 on B, and only the oracle "
            "learnt from labels of task 2 there. One thing they did choose: which losses G has in "
            "the row AT/DT, on the development pair with a seed that no table uses. For that row "
            "the held-out pair and other seeds are the claim; the paper's loss was not chosen."
        )
    ]
    for one in measured:
        body += sections(*one)
    settings = {name: getattr(preset, name) for name in preset.__dataclass_fields__}
    made = provenance()
    body += [
        Facts("Settings, the same for every row", settings | {"encoder seeds": config.seeds}),
        Facts("Seconds of each step", steps.seconds | {"this call": round(seconds, 1)}),
        Facts("Made with", made["versions"] | {"created": made["created"]}),
    ]
    return write_report(path, "Across tasks and domains, on streets", body)
