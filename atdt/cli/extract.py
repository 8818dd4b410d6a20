"""`atdt extract`: features of frozen encoders into a store."""

from typing import Any

import click

from atdt.cli.extraction import extraction, extraction_options


@click.command("extract")
@extraction_options
@click.option("--dry-run", is_flag=True, help="Say what would be written, and how long it takes.")
def command(dry_run: bool, **chosen: Any) -> None:
    """Run frozen encoders over DOMAIN (PATH[:SPLIT][@N]) and store their features.

    Encoders and levels can be added to a store later, under the same plan of views. What is there
    and complete is left alone. Prints the store.
    """
    from atdt.extract import extract, plan_extraction

    config = extraction(**chosen)
    if dry_run:
        for line in plan_extraction(config).lines:
            click.echo(line)
        return
    click.echo(extract(config, say=click.echo))
