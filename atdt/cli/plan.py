"""`atdt plan`: what an extraction will take, before the images are there."""

from typing import Any

import click

from atdt.cli.extraction import extraction, extraction_options


@click.command("plan")
@extraction_options
@click.option(
    "--images",
    type=click.IntRange(min=1),
    help="Plan for so many images like those of DOMAIN.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Samples a second of one worker; measured here if unset, in a few seconds.",
)
def command(images: int | None, rate: float | None, **chosen: Any) -> None:
    """Say what `extract` with the same options will take: hours, bytes, files, requests.

    --workers may be those of other machines, each as fast as this one. Nothing is written.
    """
    from atdt.extract import plan_extraction

    for line in plan_extraction(extraction(**chosen), images=images, rate=rate).lines:
        click.echo(line)
