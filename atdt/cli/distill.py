"""`atdt distill`: one plain network for B."""

from pathlib import Path
from typing import Any

import click

from atdt.cli import options
from atdt.cli.train_task import command as train_task
from atdt.cli.train_task import echo_chosen, training, word_or_number

HERE = ("task", "pseudo_labels", "trust", "out", "resume", "overwrite")  # not as in train-task


@click.command("distill")
@click.argument("predictions", nargs=-1, required=True, type=options.PLACE, metavar="FOLDER…")
@click.option("--b", required=True, metavar="SPEC", help="The images of B that were predicted.")
@click.option("--out", type=options.PLACE, required=True, help="Each round has a run in it.")
@click.option("--rounds", type=int, default=1, show_default=True, help="Students, one by one.")
@click.option(
    "--trust",
    default="confidence",
    show_default=True,
    callback=word_or_number,
    metavar="all|confidence|NUMBER",
    help="Pixels of predictions: all the same, weighed by confidence, or those of at least NUMBER.",
)
@click.option(
    "--beside",
    type=options.PLACE,
    metavar="FOLDER",
    help="The baseline's predictions of B: teach a second student, told the same, in OUT-beside.",
)
@options.resume
@options.overwrite
def command(
    predictions: tuple[Path, ...],
    b: str,
    out: Path,
    rounds: int,
    trust: str | float,
    beside: Path | None,
    resume: bool,
    overwrite: bool,
    **chosen: Any,
) -> None:
    """Train one network on A's labels (--train) and on B under the predictions of FOLDER.

    Its task is that of the predictions, made by `decode`, `predict` or `merge` with --save-logits.
    Further folders do not label; where they agree with the first, it is trusted more. No label of
    the task on B is read. Prints the run of the last round.

    --beside is what one does without AT/DT: what the first student gains over that one is AT/DT's.
    """
    from atdt.experiments.distill import Distillation, distill
    from atdt.predictions import open_predictions
    from atdt.runs import open_run

    teacher = open_predictions(predictions[0])
    task = teacher.task
    student = training(task=task, out=out, trust=trust, **chosen)
    config = Distillation(
        student=student,
        b=b,
        predictions=predictions,
        out=out,
        rounds=rounds,
        resume=resume,
        overwrite=overwrite,
        beside=beside,
    )
    path = distill(config)
    info = open_run(path).info
    learnt = info["config"].get("teaching")
    if trust == "confidence" and (learnt is None or learnt["trust"] == "all"):
        click.echo(
            f"note: one prediction of {task} does not tell how sure it is: all pixels count the "
            "same (a second FOLDER would tell)",
            err=True,
        )
    if beside is None and teacher.method.get("kind") != "network":
        click.echo(
            "note: --beside FOLDER, the baseline's predictions, trains what people do without "
            "AT/DT, to hold this student against",
            err=True,
        )
    echo_chosen(info)
    if config.second is not None:
        last = config.second.out / path.name
        click.echo(f"beside it: {last}, taught by {beside}")
        echo_chosen(open_run(last).info)
    click.echo(path)


command.params += [param for param in train_task.params if param.name not in HERE]
