"""`atdt train-task`: a network for one task, from labelled domains."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options


def spec_and_folder(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, Path], ...]:
    """`SPEC=PREDICTIONS` as pairs; the last = divides, since a path may hold one."""
    pairs = [value.rpartition("=") for value in values]
    for (spec, _, folder), value in zip(pairs, values, strict=True):
        if not spec or not folder:
            raise click.BadParameter(f"{value!r}: write SPEC=PREDICTIONS", ctx, param)
    return tuple((spec, Path(folder)) for spec, _, folder in pairs)


@click.command("train-task")
@click.option("--task", required=True, help="semantic, depth, normals, edges …")
@click.option(
    "--train",
    multiple=True,
    metavar="SPEC",
    help="Domain to learn from, PATH[:SPLIT][@N]; repeat it for several.",
)
@click.option(
    "--validation",
    multiple=True,
    metavar="SPEC",
    help="Domain that chooses the best weights; without any, the last are kept.",
)
@click.option(
    "--pseudo",
    "pseudo_labels",
    multiple=True,
    callback=spec_and_folder,
    metavar="SPEC=PREDICTIONS",
    help="Domain to learn from under predictions, a folder made by `predict` or `decode`.",
)
@click.option("--network", default="tiny", show_default=True, help="Name, or package.module:build.")
@click.option(
    "--network-option",
    "network_options",
    multiple=True,
    type=options.KEY_VALUE,
    help="Option of the network, such as norm=batch; repeatable.",
)
@click.option("--out", type=options.PATH, required=True, help="Folder of the run.")
@click.option("--steps", type=int, required=True)
@click.option("--batch", type=int, default=8, show_default=True)
@click.option("--learning-rate", type=float, default=1e-4, show_default=True)
@click.option("--crop", type=options.SIZE, help="Random crop, after --resize.")
@click.option("--resize", type=options.SIZE, help="Of the whole image; for validation too.")
@click.option(
    "--photometric",
    type=click.Choice(["none", "paper", "strong"]),
    default="paper",
    show_default=True,
)
@click.option("--flip", is_flag=True, help="Mirror half of the draws.")
@click.option("--balance", is_flag=True, help="Draw equally often from each domain.")
@click.option("--validate-every", type=int, default=500, show_default=True, metavar="STEPS")
@click.option("--checkpoint-every", type=int, default=500, show_default=True, metavar="STEPS")
@click.option("--auxiliary-task", help="A second task on the same encoder.")
@click.option("--auxiliary-train", multiple=True, metavar="SPEC", help="Its domains; repeatable.")
@click.option("--auxiliary-weight", type=float, default=1.0, show_default=True)
@click.option(
    "--consistency",
    type=options.PATH,
    metavar="RUN",
    help="A cross-task network: another task, read off the predictions, must be as labelled.",
)
@click.option(
    "--consistency-train", multiple=True, metavar="SPEC", help="Domains so labelled; repeatable."
)
@click.option("--consistency-weight", type=float, help="Of that loss; try 0.01.")
@click.option("--init-from", type=options.PATH, help="Run whose encoder is started from.")
@click.option("--channels-last/--no-channels-last", default=True, show_default=True)
@options.seed
@options.device
@options.precision
@options.skip_bad
@options.resume
@options.overwrite
@options.allow_network
def command(
    network: str,
    network_options: tuple[tuple[str, Any], ...],
    auxiliary_task: str | None,
    auxiliary_train: tuple[str, ...],
    auxiliary_weight: float,
    consistency: Path | None,
    consistency_train: tuple[str, ...],
    consistency_weight: float | None,
    **chosen: Any,
) -> None:
    """Train a network for one task on one or several labelled domains.

    N1 learns task 1 on A and B, N2 task 2 on A, the oracle task 2 on A and B. Prints the best
    validation score and the folder of the run.
    """
    from atdt.networks import NetworkSpec
    from atdt.runs import open_run
    from atdt.training import Auxiliary, ConsistencyTraining, TaskTraining, train_task

    if auxiliary_train and auxiliary_task is None:
        raise click.UsageError("--auxiliary-train needs --auxiliary-task")
    agreeing = consistency, consistency_train or None, consistency_weight
    if None in agreeing and any(given is not None for given in agreeing):
        raise click.UsageError(
            "--consistency RUN, --consistency-train SPEC and --consistency-weight W belong together"
        )
    config = TaskTraining(
        network=NetworkSpec(network, dict(network_options)),
        auxiliary=None
        if auxiliary_task is None
        else Auxiliary(auxiliary_task, auxiliary_train, auxiliary_weight),
        consistency=None if None in agreeing else ConsistencyTraining(*agreeing),
        **chosen,
    )
    path = train_task(config)
    info = open_run(path).info
    taught = {d["name"] for d in info["domains"]["train"] if d["pseudo_labels"] is None}
    for domain in info["domains"]["validation"]:
        if domain["name"] not in taught:
            click.echo(
                f"note: labels of {domain['spec']} chose the weights, but {domain['name']} was "
                "not trained on: no baseline of a transfer to it",
                err=True,
            )
    for name, score in info["scores"].items():
        click.echo(f"best validation {name} {score:.4f}, after {info['chosen']['step']} steps")
    if not info["scores"]:
        click.echo("no --validation domain: the last weights were kept")
    click.echo(path)
