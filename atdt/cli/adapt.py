"""`atdt adapt`: a domain in the look of another."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("adapt")
@click.argument("run", type=options.PLACE)
@click.argument("domain", metavar="SPEC")
@click.option(
    "--to",
    type=click.Choice(["a", "b"]),
    required=True,
    help="The look to give: of train-cyclegan's domain A or B.",
)
@click.option("--out", type=options.PLACE, required=True, help="Folder of the new domain.")
@options.device
@options.precision
@options.skip_bad
@options.resume
@options.overwrite
def command(run: Path, domain: str, **chosen: Any) -> None:
    """Give the images of SPEC another look by the CycleGAN of RUN.

    SPEC is PATH[:SPLIT][@N]; every split without SPLIT. The result is a domain of its own with the
    labels of the old one: hard links where the disk has them, copies elsewhere.
    """
    from atdt.adapt import Adaptation, adapt
    from atdt.adapt.folder import INFO
    from atdt.domains.description import FILE_NAME, read_description
    from atdt.texts import read_json

    path = adapt(Adaptation(run=run, domain=domain, **chosen))
    info = read_json(path / INFO)
    if info["skipped"]:
        click.echo(f"skipped {len(info['skipped'])} images:", err=True)
    for line in info["skipped"]:
        click.echo(f"  {line}", err=True)
    name = read_description(path / FILE_NAME).name
    for split in info["made_from"]["domains"]:
        click.echo(f"{name}:{split['split']}, {split['images']} images")
    click.echo(path)
