"""`atdt train-cyclegan`: the looks of two domains, for adaptation by pixels."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("train-cyclegan")
@click.option("--a", required=True, metavar="SPEC", help="Domain A, PATH[:SPLIT][@N].")
@click.option("--b", required=True, metavar="SPEC", help="Domain B. Labels of neither are read.")
@click.option("--out", type=options.PLACE, required=True, help="Folder of the run.")
@click.option("--steps", type=int, required=True, help="Published: 200 passes over the images.")
@click.option("--width", type=int, default=64, show_default=True, help="Of the first layers.")
@click.option("--blocks", type=int, default=9, show_default=True, help="Of a generator.")
@click.option("--batch", type=int, default=1, show_default=True, help="Images of either domain.")
@click.option("--crop", type=options.SIZE, help="Random crop; published: 256x256.")
@click.option("--flip/--no-flip", default=True, show_default=True, help="Mirror half of the draws.")
@click.option("--learning-rate", type=float, default=2e-4, show_default=True)
@click.option("--cycle-weight", type=float, default=10.0, show_default=True)
@click.option("--identity-weight", type=float, default=5.0, show_default=True)
@click.option(
    "--history",
    type=int,
    default=50,
    show_default=True,
    metavar="IMAGES",
    help="Made images that a discriminator may see again.",
)
@options.checkpoint_every
@options.seed
@options.device
@options.precision
@options.skip_bad
@options.resume
@options.overwrite
def command(**chosen: Any) -> None:
    """Train a CycleGAN that turns images of A into the look of B, and the other way.

    Prints what it costs, a picture of a few images in both looks, and the run.
    """
    from atdt.adapt import CycleGANTraining, train_cyclegan
    from atdt.adapt.painting import PICTURE

    path: Path = train_cyclegan(CycleGANTraining(**chosen), say=click.echo)
    click.echo(f"A, A as B, B, B as A: {path / PICTURE}")
    click.echo(path)
