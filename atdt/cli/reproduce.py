"""`atdt reproduce`."""

from pathlib import Path

import click

from atdt.cli import options, tables

WIDE = 200  # columns, where the output is no terminal
WITH_RIVALS = ("table1", "table2", "tasks")


@click.command("reproduce")
@click.argument(
    "table",
    type=click.Choice(
        [
            *(f"table{number}" for number in range(1, 7)),
            *(
                "figure3",
                "figure4",
                "supplement",
                "tasks",
                "factors",
                "aux",
                "noise",
                "consistency",
                "looks",
            ),
        ]
    ),
)
@click.option(
    "--pair",
    default="streets",
    show_default=True,
    help="Of domains, such as carla-cityscapes; any name for --a and --b of your own.",
)
@click.option("--a", type=options.PLACE, help="Your domain A: a description, or its folder.")
@click.option("--b", type=options.PLACE, help="Your domain B.")
@click.option(
    "--b-test",
    metavar="SPEC",
    help="PATH[:SPLIT] of a domain to test on in B's stead, such as KITTI 2012 for 2015.",
)
@click.option("--from", "source", metavar="T1", help="Task 1, of `tasks` and of the studies.")
@click.option("--to", "target", metavar="T2", help="Task 2, such as normals or edges.")
@click.option(
    "--preset",
    default="streets",
    show_default=True,
    help="smoke, demo, full, streets, streets-exact, paper, or a .toml file.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Another value of the preset's; may be repeated.",
)
@click.option(
    "--seed",
    "seeds",
    type=click.IntRange(min=0),
    multiple=True,
    default=(0, 1, 2),
    show_default=True,
    help="Of the encoders; may be repeated.",
)
@click.option(
    "--transfer-seed",
    "transfer_seeds",
    type=click.IntRange(min=0),
    multiple=True,
    default=(0,),
    show_default=True,
    help="Of G; may be repeated.",
)
@click.option("--no-rivals", is_flag=True, help="Leave out the rivals that cost a training each.")
@click.option(
    "--students", is_flag=True, help="Also one network for B taught by each; tables 1, 2 and tasks."
)
@options.label_transfer
@options.sweep_grid
@click.option(
    "--perfect-look",
    is_flag=True,
    help="Also B rendered in A's look, as no CycleGAN could do better; tables 3 and 4.",
)
@click.option(
    "--foundation",
    type=options.LocalPath("a network's own weights are read from a disk"),
    metavar="WEIGHTS",
    help="Also a decoder on this frozen vision transformer (a file of timm's or its authors').",
)
@click.option(
    "--foundation-model",
    default="vit_small_patch14_dinov2",
    show_default=True,
    metavar="NAME",
    help="Which of timm's it is.",
)
@click.option(
    "--curve",
    default="10,30,100,300",
    show_default=True,
    help="Labelled images of B that oracles learn from; empty for none.",
)
@options.root
def command(
    table: str,
    pair: str,
    a: Path | None,
    b: Path | None,
    b_test: str | None,
    source: str | None,
    target: str | None,
    preset: str,
    overrides: tuple[str, ...],
    seeds: tuple[int, ...],
    transfer_seeds: tuple[int, ...],
    no_rivals: bool,
    students: bool,
    label_transfer: bool,
    sweep: Path | None,
    perfect_look: bool,
    foundation: Path | None,
    foundation_model: str,
    curve: str,
    root: Path,
) -> None:
    """Train, transfer and measure what TABLE of the paper needs, and print it.

    Table 1 is from depth to semantics, table 2 from semantics to depth; tables 3 and 4 add a
    CycleGAN to them; table 5 shares N1 or not, table 6 changes the norm, figure 4 the level; figure
    3 is pictures; `supplement` leaves G out; `tasks` takes any pair of tasks. Not of the paper are
    `factors`, `aux`, `noise`, `consistency` and `looks`, which cross options with methods. What is
    there already is used again. With the paper's data the published numbers and the
    differences stand beside.
    """
    from atdt.experiments.reproduce import reproduce
    from atdt.experiments.reproduction import ADAPTED, Reproduction

    if (source is None) != (target is None):
        raise click.UsageError("--from and --to belong together")
    for option, asked, rows in (
        ("--foundation", foundation, "rivals"),
        ("--students", students, "students"),
        ("--label-transfer", label_transfer, "such row"),
        ("--sweep", sweep, "such rows"),
    ):
        if asked and table not in WITH_RIVALS:
            raise click.UsageError(f"{option}: {table} has no {rows}; tables 1, 2 and tasks do")
    if perfect_look and table not in ADAPTED:
        raise click.UsageError(f"--perfect-look: {table} adapts no pixels; tables 3 and 4 do")
    made = reproduce(
        Reproduction(
            table,
            pair,
            preset,
            _options(overrides),
            a,
            b,
            b_test,
            root,
            seeds,
            transfer_seeds,
            rivals=not no_rivals,
            students=students,
            label_transfer=label_transfer,
            sweep=sweep,
            perfect_look=perfect_look,
            foundation=foundation,
            foundation_model=foundation_model,
            curve=_counts(curve),
            tasks=None if source is None or target is None else (source, target),
        )
    )
    for shown in made.tables:
        tables.show(shown, WIDE)
    click.echo(made.report)


def _options(texts: tuple[str, ...]) -> dict[str, str]:
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not OPTION=VALUE", param_hint="--set")
        options[name.strip()] = value.strip()
    return options


def _counts(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isascii() and word.isdecimal() and int(word) for word in words):
        raise click.BadParameter(f"{text!r} is not numbers such as 10,30", param_hint="--curve")
    return tuple(sorted({int(word) for word in words}))
