"""`atdt decode`: predictions of task 2 through G."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options
from atdt.cli.outputs import echo_aside, echo_made, output_options


@click.command("decode")
@click.argument("transfer", type=options.PLACE, metavar="RUN")
@click.option("--domain", metavar="SPEC", help="PATH[:SPLIT][@N] of the images to decode.")
@click.option("--store", type=options.PLACE, help="A store of them that holds E1's features.")
@click.option("--array", metavar="NAME", help="E1's array in --store, if not as in training.")
@click.option("--encoder", type=options.PLACE, help="Run of N1; as `train` saw it beside RUN.")
@click.option("--decoder", type=options.PLACE, help="Run of N2; as `train` saw it beside RUN.")
@click.option(
    "--allow-mismatch",
    type=options.MISMATCH,
    multiple=True,
    help="Let through what differs from G's training; it is recorded. May be given twice.",
)
@output_options
def command(transfer: Path, workers: int | None, dask: str | None, **config: Any) -> None:
    """Decode a domain with the transfer network of RUN: D2(G(E1(x))).

    Give the images by --domain, or by --store if E1 has been run over them already. A run of a head
    on E1 needs no --decoder.
    """
    from atdt.decode import Decoding, decode

    where = options.cluster(dask, workers)
    echo_made(decode(Decoding(transfer=transfer, cluster=where, **config), say=echo_aside))
