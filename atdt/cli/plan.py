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
@click.option(
    "--request-prices",
    nargs=2,
    type=click.FloatRange(min=0),
    metavar="WRITE READ",
    help="Dollars a thousand requests that write or list, and that read; what S3 and Google ask "
    "for standard storage if unset, 0.005 and 0.0004.",
)
def command(
    images: int | None,
    rate: float | None,
    request_prices: tuple[float, float] | None,
    **chosen: Any,
) -> None:
    """Say what `extract` with the same options will take: hours, bytes, files,
    requests and what they cost.

    --workers may be those of other machines, each as fast as this one. Nothing is written.
    """
    from atdt.extract import Prices, plan_extraction

    prices = Prices(*request_prices or ())
    plan = plan_extraction(extraction(**chosen), images=images, rate=rate, prices=prices)
    for line in plan.lines:
        click.echo(line)
