"""`atdt train`: a transfer network from a feature store."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options
from atdt.launch import launch


@click.command("train")
@click.argument("store", type=options.PLACE, metavar="STORE")
@click.option("--from", "source", required=True, metavar="NAME", help="E1's features in the store.")
@click.option("--to", "target", required=True, metavar="NAME", help="E2's features in the store.")
@click.option("--out", type=options.PLACE, help="Folder of the run.")
@click.option("--level", help="Where both encoders are cut; the deepest that is stored if unset.")
@click.option("--source-level", help="Where E1 is cut, if elsewhere.")
@click.option("--target-level", help="Where E2 is cut, if elsewhere.")
@click.option(
    "--architecture",
    default="bottleneck",
    show_default=True,
    help="See --list; `head` learns the task itself on E1's features, without E2.",
)
@click.option("--width", type=int, help="The same as --option width=N.")
@click.option(
    "--option",
    "architecture_options",
    multiple=True,
    type=options.KEY_VALUE,
    help="Option of the architecture, such as blocks=3; repeatable.",
)
@click.option(
    "--start",
    type=click.Choice(["random", "ridge"]),
    default="random",
    show_default=True,
    help="Weights to start from; ridge, the best linear map, for `linear` and `residual`.",
)
@click.option("--steps", type=int, default=2000, show_default=True)
@click.option(
    "--batch",
    type=int,
    default=16,
    show_default=True,
    help="Samples a step, of all ranks together.",
)
@click.option("--learning-rate", type=float, default=1e-3, show_default=True)
@click.option(
    "--schedule",
    type=click.Choice(["polynomial", "cosine"]),
    default="polynomial",
    show_default=True,
)
@click.option(
    "--loss",
    "losses",
    multiple=True,
    type=options.KEY_VALUE,
    metavar="NAME=WEIGHT",
    help="mse (the paper's, and alone if unset), normalised, huber, cosine, match, match-l1, "
    "match-kl, task; repeatable.",
)
@click.option(
    "--feature-noise",
    type=float,
    default=0.0,
    metavar="SIGMA",
    help="Gaussian noise on E1's features, in units of each channel's standard deviation.",
)
@click.option(
    "--mixup",
    type=float,
    default=0.0,
    metavar="ALPHA",
    help="Mix E1's and E2's features of two samples, by a share from Beta(ALPHA, ALPHA).",
)
@click.option(
    "--target-run", type=options.PLACE, help="N2's run: proves that E2 is its own, and lends D2."
)
@click.option(
    "--allow-mismatch",
    multiple=True,
    type=options.MISMATCH,
    help="Go on although the features are not --target-run's; recorded.",
)
@click.option(
    "--consistency",
    type=options.PLACE,
    metavar="RUN",
    help="Learn on B too: T1, read off the prediction by this cross-task network, must be B's.",
)
@click.option(
    "--b-labels-weight",
    type=float,
    metavar="W",
    help="Learn on B too: T2's own loss by labels of T2 in --b's store, a few true ones or "
    "predictions (extract --pseudo); try 1.",
)
@click.option(
    "--b",
    type=options.PLACE,
    metavar="STORE",
    help="B with E1's features and labels of T1, for --consistency, or of T2.",
)
@click.option(
    "--consistency-weight", type=float, help="Of that loss, beside those of --loss; try 0.01."
)
@options.feed
@options.memory_budget
@options.window
@options.held_out
@click.option(
    "--keep",
    type=click.Choice(["last", "best"]),
    default="last",
    show_default=True,
    help="The last weights, or those of the best held-out loss.",
)
@options.validate_every
@options.checkpoint_every
@options.seed
@options.device
@options.precision
@options.resume
@options.overwrite
@options.allow_network
@click.option("--dry-run", is_flag=True, help="Say what it costs and how it is fed.")
@click.option("--list", "list_all", is_flag=True, help="The architectures and their costs here.")
def command(
    out: Path | None,
    width: int | None,
    architecture_options: tuple[tuple[str, Any], ...],
    losses: tuple[tuple[str, Any], ...],
    consistency: Path | None,
    b: Path | None,
    consistency_weight: float | None,
    b_labels_weight: float | None,
    dry_run: bool,
    list_all: bool,
    **chosen: Any,
) -> None:
    """Train G, which turns E1's features into E2's, from the features in STORE.

    Prints the loss and the explained variance on the held-out images, and the run.
    """
    from atdt.transfer import TransferTraining, list_architectures, plan_training, train

    on_b = _on_b(consistency, b, consistency_weight, b_labels_weight)
    if out is None and not (dry_run or list_all):
        raise click.UsageError("Missing option '--out'.")
    config = TransferTraining(
        out=out or Path(),
        options=({} if width is None else {"width": width}) | dict(architecture_options),
        losses=losses or (("mse", 1.0),),
        **on_b,
        **chosen,
    )
    if (dry_run or list_all) and not launch().is_first:
        return
    if list_all:
        for name, price in list_architectures(config).items():
            click.echo(f"{name:12} {price} a sample")
        if config.target_run is None:
            click.echo("head         as large as G and D2, whose network --target-run names")
        return
    if dry_run:
        for line in plan_training(config).lines:
            click.echo(line)
        return
    path = train(config, say=click.echo)
    if not launch().is_first:
        return
    _echo_scores(path)
    click.echo(path)


def _on_b(
    run: Path | None, b: Path | None, weight: float | None, labels_weight: float | None
) -> dict[str, Any]:
    """What is learnt on B, as keywords."""
    from atdt.transfer import Consistency, LabelsOfB

    if run is None and weight is None and labels_weight is None:
        if b is not None:
            raise click.UsageError(
                "--b STORE: say what to learn there: --consistency RUN and --consistency-weight W, "
                "or --b-labels-weight W"
            )
        return {}
    asked = {"--b": b}
    if run is not None or weight is not None:
        asked |= {"--consistency": run, "--consistency-weight": weight}
    missing = [option for option, given in asked.items() if given is None]
    if missing or b is None:
        together = f"{', '.join(asked)} belong together" if len(asked) > 1 else "where is B?"
        raise click.UsageError(f"{together}; {' and '.join(missing)} is missing")
    agreement = None if run is None or weight is None else Consistency(run, b, weight)
    labels = None if labels_weight is None else LabelsOfB(b, labels_weight)
    return {"consistency": agreement, "labels_of_b": labels}


def _echo_scores(path: Path) -> None:
    from atdt.runs import open_run

    info = open_run(path).info
    if not info["scores"]:
        click.echo("nothing was held out, so nothing was measured")
    for name, value in info["scores"].items():
        click.echo(f"{name.replace('_', ' ')} {value:.4g}")
    by = "best held-out loss" if info["chosen"]["by"] == "held-out loss" else "last step"
    click.echo(f"weights of the {by}, after {info['chosen']['step']} steps")
