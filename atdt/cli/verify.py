"""`atdt verify`: read all of a store and check it, or compare it with another one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from atdt.cli import options
from atdt.errors import UserError

if TYPE_CHECKING:
    from atdt.stores.against import Difference

MEBIBYTE = 2**20


@click.command("verify")
@click.argument("store", type=options.PLACE)
@click.option(
    "--against",
    type=options.PLACE,
    metavar="OTHER",
    help="Compare with the values of this store, of the same samples; both are read.",
)
@click.option(
    "--within",
    type=click.FloatRange(min=0),
    metavar="ULPS",
    help="With --against: let floating-point values differ by so many units in the last place of "
    "float16.  [default: 0]",
)
@click.pass_context
def command(ctx: click.Context, store: Path, against: Path | None, within: float | None) -> None:
    """Read all of STORE and check every chunk, every zarr.json, the sample vectors and the ledgers.

    Prints one line for each problem, with what to run; the exit code is then 1.

    With --against, prints for each array how many values differ, by how much at most, also in units
    in the last place (ulp) that float16 has for them, or for the array's root mean square where
    they are smaller; and what else they were made with, such as threads. The exit code is 1 where
    arrays differ by more than --within.
    """
    if against is not None:
        _compare(ctx, store, against, within or 0.0)
    elif within is not None:
        raise UserError("--within: says how far stores may be apart; name the other by --against")
    else:
        _verify(ctx, store)


def _verify(ctx: click.Context, store: Path) -> None:
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


def _compare(ctx: click.Context, store: Path, against: Path, within: float) -> None:
    from atdt.stores import compare_stores

    found = compare_stores(store, against)
    for array in found.arrays:
        click.echo(_said(array))
        for line in array.made if array.differing else ():
            click.echo(f"  {line}")
    for path in found.alone:
        click.echo(f"{path}: the other store has no such array")
    count = len(found.arrays)
    equal = sum(not array.differing for array in found.arrays)
    beyond = sum(array.is_beyond(within) for array in found.arrays)
    allowed = f", {count - equal - beyond} differ by no more than {within:g} float16 ulp"
    click.echo(
        f"{store}: {equal} of {count} arrays have the values of {against}"
        f"{allowed if within else ''}"
    )
    if beyond or found.alone:
        ctx.exit(1)


def _said(array: "Difference") -> str:
    if not array.differing:
        return f"{array.name}: {array.values:,} values, all equal"
    share = 100 * array.differing / array.values
    ulps = f", {array.ulps:.3g} float16 ulp" if array.ulps else ""
    return (
        f"{array.name}: {array.differing:,} of {array.values:,} values differ ({share:.2g} %), by "
        f"{array.largest:.3g} at most{ulps} (most in {array.sample})"
    )
