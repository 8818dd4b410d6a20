"""`atdt rehearse`."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("rehearse")
@click.argument("domain", metavar="A")
@click.option("--to", required=True, metavar="B", help="Domain whose look is taken.")
@click.option("--out", type=options.PLACE, required=True, help="Folder of the new domain.")
@click.option(
    "--colours",
    type=click.Choice(["moments", "histogram", "keep"]),
    default="moments",
    show_default=True,
    help="Mean and deviation, or the whole distribution, of each channel of B's images.",
)
@click.option(
    "--space",
    type=click.Choice(["lab", "rgb"]),
    default="lab",
    show_default=True,
    help="Whose channels.",
)
@click.option("--keep-camera", is_flag=True, help="Leave the camera as it is.")
@click.option(
    "--scale-height",
    is_flag=True,
    help="Scale A's depth by the ratio of the heights: the road lies as deep below as B's.",
)
@click.option(
    "--stretch-height",
    is_flag=True,
    help="Stretch what lies below A's camera instead: nothing is nearer or farther than it was.",
)
def command(domain: str, to: str, out: Path, **chosen: Any) -> None:
    """Write A (PATH[:SPLIT][@N]) in B's look, with A's labels: to score Gs where truth is known.

    Take images of A that no network has learnt from. They are seen by B's camera, where both
    descriptions have a focal length and [mount], and get B's colours; no label of B is read.
    Extract E1 and labels from the new domain, and give the store to `sweep` or `diagnose` by
    --rehearsal. What a stopped call has written is kept: repeat it.
    """
    from atdt.domains.rehearse import Rehearsal, rehearse

    path = rehearse(
        Rehearsal(domain=domain, to=to, out=out, **chosen),
        say=lambda line: click.echo(line, err=True),
    )
    click.echo(path)
