"""One direction of transfer on one pair, from one seed: all rows of the table that it fills."""

from pathlib import Path

from atdt.experiments.preset import Preset
from atdt.experiments.road import Road
from atdt.experiments.sides import Direction, Outcome
from atdt.experiments.steps import Steps
from atdt.networks import NetworkSpec
from atdt.tasks import get_task
from atdt.training import Auxiliary

BASELINE, ADAPTED, HEAD, ORACLE = "baseline", "batch-norm", "head", "oracle"
ATDT, PLAIN = "atdt", "atdt-mse"
PAPERS_LOSS = (("mse", 1.0),)
SHARED, WARM, SELF = "two-decoders", "from-n1", "self-training"
FOUNDATION = "foundation"
SWEPT, GUIDED = "swept", "swept-guided"
# Rows that run through E1 → what their G, or the head, is called.
THROUGH = {ATDT: "g", PLAIN: "mse", HEAD: HEAD}


def essentials(direction: Direction, preset: Preset, steps: Steps) -> Outcome:
    """Baseline, oracle, AT/DT, the two rivals that cost next to nothing, the chain of losses.

    Of a T2 whose truth is made from images, such as edges, a store holds no labels: AT/DT then is
    without the loss of the task, and the head, which has no other, has no row.
    """
    outcome = Outcome()
    road = Road(direction, preset, steps, outcome)
    t1, t2 = direction.source, direction.target
    a, b = t2.domain("a", "train"), t2.domain("b", "train")
    n1 = source_network(road)
    n2 = target_network(road, n1)
    oracle = oracle_network(road)
    adapted = road.adapt(n2, b)
    store = road.extract(a, n1, n2)
    labelled = get_task(t2.task).label is not None
    own = tuple(each for each in preset.losses if labelled or each[0] != "task") or PAPERS_LOSS
    # Row → names of its G and of what that predicts, and the losses of G.
    gs = {ATDT: ("g", ATDT, own), PLAIN: ("mse", PLAIN, PAPERS_LOSS)}
    if set(own) == set(PAPERS_LOSS):  # one row, of the G that other tables have too
        gs = {ATDT: gs[PLAIN]}
    for seed in direction.transfer_seeds:
        for row, (name, predicted, losses) in gs.items():
            g = road.transfer(store, n2, seed, preset.architecture, f"{name}{seed}", losses)
            decoded = road.decode(g, n1, n2, "b", f"{predicted}{seed}")
            outcome.rows.setdefault(row, []).append(decoded)
        outcome.runs[f"g{seed}"] = outcome.runs[f"{gs[ATDT][0]}{seed}"]
        if labelled:
            # The rival (ii): the same body and D2's architecture, T2's own loss, nothing of E2.
            head = road.transfer(store, n2, seed, "head", f"head{seed}", (("task", 1.0),))
            decoded = road.decode(head, n1, None, "b", f"{HEAD}{seed}")
            outcome.rows.setdefault(HEAD, []).append(decoded)
    outcome.rows[BASELINE] = [road.predict(n2, t2, "b", BASELINE)]
    outcome.rows[ADAPTED] = [road.predict(adapted, t2, "b", ADAPTED)]
    outcome.rows[ORACLE] = [road.predict(oracle, t2, "b", ORACLE)]
    first = outcome.runs[f"g{direction.transfer_seeds[0]}"]
    outcome.links |= {
        f"N1 on {letter.upper()}: {t1.name}": road.predict(n1, t1, letter, f"n1-on-{letter}")
        for letter in "ab"
        if t1.is_tested(letter)
    }
    outcome.links |= {
        f"N2 on A: {t2.name}": road.predict(n2, t2, "a", "n2-on-a"),
        f"AT/DT on A: {t2.name}": road.decode(first, n1, n2, "a", "atdt-on-a"),
        f"AT/DT on B: {t2.name}": outcome.rows[ATDT][0],
    }
    return outcome


def source_network(
    road: Road, letters: str = "ab", name: str = "n1", network: NetworkSpec | None = None
) -> Path:
    """N1: T1 on A and B or, for the studies, on these domains by another network."""
    t1 = road.direction.source
    return road.train(
        name,
        f"N1 learns {t1.name} on {' and '.join(letters.upper())}{_by(network)}",
        t1.task,
        tuple(t1.domain(letter, "train") for letter in letters),
        t1.validation(*letters),
        steps=road.preset.source_steps,
        network=network,
        images=letters,
        keep_edges=True,
    )


def target_network(
    road: Road, n1: Path, name: str = "n2", network: NetworkSpec | None = None
) -> Path:
    """N2: T2 on A; it knows nothing of `n1` but the edge decoder that the two may share."""
    t2 = road.direction.target
    shared = road.preset.edges == "shared"
    return road.train(
        name,
        f"N2 learns {t2.name} on A{_by(network)}",
        t2.task,
        (t2.domain("a", "train"),),
        t2.validation("a"),
        without_source=not shared,
        network=network,
        edges_from=n1 if shared else None,
    )


def oracle_network(road: Road) -> Path:
    """T2 on A and B with the labels of both; of T1 it knows nothing, unless it agrees with it."""
    t2 = road.direction.target
    return road.train(
        ORACLE,
        f"the oracle learns {t2.name} on A and B, with the labels of both",
        t2.task,
        (t2.domain("a", "train"), t2.domain("b", "train")),
        t2.validation("b"),
        without_source=road.agreement is None,
    )


def two_decoders(road: Road) -> Path:
    """The rival (i): one encoder under T2 on A, and T1 on A and B; as many steps as N1 has."""
    t1, t2 = road.direction.source, road.direction.target
    first = Auxiliary(task=t1.task, train=(t1.domain("a", "train"), t1.domain("b", "train")))
    return road.train(
        SHARED,
        f"one encoder, two decoders: {t1.name} on A and B, {t2.name} on A",
        t2.task,
        (t2.domain("a", "train"),),
        t2.validation("a"),
        auxiliary=(first,),
        steps=road.preset.source_steps,
    )


def _by(network: NetworkSpec | None) -> str:
    if network is None:
        return ""
    return "".join(f", {name} {value}" for name, value in network.options.items())


def other_rivals(direction: Direction, preset: Preset, steps: Steps, outcome: Outcome) -> None:
    """The rivals that cost a training each; their rows are added to `outcome`."""
    road = Road(direction, preset, steps, outcome)
    t2 = direction.target
    a = t2.domain("a", "train")
    val_a = t2.validation("a")
    shared = two_decoders(road)
    warm = road.train(
        WARM,
        f"N2 started from E1: {t2.name} on A",
        t2.task,
        (a,),
        val_a,
        init_from=outcome.runs["n1"],
    )
    rivals = {SHARED: shared, WARM: warm}
    if get_task(t2.task).label is not None:  # nothing is guessed where truth is made from images
        rivals[SELF] = self_trained(road)
    for name, run in rivals.items():
        outcome.rows[name] = [road.predict(run, t2, "b", name)]


def self_trained(road: Road) -> Path:
    """The rival (v): T2 on A, and on B under the baseline's predictions, all pixels the same."""
    t2 = road.direction.target
    b = t2.domain("b", "train")
    guesses = road.predict_only(road.outcome.runs["n2"], b, "baseline-on-b-train")
    return road.train(
        SELF,
        f"self-training: {t2.name} on A, and on B under the baseline's predictions",
        t2.task,
        (t2.domain("a", "train"),),
        t2.validation("a"),
        pseudo_labels=((b, guesses),),
        without_source=True,
    )


def foundation_encoder(
    direction: Direction, preset: Preset, steps: Steps, outcome: Outcome, network: NetworkSpec
) -> None:
    """The rival (vi): T2 on A by a decoder on a frozen encoder that has seen far more than A and B.

    Steps and views are those of all rows; the encoder is another, and larger.
    """
    road, t2 = Road(direction, preset, steps, outcome), direction.target
    run = road.train(
        FOUNDATION,
        f"a decoder on a frozen {network.options['model']} learns {t2.name} on A",
        t2.task,
        (t2.domain("a", "train"),),
        t2.validation("a"),
        without_source=True,
        network=network,
    )
    outcome.rows[FOUNDATION] = [road.predict(run, t2, "b", FOUNDATION)]


def labelled_images(
    direction: Direction, preset: Preset, steps: Steps, outcome: Outcome, counts: tuple[int, ...]
) -> dict[int, Path]:
    """The oracle's curve: T2 learnt on A and the first n labelled images of B, measured on B.

    Returns:
        n → measured folder; 0 is the baseline and all of B's training images the oracle.
    """
    road = Road(direction, preset, steps, outcome)
    target = direction.target
    a, b = target.domain("a", "train"), target.domain("b", "train")
    curve = {0: outcome.rows[BASELINE][0]}
    for count in (count for count in counts if count < direction.labelled):
        run = road.train(
            f"oracle{count}",
            f"the oracle with {count} labelled images of B",
            target.task,
            (a, f"{b}@{count}"),
            target.validation("b"),
            without_source=True,
        )
        curve[count] = road.predict(run, target, "b", f"oracle{count}")
    return curve | {direction.labelled: outcome.rows[ORACLE][0]}
