"""Studies of options, crossed with methods: every method has of an option what can be given to it.

Not of the paper: they ask whether an option helps the transfer, or everybody. The plain cells are
those of tables 1 and 2, and share their trainings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from atdt.errors import UserError
from atdt.experiments.agreement import agreement
from atdt.experiments.direction import (
    ADAPTED,
    ATDT,
    BASELINE,
    HEAD,
    ORACLE,
    SHARED,
    oracle_network,
    source_network,
    target_network,
    two_decoders,
)
from atdt.experiments.preset import EDGES
from atdt.experiments.road import Road

PLAIN = "none of it"  # the setting in which no option is used
STRENGTHS = ("paper", "strong")
# Where the preset has none. Guesses that no label of B chose; see docs/features.md for the first.
NORM_DISCREPANCY = 0.001
FEATURE_NOISE = 0.2
MIXUP = 0.2


@dataclass(frozen=True)
class Cell:
    """A method under some options, predicted on B's test split and measured.

    Attributes:
        setting: the options.
        method: of the rows of tables 1 and 2, see `atdt.experiments.figures.LABELS`.
        folders: predicted and measured, one for each seed of G.
        part: where only a part of what the setting says is done, which.
    """

    setting: str
    method: str
    folders: tuple[Path, ...]
    part: str = ""


def factors(road: Road) -> list[Cell]:
    """Photometric strength × batch norm re-estimated on B × baseline, AT/DT, oracle.

    Batch norm re-estimated means the same for both: every such layer of the network that predicts
    on B has B's statistics. Of the baseline these are N2's; of AT/DT E1's, then D2's behind G and
    that E1. But E1 learnt on batches of A and B together, so that its statistics are of both
    already, and with B's alone it gives G features that G was not trained on; so each part stands
    beside the whole.
    """
    target = road.direction.target
    b = target.domain("b", "train")
    cells = []
    for strength in STRENGTHS:
        there = road.variant(photometric=strength)
        footing = _footing(there)
        n1, n2 = footing.n1, footing.n2
        plain, adapted = f"{strength} colours", f"{strength} colours, batch norm of B"
        gs = _transfers(there, footing)
        n1_of_b, n2_of_b = there.adapt(n1, b), there.adapt(n2, b)
        oracle = oracle_network(there)
        cells += [
            _baseline(there, plain, n2),
            Cell(plain, ATDT, _decoded(there, gs, n1, dict.fromkeys(gs, n2), ATDT)),
            _oracle(there, plain, oracle),
            _baseline(there, adapted, n2_of_b, ADAPTED),
        ]
        let = ("encoder",)
        d2 = {seed: there.adapt_decoder(n2, g, n1, b) for seed, g in gs.items()}
        both = {seed: there.adapt_decoder(n2, g, n1_of_b, b, let) for seed, g in gs.items()}
        alone = dict.fromkeys(gs, n2)
        for part, name, encoder, decoders, allowed in (
            ("", ADAPTED, n1_of_b, both, let),
            ("E1 alone", f"{ADAPTED}-e1-", n1_of_b, alone, let),
            ("D2 alone", f"{ADAPTED}-d2-", n1, d2, ()),
        ):
            folders = _decoded(there, gs, encoder, decoders, f"{ATDT}-{name}", allowed)
            cells.append(Cell(adapted, ATDT, folders, part))
        cells.append(_oracle(there, adapted, there.adapt(oracle, b), f"{ORACLE}-{ADAPTED}"))
    return cells


def auxiliaries(road: Road) -> list[Cell]:
    """An auxiliary edge task (none, own decoders, N1's shared) × norm discrepancy (none, some) ×
    baseline, rivals (i) and (ii), AT/DT, oracle.

    Every task network has the options. Rival (i) has one encoder, (ii) knows nothing of N2, and the
    oracle nothing of N1: to them a shared decoder is the same as one's own, and their rows are the
    same there. Our reading
    of the paper has the norm discrepancy in N1 alone, which has a row where N2 is there without.
    """
    cells = []
    for weight in (0.0, road.preset.norm_discrepancy or NORM_DISCREPANCY):
        for edges in EDGES:
            owner = road.variant(
                edges="none" if edges == "none" else "own", norm_discrepancy=weight
            )
            there = road.variant(edges=edges, norm_discrepancy=weight)
            own = _footing(owner)
            footing = own if edges != "shared" else _footing(there, own.n1)
            said = [f"edges, {edges} decoder"] * (edges != "none")
            said += [f"norm discrepancy × {weight:g}"] * bool(weight)
            setting = ", ".join(said) or PLAIN
            cells += _every_method(there, setting, footing, footing.n2, (owner, own))
            if weight and edges != "shared":
                n2 = target_network(road.variant(edges=edges, norm_discrepancy=0.0), own.n1)
                cells.append(_only_in_n1(owner, setting, own.n1, n2))
    return cells


def perturbations(road: Road) -> list[Cell]:
    """Noise on E1's features × mixup, while G learns × a head on E1, AT/DT.

    A head learns from labels, which have no mixtures: it has the noise alone. Task networks have
    neither; the baseline is there to be held against.
    """
    noise, alpha = road.preset.feature_noise or FEATURE_NOISE, road.preset.mixup or MIXUP
    footing = _footing(road)
    cells = [_baseline(road, PLAIN, footing.n2)]
    for sigma in (0.0, noise):
        for mixup in (0.0, alpha):
            there = road.variant(feature_noise=sigma, mixup=mixup)
            said = [f"noise of {sigma:g} σ"] * bool(sigma) + [f"mixup {mixup:g}"] * bool(mixup)
            setting = ", ".join(said) or PLAIN
            heads = _heads(road.variant(feature_noise=sigma, mixup=0.0), footing)
            cells += [Cell(setting, HEAD, heads), _through_g(there, setting, footing)]
    return cells


def agreements(road: Road) -> list[Cell]:
    """The loss by B's labels of T1 (none, some) × baseline, rivals (i) and (ii), AT/DT, oracle.

    N1, N2 behind G and the store of A are the same for all; of the baseline it is N2 that agrees,
    of rival (i) its one encoder and T2's decoder, of the oracle all of it.
    """
    footing = _footing(road)
    weight = f"consistency × {road.preset.consistency_weight:g}"
    agreeing = road.agreeing(agreement(road, footing.n1, footing.n2))
    cells = []
    for there, setting in ((road, PLAIN), (agreeing, weight)):
        cells += _every_method(there, setting, footing, target_network(there, footing.n1))
    return cells


def looks(road: Road) -> list[Cell]:
    """What is drawn of an image (as the preset has it, mirrors, D4's jitter), or A in B's colours ×
    baseline, rivals (i) and (ii), AT/DT, oracle.

    Draws are those of task networks, whatever they learn from, and of the store's views alike; of B
    nothing is recoloured.

    Raises:
        UserError: the preset has one of them already.
    """
    preset = road.preset
    for option, is_there in (
        ("flip", preset.flip),
        ("photometric", preset.photometric == "d4"),
        ("colours", preset.colours != "own"),
    ):
        if is_there:
            value = getattr(preset, option)
            raise UserError(f"{option} = {value}: is what the table looks at, leave it out")
    cells = []
    for setting, there in (
        (PLAIN, road),
        ("mirrors", road.variant(flip=True)),
        ("D4's jitter", road.variant(photometric="d4")),
        ("A in B's colours", road.recoloured("moments")),
    ):
        footing = _footing(there)
        cells += _every_method(there, setting, footing, footing.n2)
    return cells


GRIDS: dict[str, Callable[[Road], list[Cell]]] = {
    "factors": factors,
    "aux": auxiliaries,
    "noise": perturbations,
    "consistency": agreements,
    "looks": looks,
}


@dataclass(frozen=True)
class _Footing:
    """What Gs stand on: runs of N1 and N2, and a store of A with both."""

    n1: Path
    n2: Path
    store: Path


def _footing(road: Road, n1: Path | None = None) -> _Footing:
    n1 = source_network(road) if n1 is None else n1
    n2 = target_network(road, n1)
    return _Footing(n1, n2, road.extract(road.direction.target.domain("a", "train"), n1, n2))


def _every_method(
    road: Road,
    setting: str,
    footing: _Footing,
    n2: Path,
    alone: tuple[Road, _Footing] | None = None,
) -> list[Cell]:
    """Baseline, rivals (i) and (ii), AT/DT, oracle.

    Args:
        n2: the baseline; G's D2 is that of `footing`.
        alone: what those go by that know one of N1 and N2 at most; None: as the others.
    """
    its_road, its_footing = alone or (road, footing)
    return [
        _baseline(road, setting, n2),
        Cell(setting, SHARED, (_predicted(its_road, two_decoders(its_road), SHARED),)),
        Cell(setting, HEAD, _heads(its_road, its_footing)),
        _through_g(road, setting, footing),
        _oracle(its_road, setting, oracle_network(its_road)),
    ]


def _baseline(road: Road, setting: str, n2: Path, name: str = BASELINE) -> Cell:
    return Cell(setting, BASELINE, (_predicted(road, n2, name),))


def _oracle(road: Road, setting: str, run: Path, name: str = ORACLE) -> Cell:
    return Cell(setting, ORACLE, (_predicted(road, run, name),))


def _predicted(road: Road, run: Path, name: str) -> Path:
    return road.predict(run, road.direction.target, "b", name)


def _transfers(road: Road, footing: _Footing, name: str = "g") -> dict[int, Path]:
    """G by the preset's losses, for each seed of it."""
    preset, store, n2 = road.preset, footing.store, footing.n2
    return {
        seed: road.transfer(store, n2, seed, preset.architecture, f"{name}{seed}", preset.losses)
        for seed in road.direction.transfer_seeds
    }


def _decoded(
    road: Road,
    gs: dict[int, Path],
    n1: Path,
    decoders: dict[int, Path],
    name: str,
    allow_mismatch: tuple[str, ...] = (),
) -> tuple[Path, ...]:
    return tuple(
        road.decode(g, n1, decoders[seed], "b", f"{name}{seed}", allow_mismatch)
        for seed, g in gs.items()
    )


def _through_g(road: Road, setting: str, footing: _Footing) -> Cell:
    gs = _transfers(road, footing)
    decoders = dict.fromkeys(gs, footing.n2)
    return Cell(setting, ATDT, _decoded(road, gs, footing.n1, decoders, ATDT))


def _only_in_n1(road: Road, setting: str, n1: Path, n2: Path) -> Cell:
    """AT/DT with an N2 that has not the norm discrepancy of N1, which `road` has."""
    a = road.direction.target.domain("a", "train")
    footing = _Footing(n1, n2, road.extract(a, n1, n2, name="a-n1-alone"))
    gs = _transfers(road, footing, "g-n1-alone")
    folders = _decoded(road, gs, n1, dict.fromkeys(gs, n2), f"{ATDT}-n1-alone")
    return Cell(setting, ATDT, folders, "norm discrepancy in N1 alone")


def _heads(road: Road, footing: _Footing) -> tuple[Path, ...]:
    """The rival (ii), on B."""
    folders = []
    for seed in road.direction.transfer_seeds:
        run = road.transfer(
            footing.store, footing.n2, seed, "head", f"{HEAD}{seed}", (("task", 1.0),)
        )
        folders.append(road.decode(run, footing.n1, None, "b", f"{HEAD}{seed}"))
    return tuple(folders)
