"""`atdt verify`: read all of a store and check it."""

from pathlib import Path

import click

from atdt.cli import options

MEBIBYTE = 2**20


@click.command("verify")
@click.argument("store", type=options.PLACE)
@click.pass_context
def command(ctx: click.Context, store: Path) -> None:
    """Read all of STORE and check every chunk, every zarr.json, the sample vectors and the ledgers.

    Prints one line for each problem, with what to run; the exit code is then 1.
    """
    from atdt.stores import verify_store

    report = verify_store(store)
    for problem in report.problems:
        click.echo(problem)
    mebibytes = report.bytes_read / MEBIBYTE
    rate = mebibytes / report.seconds if report.seconds else 0.0
    found = f"{len(report.problems)} problems" if report.problems else "sound"
    click.echo(
        f"{store}: {found}; {report.arrays_checked} arrays, {mebibytes:,.1f} MiB read "
        f"in {report.seconds:.1f} s ({rate:,.0f} MiB/s)"
    )
    if report.problems:
        ctx.exit(1)
