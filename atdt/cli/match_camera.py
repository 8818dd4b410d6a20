"""`atdt match-camera`."""

from pathlib import Path

import click

from atdt.cli import options


@click.command("match-camera")
@click.argument("domain", metavar="A")
@click.option("--to", required=True, metavar="B", help="Domain whose camera is taken.")
@click.option("--out", type=options.PLACE, required=True, help="Folder of the new domain.")
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
def command(domain: str, to: str, out: Path, scale_height: bool, stretch_height: bool) -> None:
    """Write domain A (PATH[:SPLIT][@N]) as B's camera would have taken it, from where A's stood.

    Images are turned to B's pitch and roll and zoomed to its focal length, labels with them. Both
    descriptions need a focal length and [mount]. What a stopped call has written is kept: repeat
    it.
    """
    from atdt.domains.match_camera import CameraMatch, match_camera

    match = CameraMatch(
        domain=domain, to=to, out=out, scale_height=scale_height, stretch_height=stretch_height
    )
    click.echo(match_camera(match))
