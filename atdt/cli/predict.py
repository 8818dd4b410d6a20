"""`atdt predict`: predictions of a task network alone."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options
from atdt.cli.outputs import echo_made, output_options


@click.command("predict")
@click.argument("run", type=options.PATH)
@click.option("--domain", required=True, metavar="SPEC", help="PATH[:SPLIT][@N] of the images.")
@output_options
def command(run: Path, **config: Any) -> None:
    """Predict with the task network of RUN: how baseline and oracle are measured."""
    from atdt.decode import Prediction, predict

    echo_made(predict(Prediction(run=run, **config)))
