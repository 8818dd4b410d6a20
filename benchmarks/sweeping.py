"""K transfer networks in one sweep against as many trainings of their own, as whole processes."""

import shutil
import subprocess
import sys
from pathlib import Path

from atdt.runs import open_run
from benchmarks.harness import Scale, Table, in_turns, ratio_of, seconds
from benchmarks.material import DEMO, feature_store

BAR = 2.0
TRIED = [(width, seed) for width in (32, 64) for seed in range(4)]
BATCH = 16
CUTS = "0.25,0.5"  # what `atdt sweep` does by itself


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Whole-process time of eight trainings ÷ that of a sweep of the same eight."""
    samples, steps = scale.of(480, 32), scale.of(200, 4)
    store = feature_store(folder / "a.zarr", DEMO, samples, per_shard=32)
    grid = folder / "grid.toml"
    grid.write_text(
        f"steps = {steps}\nbatch = {BATCH}\n[[grid]]\n"
        f"options.width = {sorted({width for width, _ in TRIED})}\n"
        f"seed = {sorted({seed for _, seed in TRIED})}\n"
    )
    train = ("train", str(store), "--from", "depth", "--to", "semantic", "--batch", str(BATCH))

    def alone() -> None:
        for width, seed in TRIED:
            more = ("--width", str(width), "--seed", str(seed), "--steps", str(steps))
            _run(*train, *more, "--out", str(folder / "g"), "--overwrite")

    def together(cuts: str) -> None:
        shutil.rmtree(folder / "sweep", ignore_errors=True)
        arguments = ("--grid", str(grid), "--cuts", cuts, "--out", str(folder / "sweep"))
        _run("sweep", str(store), "--from", "depth", "--to", "semantic", *arguments)

    table = Table(
        f"{len(TRIED)} Gs in one sweep: time of as many `atdt train` ÷ its own",
        ("sweep", "÷ (how many times cheaper)", "trainings: s", "sweep: s"),
        bar=f"≥ {BAR} with all trained to the end",
    )
    sides = [
        lambda: seconds(alone),
        lambda: seconds(lambda: together("")),
        lambda: seconds(lambda: together(CUTS)),
    ]
    timed = in_turns(sides, scale.pairs, warm_up=0)
    for what, side in (("all to the end", 1), (f"halved at {CUTS}", 2)):
        ratio = ratio_of([(took[side], took[0]) for took in timed])
        table.add(what, ratio, f"{ratio.b:.1f}", f"{ratio.a:.1f}")
        table.figure(what, ratio)
    table.met = ratio_of([(took[1], took[0]) for took in timed]).median >= BAR
    _run(*train, "--architecture", "ridge", "--out", str(folder / "ridge"))
    inside = {name: open_run(folder / name).info["seconds"] for name in ("ridge", "g")}
    for name, took in inside.items():
        table.figure(f"{name} s", took)
    table.notes += [
        f"Store: {samples} samples of {DEMO.name}; bottlenecks of width 32 and 64, four seeds "
        f"each, {steps} steps of {BATCH}; whole processes, with start-up and reading the store.",
        f"Inside their processes the last of these trainings took {inside['g']:.1f} s and ridge, "
        f"the best linear map in closed form, {inside['ridge']:.1f} s.",
    ]
    return [table]


def _run(*arguments: str) -> None:
    call = [sys.executable, "-m", "atdt", *arguments, "--device", "cpu"]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
