"""`atdt adapt-bn`: batch-norm statistics of another domain."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("adapt-bn")
@click.argument("run", type=options.PATH)
@click.option("--domain", required=True, metavar="SPEC", help="Images to adapt to.")
@click.option("--out", type=options.PATH, required=True, help="Folder of the new run.")
@click.option("--batch", type=int, default=8, show_default=True)
@click.option("--resize", type=options.SIZE, help="Of the whole image, as in training.")
@click.option("--crop", type=options.SIZE, help="From the centre.")
@options.device
@options.skip_bad
@options.resume
@options.overwrite
@options.allow_network
def command(run: Path, **chosen: Any) -> None:
    """Copy a task network's RUN with batch-norm statistics of the images of a domain."""
    from atdt.runs import open_run
    from atdt.training import BatchNormAdaptation, adapt_batch_norm

    path = adapt_batch_norm(BatchNormAdaptation(run=run, **chosen))
    adapted = open_run(path).info["adapted"]
    click.echo(
        f"{adapted['layers']} batch-norm layers now have the statistics of "
        f"{adapted['domain']['images']} images"
    )
    click.echo(path)
