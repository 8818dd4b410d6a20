"""Tables 3 and 4: pixel-level adaptation alone, and under AT/DT."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from atdt.adapt import Adaptation, CycleGANTraining, adapt, train_cyclegan
from atdt.adapt.networks import BLOCKS, WIDTH
from atdt.domains.streets import RenderConfig
from atdt.experiments.direction import (
    BASELINE,
    PAPERS_LOSS,
    PLAIN,
    source_network,
    target_network,
)
from atdt.experiments.pairs import Place
from atdt.experiments.perfect_look import LOOK, in_that_look, rendered_look
from atdt.experiments.preset import Preset
from atdt.experiments.road import Road
from atdt.experiments.studies import Finding


def adapted(road: Road) -> list[Finding]:
    """The four rows of tables 3 and 4, on B or on B in the look of A.

    (a) N2 on B; (b) AT/DT; (c) N2 on B in A's look; (d) N1 from A and from B in A's look, G as
    ever, and all of it on B in A's look. G has the paper's loss.
    """
    n1 = source_network(road)
    n2 = target_network(road, n1)
    baseline, plain = _ways(road, n1, n2, BASELINE)
    run = _looks(road)
    alone, combined = _adapted(road, n2, "cyclegan", lambda b: _in_the_look_of_a(road, run, b))
    size = _other_size(road.preset)
    return [
        _row("(a) baseline (N2)", "baseline", baseline),
        _row("(b) AT/DT", "atdt", *plain),
        _row(f"(c) CycleGAN{size}", "cyclegan", alone),
        _row(f"(d) AT/DT + CycleGAN{size}", "atdt_cyclegan", *combined),
    ]


def perfectly_adapted(road: Road, rendering: RenderConfig) -> list[Finding]:
    """Rows (c) and (d) on B as no adaptation could do better: its own scenes in A's look.

    Args:
        rendering: of the pair.
    """
    n2 = target_network(road, source_network(road))
    look = rendered_look(rendering, road.direction, road.steps)
    of = partial(in_that_look, look, direction=road.direction, steps=road.steps)
    alone, combined = _adapted(road, n2, LOOK, of)
    return [
        _row("(c) B rendered in A's look", LOOK, alone),
        _row("(d) AT/DT + B rendered in A's look", f"atdt_{LOOK}", *combined),
    ]


Ways = tuple[Path, list[Path]]  # N2 alone, and AT/DT for each seed of G


def _adapted(road: Road, n2: Path, name: str, of: Callable[[Place], Place]) -> Ways:
    """Both on the B that `of` makes of B, from which an N1 of its own learns too."""
    direction = road.direction
    source, target = (replace(side, b=of(side.b)) for side in (direction.source, direction.target))
    other = replace(direction, source=source, target=target)
    there = Road(other, road.preset, road.steps, road.outcome)
    return _ways(there, source_network(there, name=f"n1-{name}"), n2, name, f"-{name}")


def _ways(road: Road, n1: Path, n2: Path, name: str, suffix: str = "") -> Ways:
    direction, architecture = road.direction, road.preset.architecture
    store = road.extract(direction.target.domain("a", "train"), n1, n2, name=f"a{suffix}")
    transferred = []
    for seed in direction.transfer_seeds:
        g = road.transfer(store, n2, seed, architecture, f"mse{suffix}{seed}", PAPERS_LOSS)
        transferred.append(road.decode(g, n1, n2, "b", f"{PLAIN}{suffix}{seed}"))
    return road.predict(n2, direction.target, "b", name), transferred


def _row(label: str, method: str, *folders: Path) -> Finding:
    return Finding(label, "b", folders, {"method": method})


def _other_size(preset: Preset) -> str:
    """How the networks differ from the published ones; "" where they do not."""
    sizes = {"channels": (preset.cyclegan_width, WIDTH), "blocks": (preset.cyclegan_blocks, BLOCKS)}
    other = [f"{own} {what} for {theirs}" for what, (own, theirs) in sizes.items() if own != theirs]
    return f" ({', '.join(other)})" if other else ""


def _looks(road: Road) -> Path:
    """A CycleGAN of both domains' images; it reads no label."""
    direction, preset = road.direction, road.preset
    config = CycleGANTraining(
        a=direction.target.domain("a", "train"),
        b=direction.target.domain("b", "train"),
        out=direction.root / "runs" / direction.experiment / f"seed{direction.seed}" / "cyclegan",
        steps=preset.cyclegan_steps,
        width=preset.cyclegan_width,
        blocks=preset.cyclegan_blocks,
        crop=preset.cyclegan_crop,
        seed=direction.seed,
        precision=preset.precision,
    )
    title = f"a CycleGAN of width {preset.cyclegan_width} learns the looks of A and B"
    return road.steps.do(title, train_cyclegan, config, direction.data, out=config.out)


def _in_the_look_of_a(road: Road, run: Path, b: Place) -> Place:
    """B repainted, and so what has other labels of its images."""
    direction = road.direction
    folder = direction.root / "data" / f"{direction.experiment}-as-a" / f"seed{direction.seed}"

    def repainted(domain: str, name: str) -> Path:
        out = folder / name
        config = Adaptation(
            run=run, domain=domain, to="a", out=out, precision=road.preset.precision
        )
        return road.steps.do(
            f"{name} in the look of A", adapt, config, run, direction.data, out=out
        )

    elsewhere = {
        split: repainted(f"{path}:{b.splits[split]}", f"B-{split}")
        for split, path in b.elsewhere.items()
    }
    return Place(repainted(str(b.path), "B"), b.splits, elsewhere)
