"""`atdt sweep`: many transfer networks from one store, on one pass of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from atdt.devices import pick_device
from atdt.errors import UserError
from atdt.evaluate.report_table import Table
from atdt.experiments.sweep.board import Board, Line, ranked, write_boards
from atdt.experiments.sweep.grid import Trial, read_grid
from atdt.experiments.sweep.race import Race, Racer, Standing, cut_steps
from atdt.experiments.sweep.scores import Judge, judge_on_a, judge_on_b
from atdt.files import read_json, write_json
from atdt.runs import create_run, exclusive, open_run
from atdt.stores import open_store
from atdt.transfer import TransferTraining, load_transfer
from atdt.transfer.building import build, input_keys
from atdt.transfer.estimate import feed_choice
from atdt.transfer.load import KIND
from atdt.transfer.setting import prepare
from atdt.transfer.trainee import Trainee, learnt_from
from atdt.transfer.training import Say, open_feed

RECORD = "sweep.json"
CUTS = (0.25, 0.5)  # shares of the steps, after which the worse half of the configurations stops


@dataclass(frozen=True)
class Sweep:
    """What to sweep.

    Attributes:
        store: of domain A.
        grid: the TOML file, see `atdt.experiments.sweep.grid`.
        out: folder of the sweep; each G has a run in it.
        source, target: names of E1 and E2 in the store; None: every ordered pair that has them.
        levels: where both are cut, "all" for each that has both; () for the grid's, or the deepest.
        target_runs: runs of N2, by the name of its array; "" for any.
        b: a store of B, whose labels only judge.
        cuts: see `CUTS`; () trains all to the end.
        workers: Gs that take a step at the same time; as many as there are cores when None.
        feed, memory_budget, device, allow_mismatch: see `TransferTraining`.
        resume, overwrite: go on with, or replace, what is in `out`.
    """

    store: Path
    grid: Path
    out: Path
    source: str | None = None
    target: str | None = None
    levels: tuple[str, ...] = ()
    target_runs: Mapping[str, Path] = field(default_factory=dict)
    b: Path | None = None
    cuts: tuple[float, ...] = CUTS
    workers: int | None = None
    feed: str = "auto"
    memory_budget: int | None = None
    device: str = "auto"
    allow_mismatch: tuple[str, ...] = ()
    resume: bool = False
    overwrite: bool = False


def sweep(
    config: Sweep,
    say: Say = lambda line: None,
    show: Callable[[Table], Any] = lambda table: None,
) -> Path:
    """Train all Gs of a grid, stop the hopeless, and write the leaderboard.

    Each G is a run of its own, as `atdt train` leaves them. A sweep that was cut off goes on by
    `resume`; finished Gs are kept.

    Args:
        say: is told what happens, line by line.
        show: is given each leaderboard.

    Returns:
        leaderboard.md in `out`.

    Raises:
        UserError: a grid, store, array or run that cannot be used.
    """
    if any(not 0 < share < 1 for share in config.cuts):
        raise UserError(f"--cuts {config.cuts}: shares of the steps, above 0 and below 1")
    races = _races(config)
    record = config.out / RECORD
    boards = []
    with exclusive(config.out):
        standings = _begin(config, races, record)
        kept = {name: asdict(standing) for name, standing in standings.items()}
        described = _described(races)

        def keep(name: str) -> None:
            kept[name] = asdict(standings[name])
            write_json(record, {"schema": 1, "trials": described, "standings": kept})

        for name in races:
            keep(name)
        for name, trials in races.items():
            say(f"{name}: {len(trials)} Gs")
            boards.append(_race(config, name, trials, standings[name], lambda n=name: keep(n), say))
            show(boards[-1].table())
    return write_boards(config.out, boards)


def _races(config: Sweep) -> dict[str, tuple[Trial, ...]]:
    """Trials that learn from the same arrays, by what they map."""
    store = open_store(config.store)
    found: dict[str, list[Trial]] = {}
    for source, target, level in _pairs(config, store):
        run = config.target_runs.get(target, config.target_runs.get(""))
        base = TransferTraining(
            store=config.store,
            source=source,
            target=target,
            level=level,
            out=config.out / f"{source}-to-{target}{f'-{level}' if level else ''}",
            target_run=run,
            feed=config.feed,
            memory_budget=config.memory_budget,
            device=config.device,
            allow_mismatch=config.allow_mismatch,
            resume=config.resume,
            overwrite=config.overwrite,
        )
        for trial in read_grid(config.grid, base):
            chosen = trial.config
            levels = (chosen.source_level or chosen.level, chosen.target_level or chosen.level)
            where = (
                ""
                if levels == (None, None)
                else f" at {' and '.join(dict.fromkeys(map(str, levels)))}"
            )
            found.setdefault(f"{source} to {target}{where}", []).append(trial)
    return {name: tuple(trials) for name, trials in found.items()}


def _pairs(config: Sweep, store: Any) -> list[tuple[str, str, str | None]]:
    """(source, target, level) of every race that is asked for."""
    arrays = {level: store.arrays(level) for level in store.levels()}
    if (config.source is None) != (config.target is None):
        raise UserError("--from and --to: both, or neither for all pairs")
    levels: Sequence[str | None] = config.levels or (None,)
    if "all" in config.levels:
        levels = list(arrays)
    pairs = []
    for level in levels:
        if level is not None and level not in arrays:
            raise UserError(f"--level {level}: {config.store} has {', '.join(arrays)}")
        names = (
            sorted({n for of in arrays.values() for n in of}) if level is None else arrays[level]
        )
        for source in names if config.source is None else [config.source]:
            for target in names if config.target is None else [config.target]:
                there = level is None or {source, target} <= set(names)
                if there and (source != target or config.source is not None):
                    pairs.append((source, target, level))
    if not pairs:
        raise UserError(f"{config.store}: no level has both {config.source} and {config.target}")
    return pairs


def _described(races: Mapping[str, Sequence[Trial]]) -> dict[str, Any]:
    return {
        race: {trial.name: trial.config.described() for trial in trials}
        for race, trials in races.items()
    }


def _begin(
    config: Sweep, races: Mapping[str, Sequence[Trial]], record: Path
) -> dict[str, Standing]:
    """The standing of each race: none yet, or what a sweep that was cut off left.

    Raises:
        UserError: the folder holds a sweep and neither option is given, or another sweep.
    """
    fresh = {name: Standing() for name in races}
    if not record.exists():
        return fresh
    there = read_json(record)
    if config.overwrite:
        record.unlink()
        return fresh
    if not config.resume:
        raise UserError(
            f"{config.out}: a sweep is there; --resume goes on, --overwrite replaces it"
        )
    if there.get("trials") != _described(races):
        raise UserError(f"{record}: the sweep there is of other trainings; choose another --out")
    return {name: Standing(**there["standings"].get(name, {})) for name in races}


def _race(
    config: Sweep,
    name: str,
    trials: Sequence[Trial],
    standing: Standing,
    keep: Any,
    say: Say,
) -> Board:
    device = pick_device(config.device)
    workers = config.workers or (1 if device.type == "cuda" else torch.get_num_threads())
    setting = prepare(_with_all_losses(trials))
    on_a = judge_on_a(setting)
    on_b = None if config.b is None else judge_on_b(config.b, trials[0].config.source, setting)
    with ExitStack() as held:
        held.enter_context(torch.backends.cudnn.flags(enabled=True, deterministic=True))
        held.enter_context(_threads(max(1, torch.get_num_threads() // workers)))
        racers = []
        for trial in trials:
            held.enter_context(exclusive(trial.config.out))
            inputs = input_keys(trial.config, setting)
            run = create_run(
                trial.config.out,
                KIND,
                learnt_from(trial.config, setting, inputs, device),
                overwrite=trial.config.overwrite,
                resume=config.resume,
            )
            if not run.complete:
                network = build(trial.config, setting)
                trainee = Trainee(trial.config, setting, inputs, run, network, device)
                racers.append(Racer(trial.name, trial.seedless, trainee))
        steps = max(trial.config.last_step for trial in trials)
        cuts = cut_steps(config.cuts, steps)
        if racers:
            choice = feed_choice(trials[0].config, setting, device)
            say(f"feed: {choice.reason}")
            with open_feed(setting, choice, device) as feed:
                race = Race(
                    setting,
                    feed,
                    cuts,
                    standing,
                    judged=lambda trainee: _judged(trainee, on_a, feed, device),
                    higher_is_better=on_a is None or on_a.headline.higher_is_better,
                    workers=workers,
                    keep=keep,
                    say=say,
                )
                race.run(racers)
    lines = [_line(trial, standing, on_a, on_b, device) for trial in trials]
    metric = on_a.headline if on_a else None
    return Board(name, ranked(lines, metric), metric)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let each G compute on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _with_all_losses(trials: Sequence[Trial]) -> TransferTraining:
    """A training that reads all arrays that one of the trials reads."""
    plain = next((t.config for t in trials if not t.config.is_head), trials[0].config)
    losses = {name: 1.0 for trial in trials for name in trial.config.weights}
    return plain if plain.is_head else replace(plain, losses=losses)


def _judged(trainee: Trainee, on_a: Judge | None, feed: Any, device: torch.device) -> float:
    """T2's headline figure on A's held-out images, or how much of E2 is explained there."""
    if on_a is not None:
        return on_a.score(trainee.learner.network, device, trainee.config.precision)
    trainee.look(feed)
    return trainee.keeper.last.get("explained_variance") or float("nan")


def _line(
    trial: Trial, standing: Standing, on_a: Judge | None, on_b: Judge | None, device: torch.device
) -> Line:
    if trial.name in standing.diverged:
        return Line(trial.name, "diverged")
    run = open_run(trial.config.out, KIND)
    info, module = run.info, load_transfer(run.path, device).module
    stopped = standing.stopped.get(trial.name)
    scores = [
        None if judge is None else judge.score(module, device, trial.config.precision)
        for judge in (on_a, on_b)
    ]
    return Line(
        trial.name,
        "finished" if stopped is None else f"stopped after {stopped} steps",
        info["parameters"],
        info["macs"],
        info["seconds"],
        info["scores"].get("held_out_loss"),
        info["scores"].get("held_out_explained_variance"),
        *scores,
    )
