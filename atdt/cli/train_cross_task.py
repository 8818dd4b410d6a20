"""`atdt train-cross-task`: a network that gives T1 from T2's predictions."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("train-cross-task")
@click.argument("store", type=options.PLACE, metavar="STORE")
@click.option("--from", "source", required=True, metavar="NAME", help="E2's features in the store.")
@click.option("--to", "target", required=True, metavar="TASK", help="T1, whose labels it holds.")
@click.option(
    "--source-run", type=options.PLACE, required=True, help="N2's run, whose decoder makes T2."
)
@click.option("--out", type=options.PLACE, required=True, help="Folder of the run.")
@click.option("--level", help="Where E2 is cut; the deepest that is stored if unset.")
@click.option("--width", type=int, default=8, show_default=True, help="Channels at half the side.")
@click.option(
    "--zoom",
    type=float,
    default=0.5,
    show_default=True,
    help="Magnify each sample by e^-ZOOM to e^ZOOM, as another camera would.",
)
@click.option(
    "--shift", type=float, default=0.25, show_default=True, help="And shift it, in sides of it."
)
@click.option("--steps", type=int, default=1000, show_default=True)
@click.option("--batch", type=int, default=16, show_default=True)
@click.option("--learning-rate", type=float, default=2e-3, show_default=True)
@options.held_out
@click.option(
    "--allow-mismatch",
    multiple=True,
    type=options.MISMATCH,
    help="Go on although the features are not --source-run's; recorded.",
)
@options.feed
@options.memory_budget
@options.window
@options.validate_every
@options.checkpoint_every
@options.seed
@options.device
@options.precision
@options.resume
@options.overwrite
@options.allow_network
def command(**chosen: Any) -> None:
    """Train a network that gives task 1 from N2's predictions of task 2, on A, from STORE.

    Its error on B, which has labels of task 1, is a loss (`train --consistency`, `train-task
    --consistency`) and a score (`consistency`). Prints the error on A's held-out images, what it is
    where the prediction is of another image, and the run.
    """
    from atdt.consistency import CrossTaskTraining, train_cross_task
    from atdt.runs import open_run

    path: Path = train_cross_task(CrossTaskTraining(**chosen), say=click.echo)
    info = open_run(path).info
    for name, value in info["scores"].items():
        click.echo(f"{name.replace('_', ' ')} {value:.4g}")
    others = info["held_out_loss_of_others"]
    if others is not None:
        click.echo(f"and {others:.4g} where it reads the prediction of another image")
    click.echo(path)
