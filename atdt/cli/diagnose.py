"""`atdt diagnose`."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("diagnose")
@click.argument("a", type=options.PATH, metavar="A.zarr")
@click.argument("b", type=options.PATH, metavar="B.zarr")
@click.option("--from", "source", required=True, metavar="NAME", help="E1's features in both.")
@click.option("--to", "target", metavar="NAME", help="E2's features in A: are the tasks related?")
@click.option("--level", help="Where they are cut; the deepest if unset.")
@click.option(
    "--transfer", type=options.PATH, metavar="RUN", help="A G: does it leave E2's features?"
)
@click.option("--out", type=options.PATH, default=Path("reports/diagnosis"), show_default=True)
@options.seed
def command(**chosen: Any) -> None:
    """Say from stores of A and B alone how far apart the domains are for E1. No label is read."""
    from atdt.diagnose.diagnosis import Diagnosis, Measure, diagnose
    from atdt.files import read_json

    path = diagnose(Diagnosis(**chosen))
    measures = [Measure(**m) for m in read_json(path.parent / "diagnosis.json")["measures"]]
    for measure in measures:
        click.echo(
            f"{measure.value:7.3f}  {measure.title} ({measure.still} where nothing is amiss)"
        )
        click.echo(f"         {measure.reading}")
    click.echo(path)
