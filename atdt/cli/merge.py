"""`atdt merge`."""

from collections.abc import Iterator
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
    help="Mean of outputs; D4's tempered softmaxes, of two FOLDERs: the first is trusted for the "
    "classes that are rare in A, the second for the others; or weights learnt on A.",
)
@click.option(
    "--learn-from",
    multiple=True,
    type=options.PLACE,
    help="Predictions of the same networks on A, in the same order; repeatable. Of classes it also "
    "tells the calibration error.",
)
@click.option("--a", metavar="SPEC", help="A: labels of --learn-from's images, or class counts.")
@click.option(
    "--calibrate",
    is_flag=True,
    help="Bring each network, and the merger, to the temperature that suits A; for mean, softmax.",
)
@options.resume
@options.overwrite
def command(predictions: tuple[Path, ...], **chosen: Any) -> None:
    """Merge predictions of several networks, made with --save-logits, into one folder.

    No label of B is read: weights and temperatures are learnt on A. Networks that are sure of
    themselves to different degrees are best merged --by learnt, or with --calibrate.
    """
    from atdt.merge import Merging, merge
    from atdt.predictions import open_predictions

    path = merge(Merging(predictions=predictions, **chosen))
    for line in calibration(predictions, open_predictions(path).method):
        click.echo(line)
    click.echo(path)


def calibration(predictions: tuple[Path, ...], method: dict[str, Any]) -> Iterator[str]:
    """What was found out of it on A."""
    errors = method.get("calibration_error")
    if errors is None:
        return
    before, after = errors["networks"], errors.get("calibrated")
    yield f"calibration error on {errors['images']} images of A:"
    for k, folder in enumerate(predictions):
        cooled = (
            f", {_percent(after[k])} at temperature {method['temperatures'][k]:.2f}"
            if after
            else ""
        )
        yield f"  {_percent(before[k])}{cooled}: {folder}"
    yield f"  {_percent(errors['merged'])}: merged"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
