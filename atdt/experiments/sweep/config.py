"""What a sweep is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CUTS = (0.25, 0.5)  # shares of the steps, after which the worse half of the configurations stops


@dataclass(frozen=True)
class Sweep:
    """What to sweep.

    Attributes:
        store: of domain A.
        grid: the TOML file, see `atdt.experiments.sweep.grid`.
        out: folder of the sweep; each G has a run in it.
        source, target: names of E1 and E2 in the store; None: every ordered pair that has them.
        levels: where both are cut, "all" for each that has both; () for the grid's, or the deepest.
        target_runs: runs of N2, by the name of its array; "" for any.
        b: a store of B: what scores without a label of T2 look at; its labels, if any, only judge.
        rehearsal: a store of A in B's look, with labels of T2, see `atdt rehearse`.
        cross_task: run of R, which holds predictions to labels of T1 in `b`.
        cuts: see `CUTS`; () trains all to the end.
        workers: Gs that take a step at the same time; as many as there are cores when None.
        stack: Gs of one shape take a step as one; where it pays when None, see
            `atdt.transfer.stacked.pays`.
        feed, memory_budget, device, allow_mismatch: see `TransferTraining`.
        resume, overwrite: go on with, or replace, what is in `out`.
    """

    store: Path
    grid: Path
    out: Path
    source: str | None = None
    target: str | None = None
    levels: tuple[str, ...] = ()
    target_runs: Mapping[str, Path] = field(default_factory=dict)
    b: Path | None = None
    rehearsal: Path | None = None
    cross_task: Path | None = None
    cuts: tuple[float, ...] = CUTS
    workers: int | None = None
    stack: bool | None = None
    feed: str = "auto"
    memory_budget: int | None = None
    device: str = "auto"
    allow_mismatch: tuple[str, ...] = ()
    resume: bool = False
    overwrite: bool = False
