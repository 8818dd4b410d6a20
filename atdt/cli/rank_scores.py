"""`atdt rank-scores`."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options, tables


@click.command("rank-scores")
@click.argument("sweeps", nargs=-1, required=True, type=options.PLACE, metavar="SWEEP…")
@click.option(
    "--report",
    multiple=True,
    type=options.PLACE,
    metavar="SWEEP",
    help="On which the best is reported: sweeps of other encoders. Repeatable.",
)
@click.option("--out", type=options.PLACE, default=Path("reports/rank-scores"), show_default=True)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Resamples of Gs; 0 for no intervals.",
)
@options.seed
def command(**chosen: Any) -> None:
    """Say how well each score predicts which G is right on B, from leaderboards of sweeps.

    For whoever evaluates: the sweeps were run with --b, a store of B with labels of T2, which judge
    the scores here and nothing else. The best is chosen on SWEEP… and reported on --report.
    """
    from atdt.experiments.rank_scores import RankScores, rank_scores

    path = rank_scores(RankScores(**chosen), show=tables.show)
    click.echo(path)
