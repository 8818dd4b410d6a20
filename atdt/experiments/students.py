"""Rows of students: one plain network for B, taught by AT/DT, the baseline, or a merger."""

from dataclasses import replace
from pathlib import Path

from atdt.errors import UserError
from atdt.experiments.direction import (
    ATDT,
    BASELINE,
    HEAD,
    SELF,
    SHARED,
    THROUGH,
    self_trained,
    two_decoders,
)
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

    def predicted(row: str, domain: str, on: str, seed: int) -> Path:
        """What a row says, with logits."""
        if row in THROUGH:
            name = f"{THROUGH[row]}{seed}"
            decoder = None if row == HEAD else n2
            g = outcome.runs[name]
            return road.decode_only(g, n1, decoder, domain, f"{row}{seed}-{on}", save_logits=True)
        if row == SHARED:
            run = two_decoders(road)
        else:
            run = n2 if row == BASELINE else road.adapt(n2, t2.domain("b", "train"))
        return road.predict_only(run, domain, f"{row}-{on}", save_logits=True)

    def merger(split: str, seed: int) -> tuple[dict[str, Path], Path]:
        """What the parts say of B, and what they say together."""
        on, on_a, a = f"on-b-{split}-logits", (), None
        made = {row: predicted(row, t2.domain("b", split), on, seed) for row in preset.merged}
        if preset.merge == "softmax":
            a = t2.domain("a", "train")
        if preset.merge == "learnt":
            (a,) = t2.validation("a")
            on_a = tuple(predicted(row, a, "on-a-val-logits", seed) for row in preset.merged)
        name = f"{MERGED}{seed}-on-b-{split}"
        return made, _merged(road, tuple(made.values()), name, on_a, a)

    for seed in direction.transfer_seeds:
        _, merged = merger("test", seed)
        measured = road.measure(merged, t2.domain("b", "test"), f"{MERGED}{seed}")
        outcome.rows.setdefault(MERGED, []).append(measured)
        parts, merged = merger("train", seed)
        b, on = t2.domain("b", "train"), "on-b-train-logits"
        own, said = (
            parts[row] if row in parts else predicted(row, b, on, seed) for row in (ATDT, BASELINE)
        )
        taught = ((STUDENT, (own, said)), (STUDENT_MERGED, (merged, *parts.values())))
        for row, folders in taught:
            run = _taught(road, f"{row}{seed}", folders)
            outcome.rows.setdefault(row, []).append(road.predict(run, t2, "b", f"{row}{seed}"))
    if not preset.student.teaching.is_plain or preset.student.rounds > 1:
        run = _taught(road, STUDENT_BASELINE, (said, own))
        outcome.rows[STUDENT_BASELINE] = [road.predict(run, t2, "b", STUDENT_BASELINE)]
    elif SELF not in outcome.rows:
        outcome.rows[SELF] = [road.predict(self_trained(road), t2, "b", SELF)]


def _check_merger(preset: Preset, t2: Side) -> None:
    """Refuse, before a student is trained, what cannot be merged so.

    Raises:
        UserError: naming the option.
    """
    if preset.merge == "softmax" and t2.task != "semantic":
        raise UserError(f"merge = softmax: is for classes, not for {t2.task}")
    if preset.merge == "softmax" and len(preset.merged) != 2:
        said = ", ".join(preset.merged)
        raise UserError(f"merge = softmax: is of two, as D4's, not of merged = {said}")
    if preset.merge == "learnt" and not t2.validation("a"):
        raise UserError("merge = learnt: domain A has no split 'val' to learn on")


def _merged(
    road: Road, parts: tuple[Path, ...], name: str, on_a: tuple[Path, ...], a: str | None
) -> Path:
    """Several predictions as one; it lies with AT/DT's, whatever its parts."""
    out = road.predictions(road.outcome.runs["n1"], name)
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
