"""`atdt demo`."""

from pathlib import Path

import click

from atdt.cli import options


@click.command("demo")
@click.option("--full", is_flag=True, help="Both directions, three seeds, every rival, the curve.")
@options.root
@click.option(
    "--seed",
    "seeds",
    type=click.IntRange(min=0),
    multiple=True,
    help="Of the encoders; may be repeated.",
)
@click.option(
    "--pair",
    type=click.Choice(["streets", "streets-held-out", "streets-held-out-2"]),
    default="streets",
    show_default=True,
    help="The held-out pairs are for claims: nothing was developed on them.",
)
@click.option("--rivals", is_flag=True, help="Also the rivals that cost a training each.")
@click.option("--students", is_flag=True, help="Also one network for B, taught by each.")
@click.option(
    "--label-transfer/--no-label-transfer",
    default=True,
    show_default=True,
    help="One network for B, taught by depth that comes of its labels of semantics.",
)
@options.sweep_grid
@click.option("--smoke", is_flag=True, help="A minute's road on tiny pictures; nothing is learnt.")
def command(
    full: bool,
    root: Path,
    seeds: tuple[int, ...],
    pair: str,
    rivals: bool,
    students: bool,
    label_transfer: bool,
    sweep: Path | None,
    smoke: bool,
) -> None:
    """Render streets, train, transfer and measure; write reports/demo/index.html.

    Semantic labels are known on A and B, depth on A alone; the report says how well depth on B was
    predicted, by AT/DT and by a network that label transfer taught, beside the baseline, two rivals
    and the oracle. A second call reuses what is there.
    """
    from atdt.experiments.demo import demo
    from atdt.experiments.experiment import Experiment
    from atdt.experiments.pairs import PAIRS
    from atdt.experiments.preset import DEMO, FULL, SMOKE
    from atdt.experiments.swept import check_grid

    if full and smoke:
        raise click.UsageError("--full and --smoke exclude each other")
    grid = None if sweep is None else check_grid(sweep)
    suffix = "" if pair == "streets" else "-held-out"
    if full:
        config = Experiment(
            FULL,
            PAIRS[pair],
            root,
            f"demo-full{suffix}",
            directions=(("semantic", "depth"), ("depth", "semantic")),
            seeds=seeds or (0, 1, 2),
            transfer_seeds=(0, 1),
            rivals=True,
            students=students,
            label_transfer=label_transfer,
            sweep=grid,
            curve=(10, 30, 100, 300),
        )
    else:
        preset, name = (SMOKE, "smoke") if smoke else (DEMO, "demo")
        config = Experiment(
            preset,
            PAIRS[pair],
            root,
            name + suffix,
            seeds=seeds or (0,),
            rivals=rivals,
            students=students,
            label_transfer=label_transfer,
            sweep=grid,
        )
    click.echo(demo(config))
