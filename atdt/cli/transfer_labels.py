"""`atdt transfer-labels`: T2's labels of a domain from its labels of T1."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options
from atdt.cli.outputs import echo_aside, echo_made, label_options


@click.command("transfer-labels")
@click.argument("run", type=options.PLACE)
@click.option("--domain", required=True, metavar="SPEC", help="PATH[:SPLIT][@N], with task 1's.")
@label_options
def command(run: Path, workers: int | None, dask: str | None, **config: Any) -> None:
    """Label images with task 2 from their labels of task 1, by the label network of RUN.

    No pixel of an image is read, and no label of task 2. Networks learn from the folder by
    `train-task --pseudo` or `distill`.
    """
    from atdt.label_transfer import LabelPrediction, transfer_labels

    where = options.cluster(dask, workers)
    echo_made(transfer_labels(LabelPrediction(run=run, cluster=where, **config), say=echo_aside))
