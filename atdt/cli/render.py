"""`atdt render`: make the streets, the domain pair that comes with the project."""

from pathlib import Path

import click

from atdt.cli import options


class Gap(click.ParamType):
    """Names of knobs, separated by commas; "none" turns all of them off."""

    name = "KNOBS"

    def convert(self, value, param, ctx) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return () if value == "none" else tuple(part.strip() for part in value.split(","))


@click.command("render")
@click.option(
    "--pair",
    type=click.Choice(["streets", "streets-held-out", "streets-held-out-2"]),
    default="streets",
    show_default=True,
    help="The pair to develop on, or one that is kept for claims.",
)
@click.option("--out", type=options.PLACE, required=True, help="Folder to make.")
@click.option(
    "--train",
    type=click.IntRange(0),
    default=600,
    show_default=True,
    help="Training images of each domain.",
)
@click.option("--val", type=click.IntRange(0), default=100, show_default=True)
@click.option("--test", type=click.IntRange(0), default=150, show_default=True)
@click.option("--size", type=options.SIZE, default="96x192", show_default=True)
@options.seed
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Processes; one a core by default, and one for a few frames.",
)
@click.option(
    "--right/--no-right",
    default=True,
    show_default=True,
    help="Also the right image of each stereo pair.",
)
@click.option(
    "--gap",
    type=Gap(),
    default="appearance,camera,layout,shapes",
    show_default=True,
    help="What differs between A and B: these knobs, or none.",
)
def command(pair: str, out: Path, train: int, val: int, test: int, size: tuple[int, int], seed: int,
            workers: int | None, right: bool, gap: tuple[str, ...]) -> None:  # fmt: skip
    """Render the street domains A and B with exact labels, and print their folder."""
    from atdt.domains.streets import RenderConfig, render

    config = RenderConfig(
        out=out, pair=pair, train=train, val=val, test=test, size=size, seed=seed, knobs=gap,
        right=right, workers=workers,
    )  # fmt: skip
    click.echo(render(config))
