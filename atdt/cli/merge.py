"""`atdt merge`."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("merge")
@click.argument("predictions", nargs=-1, required=True, type=options.PLACE, metavar="FOLDER…")
@click.option("--out", type=options.PLACE, required=True, help="The new predictions folder.")
@click.option(
    "--by",
    type=click.Choice(["mean", "softmax", "learnt"]),
    default="mean",
    show_default=True,
    help="Mean of outputs; D4's tempered softmaxes; or weights learnt on A.",
)
@click.option(
    "--learn-from",
    multiple=True,
    type=options.PLACE,
    help="Predictions of the same networks on A, in the same order; repeatable.",
)
@click.option("--a", metavar="SPEC", help="A: labels of --learn-from's images, or class counts.")
@options.resume
@options.overwrite
def command(predictions: tuple[Path, ...], **chosen: Any) -> None:
    """Merge predictions of several networks, made with --save-logits, into one folder.

    No label of B is read: weights are learnt on A.
    """
    from atdt.merge import Merging, merge

    click.echo(merge(Merging(predictions=predictions, **chosen)))
