"""Options of the verbs that write a predictions folder."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from atdt.cli import options

CUTS = (
    click.option("--resize", type=options.SIZE, help="Bring whole images to this size."),
    click.option("--crop", type=options.SIZE, help="Cut this size from their centre."),
    click.option("--pad", type=options.SIZE, help="Fill them up to this size with zeros."),
)
OF_NETWORKS = (
    click.option("--save-features", is_flag=True, help="Keep the decoder's inputs too (.npy)."),
    options.allow_network,
)
OUT = click.option("--out", type=options.PLACE, required=True, help="The predictions folder.")
SHARED = (
    click.option("--batch", type=click.IntRange(min=1), default=8, show_default=True),
    options.device,
    options.precision,
    options.threads,
    options.workers,
    options.dask,
    click.option(
        "--depth-format",
        type=click.Choice(["npy", "png"]),
        default="npy",
        show_default=True,
        help="Depth as float32 metres, or as PNG of 16 bits: metres × 256.",
    ),
    click.option("--save-logits", is_flag=True, help="Keep the decoder's outputs too (.npy)."),
    click.option(
        "--save-dtype",
        type=click.Choice(["float16", "float32"]),
        default="float16",
        show_default=True,
        help="Of logits and features.",
    ),
    options.resume,
    options.overwrite,
    options.skip_bad,
)


def output_options[Command: Callable](command: Command) -> Command:
    """Add the options of `atdt.decode.config.Output` to a command."""
    return _with((OUT, *CUTS, *SHARED, *OF_NETWORKS), command)


def label_options[Command: Callable](command: Command) -> Command:
    """Add those that make sense where no images are read, but labels."""
    return _with((OUT, *SHARED), command)


def _with[Command: Callable](added: Sequence[Callable], command: Command) -> Command:
    for option in reversed(added):
        command = option(command)
    return command


def echo_made(folder: Path) -> None:
    """Print the predictions folder; what was skipped or let through goes to stderr before it."""
    from atdt.predictions import open_predictions

    made = open_predictions(folder)
    skipped = made.info["skipped"]
    if skipped:
        click.echo(f"skipped {len(skipped)} images:", err=True)
    for line in skipped:
        click.echo(f"  {line}", err=True)
    for line in made.mismatch:
        click.echo(f"mismatch allowed: {line}", err=True)
    click.echo(folder)


def echo_aside(line: str) -> None:
    """Print to stderr: what a verb says on its way is no part of what it made."""
    click.echo(line, err=True)
