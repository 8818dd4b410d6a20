"""`atdt convert`: a domain's labels in another encoding."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("convert")
@click.argument("domain", metavar="DOMAIN")
@click.option("--out", type=options.PLACE, required=True, help="Folder of the new domain.")
@click.option(
    "--labels",
    multiple=True,
    type=click.Choice(["semantic", "depth", "normals"]),
    help="Which to write; repeatable. All that there are if unset.",
)
@click.option(
    "--depth-encoding",
    metavar="NAME",
    help="npy, uint16/256 (KITTI), rgb24-1000m (CARLA) …; as before if unset.",
)
@click.option(
    "--farthest",
    type=float,
    metavar="METRES",
    help="Depth beyond becomes none; all stays if unset.",
)
@click.option(
    "--predictions",
    multiple=True,
    type=options.PLACE,
    help="Predictions that take the place of the labels of their task; repeatable.",
)
@click.option("--copy", is_flag=True, help="Copy images, rather than link them on the disk.")
def command(domain: str, out: Path, **chosen: Any) -> None:
    """Write the labels of DOMAIN (PATH[:SPLIT][@N], or all splits) as a domain of its own.

    Semantic labels become 8-bit PNGs of the ids of its label space, after its label map. What a
    stopped conversion has written is kept: repeat the same command.
    """
    from atdt.domains.convert import Conversion, convert

    click.echo(convert(Conversion(domain=domain, out=out, **chosen)))
