"""Rows of label transfer: T2's labels of B, made of its labels of T1, teach networks for B."""

from pathlib import Path

from atdt.domains import ViewPlan, label_space, open_domain
from atdt.domains.pose import pose_for
from atdt.errors import UserError
from atdt.experiments.direction import HEAD
from atdt.experiments.pairs import Place
from atdt.experiments.preset import Preset
from atdt.experiments.road import Road
from atdt.experiments.sides import Direction, Outcome
from atdt.experiments.steps import Steps
from atdt.label_transfer import (
    LabelPrediction,
    LabelTraining,
    train_label_transfer,
    transfer_labels,
)
from atdt.label_transfer.reading import SOURCES, Reading
from atdt.networks.cross_task import GROUPS
from atdt.tasks import get_task
from atdt.training import Auxiliary

TAUGHT = "student-labels"
TAUGHT_G, TAUGHT_HEAD = "atdt-labels", "head-labels"
UNTAUGHT = "from-n1-two-decoders"
ORACLE_ALIKE = "oracle-from-n1"


def label_students(
    direction: Direction, preset: Preset, steps: Steps, outcome: Outcome, *, controls: bool = True
) -> None:
    """Transfer labels, teach networks by them, and measure; rows are added to `outcome`.

    G learns from its store of A and one of B beside, with transferred labels. The student starts
    from E1 and learns T1 on A and B beside T2, on A and on B under what was transferred; steps and
    views are those of every task network. More rows, the `controls`, say where gains come from: the
    head taught as G is, the student's network without transferred labels, and with B's own, an
    oracle.
    """
    road, t2 = Road(direction, preset, steps, outcome), direction.target
    made = transferred(road)
    a, b = t2.domain("a", "train"), t2.domain("b", "train")

    def taught(name: str, title: str, train: tuple[str, ...], pseudo: tuple, val: str) -> None:
        t1 = direction.source
        beside = Auxiliary(task=t1.task, train=(t1.domain("a", "train"), t1.domain("b", "train")))
        run = road.train(
            name,
            title,
            t2.task,
            train,
            t2.validation(val),
            auxiliary=(beside,),
            init_from=outcome.runs["n1"],
            pseudo_labels=pseudo,
        )
        outcome.rows[name] = [road.predict(run, t2, "b", name)]

    _teach_transfers(road, made, controls=controls)
    said = f"from E1, two decoders: {t2.name} on A"
    taught(TAUGHT, f"{said}, and on B under transferred labels", (a,), ((b, made),), "a")
    if not controls:
        return
    taught(UNTAUGHT, said, (a,), (), "a")
    taught(ORACLE_ALIKE, f"{said} and B, with the labels of both", (a, b), (), "b")


def _teach_transfers(road: Road, made: Path, *, controls: bool) -> None:
    """G, and the head, by the preset's losses on A and by transferred labels on B."""
    direction, preset, outcome = road.direction, road.preset, road.outcome
    t1, t2 = direction.source, direction.target
    n1, n2 = outcome.runs["n1"], outcome.runs["n2"]
    a = road.extract(t2.domain("a", "train"), n1, n2)
    b = road.store(
        "extract E1 of B beside transferred labels",
        t2.domain("b", "train"),
        ((t1.name, n1),),
        f"b-labels{road.suffix}",
        pseudo_labels=(made,),
    )
    rows = [(TAUGHT_G, "g", preset.architecture, preset.losses)]
    rows += [(TAUGHT_HEAD, HEAD, HEAD, (("task", 1.0),))] if controls else []
    for row, name, architecture, losses in rows:
        outcome.rows[row] = []
        for seed in direction.transfer_seeds:
            named = f"{name}{seed}-labels"
            g = road.transfer(a, n2, seed, architecture, named, losses, labels_of_b=b)
            decoder = None if architecture == HEAD else n2
            outcome.rows[row].append(road.decode(g, n1, decoder, "b", f"{row}{seed}"))


def transferred(road: Road) -> Path:
    """T2's labels of B's train split, as a network makes them that learnt on A."""
    direction, preset = road.direction, road.preset
    t1, t2 = direction.source, direction.target
    from_classes = t1.task == "semantic"
    # Depth is read without what is its camera's, and suffers from being resampled.
    place: Place = t2.a if from_classes or direction.a_before is None else direction.a_before
    val = place.spec("val")
    config = LabelTraining(
        train=(f"{place.spec('train')}",),
        validation=() if val is None else (val,),
        source=t1.task,
        target=t2.task,
        out=direction.folder("runs") / f"labels{road.suffix}",
        ground=preset.ground if from_classes else (),
        standing=preset.standing if from_classes else (),
        resize=preset.resize,
        stretch=preset.label_stretch,
        width=preset.label_width,
        steps=preset.label_steps,
        seed=direction.seed,
        precision=preset.precision,
    )
    run = road.steps.do(
        f"learn on A how labels of {t1.name} become labels of {t2.name}",
        train_label_transfer,
        config,
        direction.data,
        out=config.out,
    )
    road.outcome.runs["labels"] = run
    out = direction.folder("predictions") / f"labels-on-b-train{road.suffix}"
    carried = LabelPrediction(run=run, domain=t1.domain("b", "train"), out=out)
    title = f"labels of {t2.name} for B, from its labels of {t1.name}"
    return road.steps.do(title, transfer_labels, carried, run, out=out)


def check_label_transfer(
    source: str, target: str, preset: Preset, places: tuple[Place, Place] | None
) -> None:
    """Refuse, before anything is trained, what no network takes from one to the other.

    Args:
        places: of domains A and B; None: they are rendered.

    Raises:
        UserError: naming the task or the option of the preset.
    """
    asked = "--label-transfer"
    if source not in SOURCES:
        raise UserError(f"{asked}: reads labels of {' and '.join(SOURCES)}, not of {source}")
    label = get_task(target).label
    if label is None:
        raise UserError(f"{asked}: needs labels of task 2; {target} has truth from images")
    if label == source:
        raise UserError(f"{asked}: {target} is learnt from the labels of {source} themselves")
    if source == "depth" and preset.known_depth == "sparse":
        raise UserError(f"{asked}: reads slopes, which sparse depth has not: known_depth = sparse")
    if preset.label_width % GROUPS:
        raise UserError(f"label_width = {preset.label_width}: must be a multiple of {GROUPS}")
    if preset.crop is not None:
        raise UserError(f"{asked}: reads whole labels; the preset's crop cuts them")
    plan = ViewPlan(stretch=preset.label_stretch)
    semantic = source == "semantic"
    reading = Reading(source, (), preset.ground, preset.standing) if semantic else None
    if places is None and semantic:
        names = {name for name, _ in preset.ground} | set(preset.standing)
        if unknown := sorted(names - set(label_space("shared11").classes)):
            raise UserError(f"ground, standing: streets have no class {unknown[0]}")
    for place in places or ():
        domain = open_domain(f"{place.spec('train')}", labels=(source,) if semantic else ())
        pose_for(plan, domain, 0)
        if reading is not None:
            reading.check(domain)
