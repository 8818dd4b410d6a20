"""An experiment: directions of transfer on a pair of domains, over seeds, with all their rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from atdt.domains import open_domain
from atdt.domains.streets import RenderConfig, render
from atdt.experiments.direction import (
    essentials,
    foundation_encoder,
    labelled_images,
    other_rivals,
)
from atdt.experiments.figures import Result
from atdt.experiments.known_depth import with_known_depth
from atdt.experiments.label_students import check_label_transfer, label_students
from atdt.experiments.matched_camera import with_matched_camera
from atdt.experiments.pairs import Pair, Place
from atdt.experiments.precision import keep_precision, with_precision
from atdt.experiments.preset import Preset
from atdt.experiments.restyled import with_colours
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.steps import RECORD, Counted, Steps
from atdt.experiments.students import students
from atdt.experiments.swept import swept
from atdt.networks import NetworkSpec


@dataclass(frozen=True)
class Experiment:
    """What to run.

    Attributes:
        preset: sizes and schedules, see `atdt.experiments.preset`.
        pair: of domains.
        root: where data/, runs/, stores/, predictions/ and reports/ are, or are made.
        name: of the experiment; names its folder in each of these.
        directions: pairs (T1, T2).
        seeds: of the task networks and views.
        transfer_seeds: of G and the head.
        rivals: also train the rivals that cost a training each.
        students: also merge AT/DT with the baseline, and distil each into one network.
        label_transfer: also transfer B's labels of T1 to T2 and teach AT/DT, and one network, by
            them.
        sweep: text of a grid file: Gs that are swept in each store, see `atdt.experiments.swept`;
            None: no sweep.
        perfect_look: also adapt B perfectly, see `atdt.experiments.perfect_look`; of tables 3 and
            4, where the pair is rendered.
        foundation: network of the rival (vi), see `atdt.networks.vit`; None: it has no row.
        curve: numbers of labelled images of B for the oracle's curve; none for no curve.
        places: of domains A and B; None: they are rendered.
    """

    preset: Preset
    pair: Pair
    root: Path = Path()
    name: str = "demo"
    directions: tuple[tuple[str, str], ...] = (("semantic", "depth"),)
    seeds: tuple[int, ...] = (0,)
    transfer_seeds: tuple[int, ...] = (0,)
    rivals: bool = False
    students: bool = False
    label_transfer: bool = False
    sweep: str | None = None
    perfect_look: bool = False
    foundation: NetworkSpec | None = None
    curve: tuple[int, ...] = ()
    places: tuple[Place, Place] | None = None

    @property
    def reports(self) -> Path:
        """Where the report goes, and the record of the steps."""
        return self.root / "reports" / self.name

    @property
    def data(self) -> Path:
        """What the domains are made of: the folder that is rendered, or B's description."""
        return self.root / "data" / self.name if self.places is None else self.places[1].path

    def settled(self) -> Self:
        """The experiment with a precision, where its preset leaves that to the machine."""
        return replace(self, preset=with_precision(self.preset, self.reports))


def run(config: Experiment) -> tuple[list[Result], Steps]:
    """Do all steps that are left; the results, one for each direction, and the steps' record.

    Raises:
        UserError: labels cannot be transferred as is asked; nothing has been made then.
    """
    config = config.settled()
    if config.label_transfer:
        for tasks in config.directions:
            check_label_transfer(*tasks, config.preset, config.places)

    def rows(direction: Direction, steps: Steps) -> tuple[Outcome, dict[int, Path]]:
        outcome = essentials(direction, config.preset, steps)
        if config.rivals:
            other_rivals(direction, config.preset, steps, outcome)
        if config.foundation is not None:
            foundation_encoder(direction, config.preset, steps, outcome, config.foundation)
        if config.students:
            students(direction, config.preset, steps, outcome)
        if config.label_transfer:
            label_students(direction, config.preset, steps, outcome, controls=config.rivals)
        if config.sweep is not None:
            swept(direction, config.preset, steps, outcome, config.sweep)
        if not config.curve:
            return outcome, {}
        return outcome, labelled_images(direction, config.preset, steps, outcome, config.curve)

    walked, steps = walk(config, rows)
    results = []
    for directions, made in walked:
        outcomes, curves = zip(*made, strict=True)
        results.append(
            Result(
                directions,
                outcomes,
                list(filter(None, curves)),
                config.preset.block,
                config.preset.merged,
            )
        )
    return results, steps


def walk[Made](
    config: Experiment, each: Callable[[Direction, Steps], Made]
) -> tuple[list[tuple[list[Direction], list[Made]]], Steps]:
    """Make the domains, then call `each` for every direction and seed of the encoders.

    It is called twice, the first time to count its steps, which return paths of nothing.

    Returns:
        for each direction its seeds and what `each` made of them; the steps' record.
    """
    counted = Counted()
    _walk(config, each, counted)
    steps = Steps(config.reports / RECORD, counted.count, config.root)
    keep_precision(config.reports, config.preset.precision)
    return _walk(config, each, steps), steps


def _walk[Made](
    config: Experiment, each: Callable[[Direction, Steps], Made], steps: Steps
) -> list[tuple[list[Direction], list[Made]]]:
    preset, data = config.preset, config.data
    if config.places is None:
        steps.do(f"render {config.pair.rendered}", render, rendering(config), out=data)
    a, b = config.places or (Place(data / "a"), Place(data / "b"))
    before = None if preset.camera == "own" else a
    a, data = with_matched_camera(preset.camera, a, b, config.root, config.name, data, steps)
    a, data = with_colours(preset.colours, a, b, config.root, config.name, data, steps)
    labelled = preset.train if config.places is None else len(open_domain(b.spec("train")))
    walked = []
    for source, target in config.directions:
        known = b
        if source == "depth":  # T1's labels of B are what a user has
            kind = preset.known_depth
            known = with_known_depth(kind, b, config.root, config.name, data, steps)
        sides = [Side(source, source, a, known), Side(target, target, a, b)]
        directions = [
            Direction(
                *sides,
                data,
                config.root,
                config.name,
                seed,
                config.transfer_seeds,
                labelled,
                before,
            )
            for seed in config.seeds
        ]
        walked.append((directions, [each(direction, steps) for direction in directions]))
    return walked


def rendering(config: Experiment) -> RenderConfig:
    """How the pair is rendered, where it is."""
    preset = config.preset
    return RenderConfig(
        out=config.data,
        pair=config.pair.rendered,
        train=preset.train,
        val=preset.val,
        test=preset.test,
        size=preset.size,
        right=preset.known_depth == "stereo",
    )
