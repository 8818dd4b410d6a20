"""`atdt ground-depth`: depth of the ground and of what stands on it, from how the camera stands."""

from pathlib import Path

import click

from atdt.cli import options


@click.command("ground-depth")
@click.argument("domain", metavar="DOMAIN")
@click.option("--out", type=options.PLACE, required=True, help="The predictions folder.")
@click.option(
    "--ground",
    multiple=True,
    default=("road",),
    show_default=True,
    metavar="CLASS[=METRES]",
    help="That lies flat, so high above the road on which the camera stands; may be repeated.",
)
@click.option(
    "--standing",
    multiple=True,
    metavar="CLASS",
    help="That stands on the ground upright, such as building; may be repeated.",
)
@click.option(
    "--elsewhere",
    type=options.PLACE,
    metavar="PREDICTIONS",
    help="Depth of the same images, which holds where no ground is known.",
)
@click.option(
    "--farthest",
    type=float,
    default=40.0,
    show_default=True,
    help="Metres; beyond it small errors of the pitch are large ones of depth.",
)
@options.resume
@options.overwrite
def command(
    domain: str,
    out: Path,
    ground: tuple[str, ...],
    standing: tuple[str, ...],
    elsewhere: Path | None,
    farthest: float,
    resume: bool,
    overwrite: bool,
) -> None:
    """Write depth of the ground, and of what stands on it, for DOMAIN (PATH[:SPLIT][@N]).

    Needs semantic labels, the focal length and [mount] with the camera's height; no label of depth
    is read. Networks learn from it by `train-task --pseudo` or `distill`. With --elsewhere
    predictions, AT/DT's say, hold where nothing is known so.
    """
    from atdt.decode.ground_depth import GroundDepth, ground_depth

    config = GroundDepth(
        domain=domain,
        out=out,
        ground=tuple(map(raised, ground)),
        standing=standing,
        elsewhere=elsewhere,
        farthest=farthest,
        resume=resume,
        overwrite=overwrite,
    )
    click.echo(ground_depth(config))


def raised(text: str) -> tuple[str, float]:
    """CLASS or CLASS=METRES."""
    name, _, metres = text.partition("=")
    try:
        return name, float(metres or 0)
    except ValueError:
        raise click.BadParameter(
            f"{text!r}: write CLASS or CLASS=METRES, such as sidewalk=0.15", param_hint="--ground"
        ) from None
