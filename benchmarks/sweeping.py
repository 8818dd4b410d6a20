"""K transfer networks in one sweep against as many trainings of their own, as whole processes."""

import shutil
import subprocess
import sys
from pathlib import Path

from atdt.runs import open_run
from benchmarks.harness import Scale, Table, in_turns, ratio_of, seconds
from benchmarks.material import DEMO, feature_store

BAR = 2.0
SIZES = ((8, 16), (32, 64))  # inner widths; that of the default G is 128 on these features
SEEDS = range(4)  # of each width: eight Gs a size
BATCH = 16
CUTS = "0.25,0.5"  # what `atdt sweep` does by itself
TASKS = ("--from", "depth", "--to", "semantic")


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Whole-process time of eight trainings ÷ that of a sweep of the same eight, by their size."""
    samples, steps = scale.of(480, 32), scale.of(200, 4)
    store = feature_store(folder / "a.zarr", DEMO, samples, per_shard=32)
    table = Table(
        "Eight Gs in one sweep: time of as many `atdt train` ÷ its own",
        ("inner widths", "sweep", "÷ (how many times cheaper)", "trainings: s", "sweep: s"),
        bar=f"≥ {BAR} for the smaller, with all trained to the end",
    )
    for widths in SIZES:
        _compare(table, store, folder, widths, steps, scale.pairs)
    table.met = table.figures[f"{_named(SIZES[0])}, all to the end"]["median"] >= BAR
    ridge = folder / "ridge"
    _run("train", str(store), *TASKS, "--architecture", "ridge", "--out", str(ridge))
    inside = {"ridge": ridge} | {f"g, width {w}": folder / f"g{w}" for pair in SIZES for w in pair}
    took = {name: open_run(run).info["seconds"] for name, run in inside.items()}
    for name, seconds_inside in took.items():
        table.figure(f"{name}: s", seconds_inside)
    table.notes += [
        f"Store: {samples} samples of {DEMO.name}; bottlenecks of two widths, {len(SEEDS)} seeds "
        f"each, {steps} steps of {BATCH}; whole processes, with start-up and reading the store.",
        "Inside their processes: "
        + ", ".join(f"{name} {value:.1f} s" for name, value in took.items())
        + "; ridge is the best linear map, in closed form.",
    ]
    return [table]


def _compare(
    table: Table, store: Path, folder: Path, widths: tuple[int, int], steps: int, pairs: int
) -> None:
    """Add the rows of Gs of these widths."""
    grid = folder / "grid.toml"
    grid.write_text(
        f"steps = {steps}\nbatch = {BATCH}\n[[grid]]\n"
        f"options.width = {list(widths)}\nseed = {list(SEEDS)}\n"
    )

    def alone() -> None:
        for width in widths:
            for seed in SEEDS:
                more = ("--width", str(width), "--seed", str(seed), "--steps", str(steps))
                out = ("--batch", str(BATCH), "--out", str(folder / f"g{width}"), "--overwrite")
                _run("train", str(store), *TASKS, *more, *out)

    def together(cuts: str) -> None:
        shutil.rmtree(folder / "sweep", ignore_errors=True)
        arguments = ("--grid", str(grid), "--cuts", cuts, "--out", str(folder / "sweep"))
        _run("sweep", str(store), *TASKS, *arguments)

    sides = [
        lambda: seconds(alone),
        lambda: seconds(lambda: together("")),
        lambda: seconds(lambda: together(CUTS)),
    ]
    timed = in_turns(sides, pairs, warm_up=0)
    for what, side in (("all to the end", 1), (f"halved at {CUTS}", 2)):
        ratio = ratio_of([(took[side], took[0]) for took in timed])
        table.add(_named(widths), what, ratio, f"{ratio.b:.1f}", f"{ratio.a:.1f}")
        table.figure(f"{_named(widths)}, {what}", ratio)


def _named(widths: tuple[int, int]) -> str:
    return " and ".join(map(str, widths))


def _run(*arguments: str) -> None:
    call = [sys.executable, "-m", "atdt", *arguments, "--device", "cpu"]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
