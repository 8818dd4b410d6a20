"""`atdt consistency`."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("consistency")
@click.argument("scored", nargs=-1, required=True, type=options.PLACE, metavar="FOLDER…")
@click.option("--cross-task", type=options.PLACE, required=True, help="Run of the network R.")
@click.option("--domain", metavar="SPEC", help="B, whose images were predicted, with labels of T1.")
@click.option("--store", type=options.PLACE, help="B with E1's features and labels of T1.")
@click.option("--decoder", type=options.PLACE, help="Run of N2; as `train` saw it beside a G.")
@click.option("--out", type=options.PLACE, required=True, help="Folder of consistency.json.")
@click.option("--maps", is_flag=True, help="Keep the error of each pixel too (.npy).")
@click.option("--batch", type=click.IntRange(min=1), default=8, show_default=True)
@options.device
@options.precision
@options.overwrite
@options.skip_bad
@options.allow_network
def command(scored: tuple[Path, ...], **chosen: Any) -> None:
    """Score predictions of task 2 on B by B's labels of task 1; the best comes first.

    Each FOLDER holds predictions of --domain, or is a run of G or of a head, which is decoded from
    --store. R reads task 1 off what is predicted; printed is how far that is from the labels. No
    label of task 2 is read.
    """
    from atdt.consistency import Scoring, score_consistency
    from atdt.texts import read_json

    path = score_consistency(Scoring(scored=scored, **chosen))
    content = read_json(path)
    for row in content["rows"]:
        click.echo(f"{row['error']:8.4f}  {row['path']}")
    network = content["cross_task"]
    for key, what in (
        ("on_a", ""),
        ("on_a_of_others", ", reading the prediction of another image"),
    ):
        if network[key] is not None:
            click.echo(f"{network[key]:8.4f}  on A's held-out images{what}")
    click.echo(path)
