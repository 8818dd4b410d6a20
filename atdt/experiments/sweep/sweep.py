"""`atdt sweep`: many transfer networks from one store, on one pass of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from atdt.errors import UserError
from atdt.evaluate.report_table import Table
from atdt.experiments.sweep.config import Sweep
from atdt.experiments.sweep.grid import Trial, read_grid
from atdt.experiments.sweep.page import write_page
from atdt.experiments.sweep.race import Standing
from atdt.experiments.sweep.running import ground_of, race
from atdt.experiments.sweep.verdict import verdict
from atdt.experiments.sweep.written import write_boards
from atdt.files import remove
from atdt.hold import exclusive
from atdt.stores import open_store
from atdt.texts import read_json, write_json
from atdt.transfer import TransferTraining
from atdt.transfer.training import Say

RECORD = "sweep.json"


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
        leaderboard.md in `out`; the same lie beside it as .csv and .json, and as a page with plots.

    Raises:
        UserError: a grid, store, array or run that cannot be used.
    """
    if any(not 0 < share < 1 for share in config.cuts):
        raise UserError(f"--cuts {_given(config.cuts)}: shares of the steps, above 0 and below 1")
    races = _races(config)
    grounds = {name: ground_of(config, trials) for name, trials in races.items()}
    record = config.out / RECORD
    boards = []
    with exclusive(config.out):
        standings = _begin(config, races, record)
        kept = {name: asdict(standing) for name, standing in standings.items()}
        described = _described(races)

        def keep(name: str) -> None:
            kept[name] = asdict(standings[name])
            told = {"cuts": list(config.cuts), "trials": described, "standings": kept}
            write_json(record, {"schema": 1} | told)

        for name in races:
            keep(name)
        for name, trials in races.items():
            say(f"{name}: {len(trials)} Gs")
            ground, standing = grounds[name], standings[name]
            boards.append(race(config, name, trials, ground, standing, lambda n=name: keep(n), say))
            show(boards[-1].table())
            for sentence in verdict(boards[-1]):
                say(sentence)
            if (scores := boards[-1].scores_table()) is not None:
                show(scores)
                say(boards[-1].note())
    say(f"page: {write_page(config.out / 'leaderboard.html', config.store, boards)}")
    return write_boards(config.out, boards)


def _races(config: Sweep) -> dict[str, tuple[Trial, ...]]:
    """Trials that learn from the same arrays, by what they map."""
    store = open_store(config.store)
    found: dict[str, list[Trial]] = {}
    pairs = _pairs(config, store)
    targets = {target for _, target, _ in pairs}
    for name in set(config.target_runs) - targets - {""}:
        raise UserError(
            f"--target-run {name}={config.target_runs[name]}: no G here is to become {name!r}, but "
            f"{', '.join(sorted(targets))}"
        )
    for source, target, level in pairs:
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
        remove(record)
        return fresh
    if not config.resume:
        raise UserError(
            f"{config.out}: a sweep is there; --resume goes on, --overwrite replaces it"
        )
    if there.get("trials") != _described(races):
        raise UserError(f"{record}: the sweep there is of other trainings; choose another --out")
    cuts = tuple(there.get("cuts", config.cuts))  # of before they were recorded: any will do
    if cuts != config.cuts:
        raise UserError(
            f"--cuts {_given(config.cuts)!r}: the sweep of {record} stops Gs at {_given(cuts)!r}, "
            "and those that have stopped stay so; choose another --out"
        )
    return {name: Standing(**there["standings"].get(name, {})) for name in races}


def _given(cuts: Sequence[float]) -> str:
    """As --cuts has them."""
    return ",".join(f"{share:g}" for share in cuts)
