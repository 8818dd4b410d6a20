"""`atdt proxy-depth`: depth for stereo domains, to learn from."""

from pathlib import Path

import click

from atdt.cli import options

FEW = 0.2  # of the pixels: a rectified pair of a street has three times as many


@click.command("proxy-depth")
@click.argument("domain", metavar="DOMAIN")
@click.option("--out", type=options.PLACE, required=True, help="The predictions folder.")
@click.option(
    "--max-disparity",
    type=int,
    metavar="PIXELS",
    help="Of the nearest depth; rounded up to a multiple of 16. An eighth of the width if unset.",
)
@click.option(
    "--block",
    type=int,
    default=5,
    show_default=True,
    metavar="PIXELS",
    help="Side of the blocks that are compared, odd.",
)
@click.option(
    "--directions",
    type=click.Choice([3, 5, 8]),
    default=3,
    show_default=True,
    help="Along which costs are summed; 5 takes twice the time of 3, 8 eight times.",
)
@click.option(
    "--tolerance",
    type=float,
    default=1.0,
    show_default=True,
    metavar="PIXELS",
    help="By which left and right may differ.",
)
@click.option(
    "--uniqueness",
    type=int,
    default=10,
    show_default=True,
    metavar="PERCENT",
    help="By which the best match must be ahead.",
)
@click.option(
    "--speckle",
    type=int,
    default=100,
    show_default=True,
    metavar="PIXELS",
    help="Leave out islands of fewer; 0 keeps them.",
)
@click.option(
    "--farthest",
    type=float,
    default=255.0,
    show_default=True,
    metavar="METRES",
    help="What is farther is none.",
)
@click.option(
    "--depth-format",
    type=click.Choice(["png", "npy"]),
    default="png",
    show_default=True,
    help="PNG of 16 bits, metres × 256; or float32 metres, which take four times the disk.",
)
@click.option("--workers", type=click.IntRange(1), help="Threads; one a core by default.")
@options.resume
@options.overwrite
def command(
    domain: str,
    out: Path,
    max_disparity: int | None,
    block: int,
    directions: int,
    tolerance: float,
    uniqueness: int,
    speckle: int,
    farthest: float,
    depth_format: str,
    workers: int | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Depth of DOMAIN (PATH[:SPLIT][@N]) from its left and right images, rectified pairs.

    Semi-global matching of both images; depth is focal × baseline / disparity, and none where the
    two do not agree. The result is a predictions folder of task depth: `train-task --pseudo`
    learns from it, `convert --predictions` makes a domain of it.
    """
    from atdt.decode.proxy_depth import (
        ProxyDepth,
        doubt_of_cameras,
        proxy_depth,
        share_with_depth,
    )
    from atdt.domains.stereo import Matching

    matching = Matching(
        max_disparity=max_disparity,
        block=block,
        directions=directions,
        tolerance=tolerance,
        uniqueness=uniqueness,
        speckle=speckle,
    )
    if doubt := doubt_of_cameras(domain):
        click.echo(f"doubtful: {doubt}", err=True)
    folder = proxy_depth(
        ProxyDepth(
            domain=domain,
            out=out,
            matching=matching,
            farthest=farthest,
            depth_format=depth_format,
            workers=workers,
            resume=resume,
            overwrite=overwrite,
        )
    )
    share = share_with_depth(folder)
    click.echo(f"depth in {share:.0%} of the pixels")
    if share < FEW:
        click.echo("few: are left and right swapped, or not rectified?", err=True)
    click.echo(folder)
