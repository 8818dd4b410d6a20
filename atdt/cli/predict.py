"""`atdt predict`: predictions of a task network alone."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options
from atdt.cli.outputs import echo_aside, echo_made, output_options


@click.command("predict")
@click.argument("run", type=options.PLACE)
@click.option("--domain", required=True, metavar="SPEC", help="PATH[:SPLIT][@N] of the images.")
@output_options
def command(run: Path, workers: int | None, dask: str | None, **config: Any) -> None:
    """Predict with the task network of RUN: how baseline and oracle are measured."""
    from atdt.decode import Prediction, predict

    where = options.cluster(dask, workers)
    echo_made(predict(Prediction(run=run, cluster=where, **config), say=echo_aside))
