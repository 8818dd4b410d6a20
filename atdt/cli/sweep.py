"""`atdt sweep`."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options, tables


@click.command("sweep")
@click.argument("store", type=options.PLACE, metavar="STORE")
@click.option("--grid", type=options.PLACE, required=True, help="What is tried: a TOML file.")
@click.option("--from", "source", metavar="NAME", help="E1's features; with --to unset all pairs.")
@click.option("--to", "target", metavar="NAME", help="E2's features.")
@click.option(
    "--level", "levels", multiple=True, help="Where both are cut; repeatable; `all` for each."
)
@click.option("--out", type=options.PLACE, required=True, help="Folder of the sweep and its runs.")
@click.option(
    "--target-run",
    "target_runs",
    multiple=True,
    type=options.NamedRun(),
    help="N2's run; for several targets one for each, by the name of its features.",
)
@click.option(
    "--b",
    type=options.PLACE,
    metavar="STORE",
    help="A store of B, for scores that need no label; labels, if any, judge, no more.",
)
@click.option(
    "--rehearsal",
    type=options.PLACE,
    metavar="STORE",
    help="A store of A in B's look, with labels of T2: see `atdt rehearse`.",
)
@options.cross_task
@click.option(
    "--cuts",
    default="0.25,0.5",
    show_default=True,
    metavar="SHARES",
    help="Of the steps, after which the worse half stops, by A alone; '' trains all to the end.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Gs that step at a time; cores if unset."
)
@click.option(
    "--stack/--no-stack",
    default=None,
    help="Step Gs of one shape as one (torch.func); if unset, small ones on a GPU.",
)
@options.feed
@options.memory_budget
@click.option("--allow-mismatch", multiple=True, type=options.MISMATCH)
@options.device
@options.resume
@options.overwrite
def command(target_runs: tuple[tuple[str | None, Path], ...], cuts: str, **chosen: Any) -> None:
    """Train many Gs on one pass of STORE, stop the hopeless, and print the leaderboard.

    \b
    steps = 1000                      # the grid: what all have, then what is varied
    [[grid]]
    architecture = ["bottleneck", "residual"]
    options.width = [64, 128]
    """
    from atdt.experiments.sweep import Sweep, sweep

    path = sweep(
        Sweep(
            target_runs={name or "": run for name, run in target_runs},
            cuts=_shares(cuts),
            **chosen,
        ),
        say=lambda line: click.echo(line, err=True),
        show=tables.show,
    )
    click.echo(path)


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(
            f"{text!r}: write shares, such as 0.25,0.5", param_hint="--cuts"
        ) from None
