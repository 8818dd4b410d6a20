"""`atdt train-label-transfer`: a network that gives T2 from labels of T1."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options
from atdt.cli.ground_depth import raised


@click.command("train-label-transfer")
@click.option("--from", "source", required=True, metavar="TASK", help="T1: semantic or depth.")
@click.option("--to", "target", required=True, metavar="TASK", help="T2, such as depth.")
@click.option(
    "--train",
    multiple=True,
    required=True,
    metavar="SPEC",
    help="A, with labels of both; repeatable.",
)
@click.option(
    "--validation",
    multiple=True,
    metavar="SPEC",
    help="Measured on in the end; chooses nothing. Repeatable.",
)
@click.option("--out", type=options.PLACE, required=True, help="Folder of the run.")
@click.option(
    "--ground",
    multiple=True,
    metavar="CLASS[=METRES]",
    help="Read its depth too, which the camera tells: see ground-depth. Repeatable.",
)
@click.option("--standing", multiple=True, metavar="CLASS", help="That stands on it. Repeatable.")
@click.option(
    "--farthest", type=float, default=40.0, show_default=True, help="Metres that ground is read to."
)
@click.option("--resize", type=options.SIZE, help="Of the labels; predictions are brought back.")
@click.option("--flip/--no-flip", default=True, show_default=True, help="Mirror half of the draws.")
@click.option(
    "--stretch",
    type=float,
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="Draw how high all is that rises above the camera; needs [mount].",
)
@click.option(
    "--zoom",
    type=float,
    help="Magnify each draw by e^-ZOOM to e^ZOOM; 0.4 from depth, 0 from semantics.",
)
@click.option("--shift", type=float, help="And shift it, in sides; 0.15 from depth, 0 otherwise.")
@click.option(
    "--widen",
    type=float,
    metavar="FACTOR",
    help="Draw how wide all is, at the same distance; 1.5 from semantics to depth, else 1.",
)
@click.option("--width", type=int, default=24, show_default=True, help="Channels at half the side.")
@click.option("--steps", type=int, default=2000, show_default=True)
@click.option("--batch", type=int, default=16, show_default=True)
@click.option("--learning-rate", type=float, default=2e-3, show_default=True)
@options.checkpoint_every
@options.seed
@options.device
@options.precision
@options.skip_bad
@options.resume
@options.overwrite
def command(ground: tuple[str, ...], **chosen: Any) -> None:
    """Learn on A how labels of task 1 become labels of task 2.

    `transfer-labels` uses it on B's labels of task 1, and a network of task 2 on B learns from
    what it says. Prints the figures on --validation, and the run.
    """
    from atdt.label_transfer import LabelTraining, train_label_transfer
    from atdt.runs import open_run
    from atdt.tasks import get_task

    config = LabelTraining(ground=tuple(map(raised, ground)), **chosen)
    path: Path = train_label_transfer(config, say=click.echo)
    run = open_run(path)
    headline = get_task(run.info["task"]).headline
    for spec, scores in run.info["scores"].items():
        click.echo(f"{headline} {scores[headline]:.4g} on {spec}")
    click.echo(path)
