"""Rows of students: one plain network for B, taught by AT/DT, the baseline, or both merged."""

from dataclasses import replace
from pathlib import Path

from atdt.errors import UserError
from atdt.experiments.direction import ATDT, SELF, self_trained
from atdt.experiments.distill import Distillation, distill
from atdt.experiments.distill.trusted import says
from atdt.experiments.preset import Preset
from atdt.experiments.road import Road
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.steps import Steps
from atdt.merge import Merging, merge
from atdt.tasks import get_task

MERGED = "merged"
STUDENT, STUDENT_MERGED, STUDENT_BASELINE = "student", "student-merged", "student-baseline"


def students(direction: Direction, preset: Preset, steps: Steps, outcome: Outcome) -> None:
    """Merge, distil and measure; the rows are added to `outcome`.

    All students, and rival (v), are told the same: steps, schedule, A's validation. Under plain
    teaching the student of the baseline *is* rival (v), which then has no second row. Where pixels
    count by confidence and an output of T2 has none of its own, as depth has not, each teacher is
    trusted as far as the others agree: the baseline's student, too, knows what AT/DT says.
    """
    road = Road(direction, preset, steps, outcome)
    t2 = direction.target
    _check_merger(preset, t2)
    n1, n2 = outcome.runs["n1"], outcome.runs["n2"]

    def parts(domain: str, on: str, seed: int) -> tuple[Path, Path]:
        """Predictions of AT/DT and of the baseline."""
        g = outcome.runs[f"g{seed}"]
        own = road.decode_only(g, n1, n2, domain, f"{ATDT}{seed}-{on}", save_logits=True)
        return own, road.predict_only(n2, domain, f"baseline-{on}", save_logits=True)

    def teachers(split: str, seed: int) -> tuple[Path, Path, Path]:
        """These on B, and both merged."""
        made = parts(t2.domain("b", split), f"on-b-{split}-logits", seed)
        a, on_a = None, ()
        if preset.merge == "softmax":
            a = t2.domain("a", "train")
        if preset.merge == "learnt":
            (a,) = t2.validation("a")
            on_a = parts(a, "on-a-val-logits", seed)
        return *made, _merged(road, made, f"{MERGED}{seed}-on-b-{split}", on_a, a)

    for seed in direction.transfer_seeds:
        *_, merged = teachers("test", seed)
        measured = road.measure(merged, t2.domain("b", "test"), f"{MERGED}{seed}")
        outcome.rows.setdefault(MERGED, []).append(measured)
        own, said, merged = teachers("train", seed)
        for row, folders in ((STUDENT, (own, said)), (STUDENT_MERGED, (merged, own, said))):
            run = _taught(road, f"{row}{seed}", folders)
            outcome.rows.setdefault(row, []).append(road.predict(run, t2, "b", f"{row}{seed}"))
    if not preset.student.teaching.is_plain or preset.student.rounds > 1:
        run = _taught(road, STUDENT_BASELINE, (said, own))
        outcome.rows[STUDENT_BASELINE] = [road.predict(run, t2, "b", STUDENT_BASELINE)]
    elif SELF not in outcome.rows:
        outcome.rows[SELF] = [road.predict(self_trained(road), t2, "b", SELF)]


def _check_merger(preset: Preset, t2: Side) -> None:
    """Refuse, before anything is trained, what cannot be merged so.

    Raises:
        UserError: naming the option.
    """
    if preset.merge == "softmax" and t2.task != "semantic":
        raise UserError(f"merge = softmax: is for classes, not for {t2.task}")
    if preset.merge == "learnt" and not t2.validation("a"):
        raise UserError("merge = learnt: domain A has no split 'val' to learn on")


def _merged(
    road: Road, parts: tuple[Path, Path], name: str, on_a: tuple[Path, ...], a: str | None
) -> Path:
    """AT/DT's predictions and the baseline's as one."""
    out = parts[0].parent / name
    if road.preset.merge == "softmax":
        parts = parts[::-1]  # as in D4, where what is not transferred has the rare classes
    config = Merging(predictions=parts, out=out, by=road.preset.merge, learn_from=on_a, a=a)
    return road.steps.do(f"merge {name}", merge, config, *parts, *on_a, out=out)


def _taught(road: Road, name: str, teachers: tuple[Path, ...]) -> Path:
    """The student of a predictions folder of B's train split; the others tell what to trust in it,
    where it does not itself."""
    t2, student = road.direction.target, road.preset.student
    asks = student.teaching.needs_confidence and not says(get_task(t2.task))
    predictions = teachers if asks else teachers[:1]
    training = road.training(
        name,
        t2.task,
        (t2.domain("a", "train"),),
        t2.validation("a"),
        without_source=name == STUDENT_BASELINE and not asks,
    )
    config = Distillation(
        student=replace(training, teaching=student.teaching),
        b=t2.domain("b", "train"),
        predictions=predictions,
        out=training.out,
        rounds=student.rounds,
    )
    run = road.steps.do(
        f"distil {teachers[0].name} into one network",
        distill,
        config,
        road.direction.data,
        *predictions,
        out=config.out,
    )
    road.outcome.runs[name] = run
    return run
