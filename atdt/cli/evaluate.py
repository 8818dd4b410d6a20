"""`atdt evaluate`: predictions against labels."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options, tables


class FocalRatio(click.ParamType):
    """`auto`, `none` or a factor."""

    name = "auto|none|FLOAT"

    def convert(self, value: Any, param: Any, ctx: Any) -> str | float | None:
        if value in ("auto", "none"):
            return value
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r}: write auto, none, or a number above 0", param, ctx)


@click.command("evaluate")
@click.argument("predictions", type=options.PLACE)
@click.option("--domain", required=True, metavar="SPEC", help="PATH[:SPLIT][@N], with labels.")
@click.option(
    "--focal-ratio",
    type=FocalRatio(),
    default="auto",
    show_default=True,
    help="Of depth: focal length of this domain's camera over the training domain's.",
)
@click.option(
    "--block",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Consecutive images that are resampled together: more than 1 for video.",
)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Resamples for intervals; 0 for none.",
)
@options.seed
@click.option("--baseline", type=options.PLACE, help="Predictions of the baseline, for gap closed.")
@click.option("--oracle", type=options.PLACE, help="Predictions of the oracle, for gap closed.")
@click.option(
    "--by-class",
    is_flag=True,
    help="Also the pixels of each class apart, by the domain's semantic labels.",
)
@click.option(
    "--known-only",
    is_flag=True,
    help="Of depth: leave out pixels without a prediction (0), as of ground-depth or proxy-depth.",
)
@click.option("--out", type=options.PLACE, help="PREDICTIONS/metrics.json when not given.")
@options.skip_bad
def command(
    predictions: Path,
    domain: str,
    focal_ratio: str | float,
    block: int,
    bootstrap: int,
    seed: int,
    baseline: Path | None,
    oracle: Path | None,
    by_class: bool,
    known_only: bool,
    out: Path | None,
    skip_bad: bool,
) -> None:
    """Measure PREDICTIONS against the labels of their domain.

    Prints the figures with 95 % intervals and writes them to metrics.json, with the statistics of
    every image beside it. With --baseline and --oracle it says how much of the gap between the two
    is closed; with --by-class also on what: the road, the houses, the trees.
    """
    from atdt.evaluate import Evaluation, evaluate
    from atdt.evaluate.class_table import class_table
    from atdt.evaluate.records import load_measured
    from atdt.evaluate.table import Entry, figures_by_method

    path = evaluate(
        Evaluation(
            predictions=predictions,
            domain=domain,
            out=out,
            focal_ratio=None if focal_ratio == "none" else focal_ratio,
            block=block,
            bootstrap=bootstrap,
            seed=seed,
            baseline=baseline,
            oracle=oracle,
            skip_bad=skip_bad,
            by_class=by_class,
            known_only=known_only,
        )
    )
    info = load_measured(path).info
    entries = [Entry(predictions.resolve().name, info)]
    if baseline is not None and oracle is not None:
        for name in ("baseline", "oracle"):
            other = info["gap_closed"][name]
            # Their figures on the resamples of this evaluation, not of one that was made before.
            figures = load_measured(other["path"]).info | other | {"gap_closed": None}
            entries.append(Entry(name, figures))
    tables.show(figures_by_method(entries), wide=120, least=60)
    if by_class:
        tables.show(class_table(info, entries[0].label), wide=120, least=60)
    for note in info["notes"]:
        click.echo(note)
    click.echo(_interval_note(info["bootstrap"]))
    click.echo(path)


def _interval_note(bootstrap: dict[str, Any]) -> str:
    if not bootstrap["replicates"]:
        return "no intervals"
    return (
        f"[low, high]: {bootstrap['level']:.0%} intervals, "
        f"{bootstrap['replicates']} resamples of {bootstrap['unit']}"
    )
