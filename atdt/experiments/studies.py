"""The paper's ablations, tables 5 and 6 and figure 4: a change of the road, measured on A and B."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atdt.experiments.direction import PAPERS_LOSS, source_network, target_network
from atdt.experiments.road import Road
from atdt.networks import NetworkSpec, build_network

NORMS = ("batch", "none", "group", "instance")
PAPERS_LEVELS = 5


@dataclass(frozen=True)
class Finding:
    """A way of transfer, measured on one domain.

    Attributes:
        label: of the row.
        domain: "a" or "b", whose test split was predicted.
        folders: predicted and measured, one for each seed of G.
        printed: what tells the paper's row apart, see `published_row`; empty: it has none.
    """

    label: str
    domain: str
    folders: tuple[Path, ...]
    printed: dict[str, Any] = field(default_factory=dict)


def shared_or_separate(road: Road) -> list[Finding]:
    """Table 5: E1 from one N1 on A and B, or one N1 each; G is trained on A's features."""
    shared = source_network(road)
    n2 = target_network(road, shared)
    own = {letter: source_network(road, letter, f"n1-{letter}") for letter in "ab"}
    a = road.direction.target.domain("a", "train")
    findings = []
    for label, n1, n1_b, store, names in (
        ("shared N1", shared, shared, road.extract(a, shared, n2), ("mse", "atdt-mse")),
        (
            "separate N1",
            own["a"],
            own["b"],
            road.extract(a, own["a"], n2, name="separate"),
            ("mse-separate", "separate"),
        ),
    ):
        printed = {"shared": label.startswith("shared")}
        gs = _transfers(road, store, n2, names[0])
        # G has never seen the encoder of B's own N1: that is the question.
        let = () if n1 == n1_b else ("encoder",)
        for letter, encoder, allowed in (("a", n1, ()), ("b", n1_b, let)):
            folders = tuple(
                road.decode(g, encoder, n2, letter, f"{names[1]}{seed}-on-{letter}", allowed)
                for seed, g in gs.items()
            )
            findings.append(Finding(label, letter, folders, printed | {"domain": letter}))
    return findings


def norms(road: Road) -> list[Finding]:
    """Table 6: the whole road by networks with and without batch norm, and with other norms."""
    a = road.direction.target.domain("a", "train")
    findings = []
    for norm in NORMS:
        network, suffix = None, ""
        if norm != "batch":  # which the preset's network has: the same runs as in other tables
            network, suffix = with_norm(road.preset.network, norm), f"-{norm}"
        n1 = source_network(road, name=f"n1{suffix}", network=network)
        n2 = target_network(road, n1, f"n2{suffix}", network)
        store = road.extract(a, n1, n2, name=f"a{suffix}")
        gs = _transfers(road, store, n2, f"mse{suffix}")
        printed = {"batchnorm": norm == "batch"} if norm in ("batch", "none") else None
        label = "without a norm" if norm == "none" else f"{norm} norm"
        for letter in "ab":
            folders = tuple(
                road.decode(g, n1, n2, letter, f"norm{suffix}{seed}-on-{letter}")
                for seed, g in gs.items()
            )
            where = {} if printed is None else printed | {"domain": letter}
            findings.append(Finding(label, letter, folders, where))
    return findings


def levels(road: Road) -> list[Finding]:
    """Figure 4: G at each level, from one store of all levels; D at a level is the rest of N2."""
    n1 = source_network(road)
    n2 = target_network(road, n1)
    a = road.direction.target.domain("a", "train")
    store = road.extract(a, n1, n2, name="levels", levels=("all",))
    findings = []
    names = build_network(road.preset.network, 1).levels
    for number, level in enumerate(names):
        gs = _transfers(road, store, n2, f"mse-{level}-", level)
        for letter in "ab":
            folders = tuple(
                road.decode(g, n1, n2, letter, f"{level}-{seed}-on-{letter}")
                for seed, g in gs.items()
            )
            # The paper counts the stages of a network that has four, behind a stem.
            where = {"level": number, "domain": letter} if len(names) == PAPERS_LEVELS else {}
            findings.append(Finding(level, letter, folders, where))
    return findings


def worth_of_g(road: Road) -> list[Finding]:
    """The supplement's question, what G itself is worth: E1's features into D2 as they are, with
    E2's mean and variance a channel, through a linear map, and through G."""
    n1 = source_network(road)
    n2 = target_network(road, n1)
    store = road.extract(road.direction.target.domain("a", "train"), n1, n2)
    preset = road.preset
    findings = []
    for label, name, architecture, options in (
        ("no G", "identity", "identity", {}),
        ("mean and variance", "moments", "identity", {"standardise": True}),
        ("a linear G", "linear", "linear", {}),
        (f"G ({preset.architecture})", "mse", preset.architecture, None),
    ):
        for letter in "ab":
            folders = []
            for seed in road.direction.transfer_seeds:
                run = f"{name}{seed}"
                g = road.transfer(store, n2, seed, architecture, run, PAPERS_LOSS, options=options)
                folders.append(road.decode(g, n1, n2, letter, f"worth-{run}-on-{letter}"))
            findings.append(Finding(label, letter, tuple(folders)))
    return findings


STUDIES: dict[str, Callable[[Road], list[Finding]]] = {
    "table5": shared_or_separate,
    "table6": norms,
    "figure4": levels,
    "supplement": worth_of_g,
}


def _transfers(
    road: Road, store: Path, n2: Path, name: str, level: str | None = None
) -> dict[int, Path]:
    """G by the paper's loss, one for each seed."""
    return {
        seed: road.transfer(
            store, n2, seed, road.preset.architecture, f"{name}{seed}", PAPERS_LOSS, level
        )
        for seed in road.direction.transfer_seeds
    }


def with_norm(network: NetworkSpec, norm: str) -> NetworkSpec:
    """The network with another norm."""
    return replace(network, options={**network.options, "norm": norm})
