"""`atdt colorize`: labels and predictions as pictures, to look at."""

from pathlib import Path

import click

from atdt.cli import options


@click.command("colorize")
@click.argument("source", metavar="PREDICTIONS|DOMAIN")
@click.option("--out", type=options.PLACE, required=True, help="Folder of the pictures.")
@click.option(
    "--labels",
    type=click.Choice(["semantic", "depth", "normals"]),
    help="Which labels of a domain.",
)
@options.overwrite
def command(source: str, out: Path, labels: str | None, overwrite: bool) -> None:
    """Write a PNG for each image of a predictions folder, or of the labels of a domain
    (PATH[:SPLIT][@N]), and say what its colours mean.
    """
    from atdt.evaluate.colorize import Colouring, colorize, meaning

    config = Colouring(source=source, out=out, labels=labels, overwrite=overwrite)
    folder = colorize(config)
    click.echo(meaning(config))
    click.echo(folder)
