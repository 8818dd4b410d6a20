"""`atdt distill`: students of predictions, round after round."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from atdt.decode import Prediction, predict
from atdt.domains import open_domain
from atdt.domains.sharing import Origin
from atdt.errors import MismatchError, RunError
from atdt.experiments.distill.config import Distillation
from atdt.experiments.distill.trusted import check_witnesses, refuse_untrusted, says, trusted
from atdt.files import names_in, remove_tree
from atdt.hold import exclusive, is_of_writers
from atdt.predictions import INDEX, LOGITS, Predictions, is_predictions, open_predictions
from atdt.runs import INFO
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.training import TaskTraining, Teaching, train_task
from atdt.training.material import open_material

KINDS = ("round", "labels", "predicted")  # of one round, the last to come first
OURS = re.compile(rf"({'|'.join(KINDS)})(\d+)")


def distill(config: Distillation) -> Path:
    """Teach a task network on A's labels and on images of B under predictions.

        OUT/round1      the run of the first student
        OUT/predicted2  its predictions of B
        OUT/labels1 …   predictions with their confidence, where that is asked for
        OUT/round2 …
        OUT-beside/…    the same for the student beside it, where one is asked for

    No label of the task on B is read: predictions take their place, and neither `student.train` nor
    `student.validation` may be of B. Every part is a run or predictions like any others, and is
    gone on with or refused as these are.

    Returns:
        the run of the last round.

    Raises:
        UserError: an option, a folder of predictions, a domain, or what is in `config.out` already.
        NumericsError: see `train_task`.
    """
    config.check()
    both = config.both
    students = [_student(each) for each in both]
    with ExitStack() as held:
        for each in both:
            held.enter_context(exclusive(each.out))
        there = [entry for each in both for entry in _there(each)]
        if config.overwrite:
            for entry in there:
                remove_tree(entry)
        runs = [_learn(*each) for each in zip(both, students, strict=True)]
    return runs[0]


def _student(config: Distillation) -> TaskTraining:
    """How the student learns, once nothing of what was asked for is to be refused."""
    opened = [open_predictions(folder) for folder in config.predictions]
    task = get_task(opened[0].task)
    if config.student.task != task.name:
        raise MismatchError(
            f"{opened[0].folder / INDEX}: holds predictions of {task.name!r}, but the student "
            f"learns {config.student.task!r}"
        )
    check_witnesses(opened[0], opened[1:])
    _refuse_labels_of_b(config, task)
    teaching = _teaching(config, opened, task)
    student = replace(config.student, teaching=None if teaching.is_plain else teaching)
    _try_out(config, student)
    return student


def _learn(config: Distillation, student: TaskTraining) -> Path:
    """All rounds; the run of the last one."""
    run, teaching = config.out, student.teaching
    for number in range(1, config.rounds + 1):
        labels = config.predictions[0] if number == 1 else _predicted(config, run, number)
        if teaching is not None and teaching.needs_confidence:
            labels = trusted(labels, config.predictions[1:], config.out / f"labels{number}")
            refuse_untrusted(labels, teaching.trust)
        run = train_task(
            replace(
                student,
                out=config.out / f"round{number}",
                pseudo_labels=((config.b, labels),),
                resume=True,
                overwrite=False,
            )
        )
    return run


def _predicted(config: Distillation, run: Path, number: int) -> Path:
    """What the student before says of B."""
    student = config.student
    teaching = student.teaching
    return predict(
        Prediction(
            run=run,
            domain=config.b,
            out=config.out / f"predicted{number}",
            resize=student.resize,
            batch=student.batch,
            device=student.device,
            precision=student.precision,
            save_logits=teaching is not None and teaching.needs_confidence,
            skip_bad=student.skip_bad,
            allow_import=student.allow_import,
            resume=True,
        )
    )


def _teaching(config: Distillation, opened: Sequence[Predictions], task: Task) -> Teaching:
    """How the student is taught, once it is known whether anything tells how sure predictions are.

    Raises:
        RunError: it is asked for, and nothing does.
    """
    teaching = config.student.teaching or Teaching()
    teaching.check()
    first, *others = opened
    if not teaching.needs_confidence and not others:
        return teaching
    if not teaching.needs_confidence:
        raise RunError("--trust all: has no use for a second folder, which tells what to trust")
    if others and task.agreement(*[first.read(first.images[0], task)] * 2) is None:
        raise RunError(f"several predictions of {task.name} cannot be compared: give one folder")
    if others and config.rounds > 1:
        seen = first.view.get("resize")
        if (seen and tuple(seen)) != config.student.resize:
            raise RunError(
                f"{first.folder / INDEX}: images were resized to {seen}, but the student's later "
                f"rounds would compare predictions at {config.student.resize or 'their own size'}: "
                "give the same --resize"
            )
    if others or (says(task) and first.has(LOGITS)):
        return teaching
    if says(task):
        raise RunError(
            f"{first.folder / INDEX}: has no logits, which tell how sure it is; predict again with "
            "--save-logits, or give --trust all"
        )
    if teaching.trust == "confidence":
        return replace(teaching, trust="all")
    raise RunError(
        f"--trust {teaching.trust}: a prediction of {task.name} does not tell how sure it is; give "
        "a second folder to compare it with, or --trust all"
    )


def _refuse_labels_of_b(config: Distillation, task: Task) -> None:
    """Prove that no domain whose labels of the task are read has images of B.

    Raises:
        RunError: one has; names the option and the spec.
    """
    student = config.student
    b = open_domain(config.b, skip_bad=student.skip_bad)
    origin = Origin.of(b)
    read = {"--train": student.train, "--validation": student.validation}
    for auxiliary in student.auxiliaries:
        if get_task(auxiliary.task).label == task.label:
            read["--auxiliary-train"] = auxiliary.train
    for option, specs in read.items():
        for spec in specs:
            other = open_domain(spec, skip_bad=student.skip_bad)
            if Origin.of(other).shares(origin):
                raise RunError(
                    f"{option} {spec}: is of {b.name}, whose labels of {task.name} may neither "
                    "teach nor choose here; `atdt train-task --pseudo` learns from both"
                )


def _try_out(config: Distillation, student: TaskTraining) -> None:
    """Find mistakes in the training before anything is written for it."""
    teaching = student.teaching and replace(student.teaching, trust="all")
    labels = ((config.b, config.predictions[0]),)
    trial = replace(student, pseudo_labels=labels, teaching=teaching)
    trial.check()
    open_material(trial)


def _there(config: Distillation) -> list[Path]:
    """What `config.out` holds, the last to come first, so that what a kill leaves behind while it
    is removed can be gone on with.

    Raises:
        RunError: it holds what is not to be replaced or gone on with.
    """
    there = []
    for name in names_in(config.out):
        if is_of_writers(name):
            continue
        entry, named = config.out / name, OURS.fullmatch(name)
        if not named or not (is_predictions(entry) or (entry / INFO).is_file() or _is_empty(entry)):
            raise RunError(f"{config.out}: holds other files ({name}); choose another --out")
        there.append((-int(named[2]), KINDS.index(named[1]), entry))
    if there and not (config.resume or config.overwrite):
        raise RunError(
            f"{config.out}: holds rounds of a student; --resume goes on with them, --overwrite "
            "replaces them"
        )
    return [entry for *_, entry in sorted(there)]


def _is_empty(folder: Path) -> bool:
    """Whether a killed process wrote nothing whole there."""
    return folder.is_dir() and all(map(is_of_writers, names_in(folder)))
