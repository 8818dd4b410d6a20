"""`atdt train-task`: a network for one task, from labelled domains."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atdt.cli import options, outputs
from atdt.launch import launch

if TYPE_CHECKING:
    from atdt.training import TaskTraining


def spec_and_folder(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, Path], ...]:
    """`SPEC=PREDICTIONS` as pairs; the last = divides, since a path may hold one."""
    pairs = [value.rpartition("=") for value in values]
    for (spec, _, folder), value in zip(pairs, values, strict=True):
        if not spec or not folder:
            raise click.BadParameter(f"{value!r}: write SPEC=PREDICTIONS", ctx, param)
    return tuple((spec, options.PLACE.convert(folder, param, ctx)) for spec, _, folder in pairs)


def word_or_number(ctx: click.Context, param: click.Parameter, value: str) -> str | float:
    """A number where it is one."""
    try:
        return float(value)
    except ValueError:
        return value


def by_task(option: str, values: tuple[str, ...], tasks: tuple[str, ...]) -> list[tuple[str, str]]:
    """`[TASK=]VALUE` as pairs; the task may be left out where there is one."""
    pairs = []
    for text in values:
        task, equals, value = text.partition("=")
        if not equals or task not in tasks:  # a path may hold an equals sign
            if len(tasks) != 1:
                needs = (
                    f"write TASK=…, of {', '.join(tasks)}" if tasks else "needs --auxiliary TASK"
                )
                raise click.UsageError(f"{option} {text}: {needs}")
            task, value = tasks[0], text
        pairs.append((task, value))
    return pairs


def number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"{option} {text}: is not a number") from None


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
@click.option(
    "--trust",
    default="all",
    show_default=True,
    callback=word_or_number,
    metavar="all|confidence|NUMBER",
    help="Pixels of predictions: all the same, weighed by confidence, or those of at least NUMBER.",
)
@click.option(
    "--mean-teacher",
    "teacher_decay",
    type=float,
    metavar="DECAY",
    help="Predictions are made anew by a moving average of the weights, such as 0.99.",
)
@click.option(
    "--mean-teacher-from",
    "teacher_from",
    type=float,
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="After this share of the steps.",
)
@click.option(
    "--copy-paste",
    "paste",
    type=click.Choice(["classes", "depth"]),
    help="Paste classes of one image with predictions onto another; depth: the nearer in front.",
)
@click.option("--network", default="tiny", show_default=True, help="Name, or package.module:build.")
@click.option(
    "--network-option",
    "network_options",
    multiple=True,
    type=options.KEY_VALUE,
    help="Option of the network, such as norm=batch; repeatable.",
)
@click.option("--out", type=options.PLACE, required=True, help="Folder of the run.")
@click.option("--steps", type=int, required=True)
@click.option(
    "--batch", type=int, default=8, show_default=True, help="Images a step, of all ranks together."
)
@click.option("--learning-rate", type=float, default=1e-4, show_default=True)
@click.option("--crop", type=options.SIZE, help="Random crop, after --resize.")
@click.option("--resize", type=options.SIZE, help="Of the whole image; for validation too.")
@click.option(
    "--photometric",
    type=options.PHOTOMETRIC,
    default="paper",
    show_default=True,
)
@options.stretch
@click.option("--flip", is_flag=True, help="Mirror half of the draws.")
@click.option("--balance", is_flag=True, help="Draw equally often from each domain.")
@click.option("--validate-every", type=int, default=500, show_default=True, metavar="STEPS")
@options.checkpoint_every
@click.option(
    "--auxiliary",
    "--auxiliary-task",
    "auxiliary_tasks",
    multiple=True,
    metavar="TASK",
    help="A further task on the same encoder, such as edges; repeatable.",
)
@click.option(
    "--auxiliary-train",
    multiple=True,
    metavar="[TASK=]SPEC",
    help="Its domains; repeatable. Name the task where there are several, here and below.",
)
@click.option("--auxiliary-weight", multiple=True, metavar="[TASK=]W", help="1 if unset.")
@click.option(
    "--auxiliary-decoder",
    multiple=True,
    metavar="[TASK=]RUN",
    help="Take its decoder from a run that kept it, and freeze it.",
)
@click.option(
    "--fine-tune-auxiliary-decoder",
    "fine_tune",
    is_flag=True,
    help="Let decoders that were taken learn on.",
)
@click.option(
    "--keep-auxiliary-decoder",
    "keep_auxiliary",
    is_flag=True,
    help="Keep their decoders in the run, for --auxiliary-decoder of another.",
)
@click.option(
    "--norm-discrepancy",
    type=float,
    metavar="W",
    help="Weight of how far lengths of features differ between two domains.",
)
@click.option(
    "--norm-discrepancy-between",
    multiple=True,
    metavar="SPEC",
    help="One of the two, if not those of --train; twice. No label is read.",
)
@click.option(
    "--consistency",
    type=options.PLACE,
    metavar="RUN",
    help="A cross-task network: another task, read off the predictions, must be as labelled.",
)
@click.option(
    "--consistency-train", multiple=True, metavar="SPEC", help="Domains so labelled; repeatable."
)
@click.option("--consistency-weight", type=float, help="Of that loss; try 0.01.")
@click.option("--init-from", type=options.PLACE, help="Run whose encoder is started from.")
@click.option("--channels-last/--no-channels-last", default=True, show_default=True)
@options.seed
@options.device
@options.precision
@options.skip_bad
@options.resume
@options.overwrite
@options.allow_network
def command(**chosen: Any) -> None:
    """Train a network for one task on one or several labelled domains.

    N1 learns task 1 on A and B, N2 task 2 on A, the oracle task 2 on A and B. Prints the best
    validation score and the folder of the run.
    """
    from atdt.runs import open_run
    from atdt.training import train_task

    path = train_task(training(**chosen), say=outputs.echo_aside)
    if not launch().is_first:
        return
    info = open_run(path).info
    taught = {d["name"] for d in info["domains"]["train"] if d["pseudo_labels"] is None}
    for domain in info["domains"]["validation"]:
        if domain["name"] not in taught:
            click.echo(
                f"note: labels of {domain['spec']} chose the weights, but {domain['name']} was "
                "not trained on: no baseline of a transfer to it",
                err=True,
            )
    echo_chosen(info)
    click.echo(path)


def training(
    *,
    network: str,
    network_options: tuple[tuple[str, Any], ...],
    auxiliary_tasks: tuple[str, ...],
    auxiliary_train: tuple[str, ...],
    auxiliary_weight: tuple[str, ...],
    auxiliary_decoder: tuple[str, ...],
    fine_tune: bool,
    norm_discrepancy: float | None,
    norm_discrepancy_between: tuple[str, ...],
    consistency: Path | None,
    consistency_train: tuple[str, ...],
    consistency_weight: float | None,
    trust: str | float,
    teacher_decay: float | None,
    teacher_from: float,
    paste: str | None,
    **chosen: Any,
) -> "TaskTraining":
    """What the options above ask for."""
    from atdt.networks import NetworkSpec
    from atdt.training import (
        Auxiliary,
        ConsistencyTraining,
        NormDiscrepancy,
        TaskTraining,
        Teaching,
    )

    agreeing = consistency, consistency_train or None, consistency_weight
    if None in agreeing and any(given is not None for given in agreeing):
        raise click.UsageError(
            "--consistency RUN, --consistency-train SPEC and --consistency-weight W belong together"
        )
    if norm_discrepancy_between and norm_discrepancy is None:
        raise click.UsageError("--norm-discrepancy-between needs --norm-discrepancy")
    if fine_tune and not auxiliary_decoder:
        raise click.UsageError("--fine-tune-auxiliary-decoder needs --auxiliary-decoder RUN")
    specs = by_task("--auxiliary-train", auxiliary_train, auxiliary_tasks)
    weights = dict(by_task("--auxiliary-weight", auxiliary_weight, auxiliary_tasks))
    decoders = dict(by_task("--auxiliary-decoder", auxiliary_decoder, auxiliary_tasks))
    auxiliaries = tuple(
        Auxiliary(
            task,
            tuple(spec for name, spec in specs if name == task),
            number("--auxiliary-weight", weights.get(task, "1")),
            options.PLACE.convert(decoders[task], None, None) if task in decoders else None,
            fine_tune=fine_tune and task in decoders,
        )
        for task in auxiliary_tasks
    )
    teaching = Teaching(trust, teacher_decay, teacher_from, paste)
    return TaskTraining(
        network=NetworkSpec(network, dict(network_options)),
        auxiliary=auxiliaries,
        norm_discrepancy=None
        if norm_discrepancy is None
        else NormDiscrepancy(norm_discrepancy, norm_discrepancy_between),
        consistency=None if None in agreeing else ConsistencyTraining(*agreeing),
        teaching=None if teaching.is_plain else teaching,
        **chosen,
    )


def echo_chosen(info: dict[str, Any]) -> None:
    """Say which weights a finished run has."""
    for name, score in info["scores"].items():
        click.echo(f"best validation {name} {score:.4f}, after {info['chosen']['step']} steps")
    if not info["scores"]:
        click.echo("no --validation domain: the last weights were kept")
