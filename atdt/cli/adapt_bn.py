"""`atdt adapt-bn`: batch-norm statistics of another domain."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


@click.command("adapt-bn")
@click.argument("run", type=options.PLACE)
@click.option("--domain", required=True, metavar="SPEC", help="Images to adapt to.")
@click.option("--out", type=options.PLACE, required=True, help="Folder of the new run.")
@click.option("--batch", type=int, default=8, show_default=True)
@click.option("--resize", type=options.SIZE, help="Of the whole image, as in training.")
@click.option("--crop", type=options.SIZE, help="From the centre.")
@click.option(
    "--transfer",
    type=options.PLACE,
    metavar="G",
    help="Only D2's, behind G and E1: RUN is N2's. For what `decode` predicts with.",
)
@click.option(
    "--encoder", type=options.PLACE, help="With --transfer: run of N1; as `train` saw it."
)
@click.option(
    "--allow-mismatch",
    type=options.MISMATCH,
    multiple=True,
    help="With --transfer: let through what differs from G's training; it is recorded.",
)
@options.device
@options.skip_bad
@options.resume
@options.overwrite
@options.allow_network
def command(
    run: Path,
    transfer: Path | None,
    encoder: Path | None,
    allow_mismatch: tuple[str, ...],
    **chosen: Any,
) -> None:
    """Copy a task network's RUN with batch-norm statistics of the images of a domain."""
    from atdt.decode import DecoderAdaptation, adapt_decoder
    from atdt.runs import open_run
    from atdt.training import BatchNormAdaptation, adapt_batch_norm

    if transfer is None and (encoder or allow_mismatch):
        raise click.UsageError("--encoder and --allow-mismatch need --transfer")
    if transfer is None:
        path = adapt_batch_norm(BatchNormAdaptation(run=run, **chosen))
    else:
        behind = {"transfer": transfer, "encoder": encoder, "allow_mismatch": allow_mismatch}
        path = adapt_decoder(DecoderAdaptation(run=run, **behind, **chosen))
    adapted = open_run(path).info["adapted"]
    click.echo(
        f"{adapted['layers']} batch-norm layers now have the statistics of "
        f"{adapted['domain']['images']} images"
    )
    click.echo(path)
