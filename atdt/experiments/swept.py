"""What the tool itself would choose: many Gs swept in A's store, and the pages about them.

No label of T2 on B takes part: one G is chosen by A's held-out images, another by what was measured
to predict B best, where that can be had here. What both do on B's test split are rows like others.
"""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from atdt.decode import Decoding, decode
from atdt.devices import precision_context
from atdt.diagnose.diagnosis import Diagnosis, diagnose
from atdt.diagnose.scores.table import measured_order
from atdt.domains import ViewPlan
from atdt.domains.opening import parse_spec
from atdt.domains.rehearse import Rehearsal, camera_unknown, rehearse
from atdt.errors import NetworkError, UserError
from atdt.experiments.direction import GUIDED, SWEPT
from atdt.experiments.preset import Preset
from atdt.experiments.road import Road
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.steps import Steps
from atdt.experiments.sweep import Sweep, sweep
from atdt.experiments.sweep.grid import read_grid
from atdt.extract import Extraction, extract
from atdt.files import write_atomic
from atdt.tasks import get_task
from atdt.texts import read_json
from atdt.transfer import TransferTraining, load_transfer
from atdt.transfer.architectures import build_body
from atdt.transfer.building import HEAD_MODE
from atdt.transfer.head import DEFAULT_BODY

CHOOSERS = {SWEPT: "chosen", GUIDED: "picked"}  # row → who chose, in leaderboard.json
GUIDE = "on_rehearsal"  # the score that a sweep here has, where A has images nobody learnt from
CHANNELS = 128  # of features, to try a grid's options on
B_VIEWS = 3  # mirrored and coloured otherwise, for scores that compare views


@dataclass(frozen=True)
class GridSweep:
    """A sweep by the text of its grid file, so that the same text is the same wherever it lies."""

    sweep: Sweep
    grid: str
    resume: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Choice:
    """Decoding by the G that a sweep chose.

    Attributes:
        chooser: see `CHOOSERS`.
        runs: folder of its Gs, in that of the sweep.
        decoding: but for the G.
    """

    chooser: str
    runs: Path
    decoding: Decoding
    resume: bool = False
    overwrite: bool = False


def swept(direction: Direction, preset: Preset, steps: Steps, outcome: Outcome, grid: str) -> None:
    """Sweep the Gs of a grid, decode by those that are chosen, diagnose; rows and pages are added
    to `outcome`."""
    road = Road(direction, preset, steps, outcome)
    t1, t2 = direction.source, direction.target
    n1, n2 = outcome.runs["n1"], outcome.runs["n2"]
    a, b = direction.folder("stores") / "a.zarr", _store_of_b(road, n1, n2)
    rehearsal = _rehearsal(road, n1)
    out = direction.folder("runs") / "sweep"
    asked = Sweep(
        store=a,
        grid=out / "grid.toml",
        out=out,
        source=t1.name,
        target=t2.name,
        target_runs={t2.name: n2},
        b=b,
        rehearsal=rehearsal,
    )
    inputs = [path for path in (a, b, rehearsal, n2) if path is not None]
    steps.do("sweep the grid in A's store", sweep_grid, GridSweep(asked, grid), *inputs, out=out)
    for row in _rows(t2.task, rehearsal):
        outcome.rows[row] = [_decoded(road, out, row, n1, n2)]
    page = steps.record.parent / "diagnosis" / f"{direction.name}-seed{direction.seed}"
    config = Diagnosis(
        a=a,
        b=b,
        source=t1.name,
        target=t2.name,
        transfers=tuple(outcome.runs[f"g{seed}"] for seed in direction.transfer_seeds),
        target_run=n2,
        rehearsal=rehearsal,
        out=page,
        seed=direction.seed,
    )
    title = "diagnose how far A and B are apart for E1"
    steps.do(title, diagnose, config, *inputs, *config.transfers, out=page)
    of = f"seed {direction.seed}"
    outcome.pages |= {
        f"Leaderboard of the sweep, {of}": (out / "leaderboard.html",),
        f"How far A and B are apart for E1, {of}": (page / "index.html", page / "channels.csv"),
    }


def check_grid(path: Path) -> str:
    """The text of a grid file that can be swept here, before anything is trained.

    Raises:
        UserError: it cannot be read, or asks for what no sweep can train; names the file.
    """
    base = TransferTraining(
        store=Path("a.zarr"),
        source="T1",
        target="T2",
        out=Path("sweep"),
        target_run=Path("n2"),
    )
    for trial in read_grid(path, base):
        try:
            _check(trial.config)
        except (NetworkError, UserError) as error:
            raise UserError(f"{path}: {trial.name}: {error}") from None
    return path.read_text(encoding="utf-8")


def _check(asked: TransferTraining) -> None:
    if {asked.level, asked.source_level, asked.target_level} != {None}:
        raise UserError("level: the store of a table has the deepest one alone; leave it out")
    if not asked.held_out:
        raise UserError("held_out = 0: leaves nothing of A to choose by")
    precision_context(torch.device("cpu"), asked.precision)
    options = dict(asked.options)
    body = options.pop("body", DEFAULT_BODY) if asked.is_head else asked.architecture
    with torch.device("meta"):
        build_body(body, CHANNELS, CHANNELS, options)


def sweep_grid(config: GridSweep) -> Path:
    """Sweep, saying on stderr what it does, as other steps do; gives back its folder."""
    out = config.sweep.out
    if config.overwrite and out.exists():
        shutil.rmtree(out)  # Gs of another grid too, which would stay there for ever
    write_atomic(config.sweep.grid, config.grid.encode())
    sweep(replace(config.sweep, resume=config.resume), say=_say)
    return out


def rehearse_as_known(config: Rehearsal) -> Path:
    """Rehearse; where a camera is not known by its colours alone, which is said."""
    if config.scale_height and camera_unknown(config):
        config = replace(config, scale_height=False)
    return rehearse(config, say=_say)


def decode_choice(config: Choice) -> Path:
    """Decode by the G that was chosen.

    Raises:
        UserError: no G was trained to the end, so that none was.
    """
    file = config.runs.parent / "leaderboard.json"
    (board,) = read_json(file)
    name = board[config.chooser]
    if name is None:
        raise UserError(
            f"{file}: no G is to be chosen, since each diverged, was stopped, or has no score; "
            "take another grid, or leave --sweep out"
        )
    run = config.runs / name
    is_head = load_transfer(run).mode == HEAD_MODE
    return decode(
        replace(
            config.decoding,
            transfer=run,
            decoder=None if is_head else config.decoding.decoder,
            resume=config.resume,
            overwrite=config.overwrite,
        )
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _rows(task: str, rehearsal: Path | None) -> Sequence[str]:
    """The rows that a sweep adds: by the best guide to B where it was measured and is at hand."""
    order = measured_order(task)
    is_guided = order is not None and order.keys[0] == GUIDE and rehearsal is not None
    return [SWEPT, GUIDED] if is_guided else [SWEPT]


def _decoded(road: Road, out: Path, row: str, n1: Path, n2: Path) -> Path:
    """The predictions on B's test split of the G that was chosen, measured."""
    direction = road.direction
    domain = direction.target.domain("b", "test")
    decoding = road.decoding(out, n1, n2, domain, row)
    config = Choice(CHOOSERS[row], out / direction.name, decoding)
    predictions = road.steps.do(
        f"decode {row}", decode_choice, config, out, n1, n2, out=decoding.out
    )
    return road.measure(predictions, domain, row)


def _store_of_b(road: Road, n1: Path, n2: Path) -> Path:
    """Of B's training images, which scores look at; labels of T2 judge them and choose nothing."""
    t1, t2 = road.direction.source, road.direction.target
    preset = road.preset
    plan = ViewPlan(
        views=B_VIEWS,
        seed=road.direction.seed,
        resize=preset.resize,
        crop=preset.crop,
        photometric="strong",
        flip=True,
    )
    config = Extraction(
        domain=t2.domain("b", "train"),
        encoders=((t1.name, n1), (t2.name, n2)),
        out=road.direction.folder("stores") / "b.zarr",
        plan=plan,
        labels=_labels(t2),
    )
    return road.steps.do("extract E1 and E2 of B", extract, config, n1, n2, out=config.out)


def _rehearsal(road: Road, n1: Path) -> Path | None:
    """A store of A's validation images in B's look; None where A has none."""
    direction, preset = road.direction, road.preset
    t1, t2 = direction.source, direction.target
    validation = t2.validation("a")
    if not validation:
        return None
    (spec,) = validation
    looks = Rehearsal(
        domain=spec,
        to=t2.domain("b", "train"),
        out=direction.root / "data" / f"{direction.experiment}-rehearsal",
        keep_camera=preset.camera != "own",
        scale_height=preset.camera == "own",
    )
    title, inputs = "rehearse: A in B's look", (direction.data,)
    made = road.steps.do(title, rehearse_as_known, looks, *inputs, out=looks.out)
    config = Extraction(
        domain=f"{made}:{parse_spec(spec).split}",
        encoders=((t1.name, n1),),
        out=direction.folder("stores") / "rehearsal.zarr",
        plan=ViewPlan(views=1, resize=preset.resize, crop=preset.crop),
        labels=_labels(t2),
    )
    title = "extract E1 of the rehearsal"
    return road.steps.do(title, extract, config, made, n1, out=config.out)


def _labels(side: Side) -> tuple[str, ...]:
    label = get_task(side.task).label
    assert label is not None  # a table of other tasks refuses a sweep
    return (label,)
