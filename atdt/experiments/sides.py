"""A direction of transfer: two tasks, the domains with their labels, and where its results go."""

from dataclasses import dataclass, field
from pathlib import Path

from atdt.domains import open_domain
from atdt.experiments.pairs import Place
from atdt.tasks import get_task


@dataclass(frozen=True)
class Side:
    """A task, and the domains with its labels.

    Attributes:
        name: what its encoder is called in the store, such as "depth".
        task: name of the task.
        a, b: where the domains are.
    """

    name: str
    task: str
    a: Place
    b: Place

    def domain(self, letter: str, split: str) -> str:
        """The spec of the train or the test split of domain "a" or "b"."""
        return f"{getattr(self, letter).spec(split)}"

    def is_tested(self, letter: str) -> bool:
        """Whether a domain's test split has the task's labels; one that is yet to be made has."""
        place: Place = getattr(self, letter)
        label = get_task(self.task).label
        if label is None or not (place.path.exists() or "test" in place.elsewhere):
            return True
        return open_domain(self.domain(letter, "test")).has(label)

    def validation(self, *letters: str) -> tuple[str, ...]:
        """Specs of what weights are chosen on: of these domains, those that have such a split."""
        specs = (getattr(self, letter).spec("val") for letter in letters)
        return tuple(spec for spec in specs if spec is not None)


@dataclass(frozen=True)
class Direction:
    """From T1, whose labels both domains have, to T2, whose labels only A has.

    Attributes:
        source, target: T1 and T2 and where their labels are.
        data: what the domains are made of; when a step makes it anew, so is all that follows.
        root: holds runs/, stores/ and predictions/, as a checkout does.
        experiment: names the folders in these three.
        seed: of the task networks and the views.
        transfer_seeds: of G and of the head on E1; every one is trained and decoded.
        labelled: images of B's train split, all of which the oracle learns from.
        a_before: domain A before its camera was changed; None: it was not.
    """

    source: Side
    target: Side
    data: Path
    root: Path
    experiment: str
    seed: int = 0
    transfer_seeds: tuple[int, ...] = (0,)
    labelled: int = 0
    a_before: Place | None = None

    @property
    def name(self) -> str:
        """Such as "semantic-to-depth"."""
        return f"{self.source.name}-to-{self.target.name}"

    def folder(self, kind: str, *, without_source: bool = False) -> Path:
        """Where "runs", "stores" or "predictions" go; directions share what knows nothing of T1."""
        name = self.target.name if without_source else self.name
        return self.root / kind / self.experiment / f"seed{self.seed}" / name


@dataclass(frozen=True)
class Agreement:
    """What B's labels of T1 teach whoever predicts T2, see `atdt.consistency`.

    Attributes:
        run: of R.
        store: of B, with E1 and labels of T1.
        domain: spec of the same images and labels.
        weight: of the loss.
    """

    run: Path
    store: Path
    domain: str
    weight: float


@dataclass
class Outcome:
    """What a direction left behind.

    Attributes:
        rows: method → for each seed of G the folder that was predicted on B's test split and
            measured; one folder where the method has no G.
        links: place in the chain of losses → measured folder.
        runs: name → run folder.
        pages: title → a page that belongs beside the table, and files that belong beside it.
    """

    rows: dict[str, list[Path]] = field(default_factory=dict)
    links: dict[str, Path] = field(default_factory=dict)
    runs: dict[str, Path] = field(default_factory=dict)
    pages: dict[str, tuple[Path, ...]] = field(default_factory=dict)
