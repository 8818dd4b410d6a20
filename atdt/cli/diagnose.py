"""`atdt diagnose`."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options, tables


@click.command("diagnose")
@click.argument("a", type=options.PLACE, metavar="A.zarr")
@click.argument("b", type=options.PLACE, metavar="B.zarr")
@click.option("--from", "source", required=True, metavar="NAME", help="E1's features in both.")
@click.option("--to", "target", metavar="NAME", help="E2's features in A: are the tasks related?")
@click.option("--level", help="Where they are cut; the deepest if unset.")
@click.option(
    "--transfer",
    "transfers",
    multiple=True,
    type=options.PLACE,
    metavar="RUN",
    help="A G, or a head, to be scored: will it hold on B? Repeatable.",
)
@click.option(
    "--target-run", type=options.PLACE, metavar="RUN", help="N2, behind which Gs predict T2."
)
@click.option(
    "--predictions",
    multiple=True,
    type=options.PLACE,
    metavar="FOLDER",
    help="Predictions of B's images that are scored beside them. Repeatable.",
)
@click.option(
    "--rehearsal",
    type=options.PLACE,
    metavar="STORE",
    help="A store of A in B's look, with labels of T2: see `atdt rehearse`.",
)
@options.cross_task
@click.option("--out", type=options.PLACE, default=Path("reports/diagnosis"), show_default=True)
@options.seed
@options.device
def command(**chosen: Any) -> None:
    """Say, without a label of T2 on B, how far the domains are apart for E1 and how Gs will do.

    Both from stores of A and B. Extract B with E1 and E2, and in several views, and Gs are also
    compared with N2 and with themselves.
    """
    from atdt.diagnose.diagnosis import Diagnosis, Measure, diagnose
    from atdt.texts import read_json

    path = diagnose(
        Diagnosis(**chosen),
        say=click.echo,
        show=tables.show,
    )
    measures = [Measure(**m) for m in read_json(path.parent / "diagnosis.json")["measures"]]
    for measure in measures:
        click.echo(
            f"{measure.value:7.3f}  {measure.title} ({measure.still} where nothing is amiss)"
        )
        click.echo(f"         {measure.reading}")
    click.echo(path)
