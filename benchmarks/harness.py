"""Ratios of interleaved pairs, and the tables that they are printed in.

Single runs on a small machine differ by a factor of two, so nothing here is a bare time: A and B
take turns, each pair gives a ratio, and the median of the ratios stands beside their quartiles.
"""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

PAIRS = 7
QUICK_PAIRS = 2


@dataclass(frozen=True)
class Scale:
    """How much is measured: everything (`make bench`), or a taste of it (`make bench-quick`).

    Attributes:
        turns: interleaved pairs of a ratio, where fewer or more are asked for.
    """

    quick: bool = False
    turns: int | None = None

    @property
    def pairs(self) -> int:
        """Interleaved pairs of a ratio."""
        return self.turns or (QUICK_PAIRS if self.quick else PAIRS)

    def of(self, full: int, quick: int) -> int:
        """`full`, or `quick` for a taste."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Ratio:
    """The median of interleaved ratios A ÷ B of rates, with quartiles; more than 1: A is faster.

    Attributes:
        median, low, high: of the ratios; `low` and `high` are the quartiles.
        a, b: median seconds of A and of B.
        pairs: how many.
    """

    median: float
    low: float
    high: float
    a: float
    b: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.median:.3g} [{self.low:.3g}–{self.high:.3g}]"


def seconds(call: Callable[[], Any]) -> float:
    """Wall-clock time of one call, without the collector's interruptions."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start
    finally:
        gc.enable()


def interleaved(a: Callable[[], Any], b: Callable[[], Any], pairs: int, warm_up: int = 1) -> Ratio:
    """Time `a` and `b` in turns; which goes first alternates too.

    Returns:
        how many times faster `a` is than `b` (B's seconds ÷ A's).
    """
    for _ in range(warm_up):
        a(), b()
    timed = []
    for turn in range(pairs):
        if turn % 2:
            of_b = seconds(b)
            of_a = seconds(a)
        else:
            of_a = seconds(a)
            of_b = seconds(b)
        timed.append((of_a, of_b))
    return ratio_of(timed)


def in_turns(
    sides: Sequence[Callable[[], float]], rounds: int, warm_up: int = 1
) -> list[tuple[float, ...]]:
    """Seconds of several sides, which time themselves (what they must not count stays outside).

    Each round calls every side once, in an order of its own: what a side leaves behind (caches,
    freed memory) must not always fall to the same other one.

    Returns:
        for each round the seconds of the sides, in the order given.
    """
    for _ in range(warm_up):
        for side in sides:
            side()
    timed = []
    for turn in range(rounds):
        took = {}
        for side in Random(turn).sample(range(len(sides)), len(sides)):
            took[side] = sides[side]()
        timed.append(tuple(took[side] for side in range(len(sides))))
    return timed


def ratio_of(timed: Sequence[tuple[float, float]]) -> Ratio:
    """The ratio of pairs of seconds (A, B) that were timed elsewhere."""
    ratios = [of_b / of_a for of_a, of_b in timed]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    columns = list(zip(*timed, strict=True))
    return Ratio(
        statistics.median(ratios),
        low,
        high,
        statistics.median(columns[0]),
        statistics.median(columns[1]),
        len(ratios),
    )


@dataclass
class Table:
    """What one question is answered with.

    Attributes:
        question: as the table's title.
        bar: what was hoped for, in words; None where a table only reports.
        columns: names; cells are texts.
        rows: of cells.
        notes: lines below the table: arithmetic, limits, what lost.
        figures: numbers by name, for the JSON; a Ratio is taken apart.
        met: whether the bar holds, None without a bar.
    """

    question: str
    columns: Sequence[str]
    bar: str | None = None
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    met: bool | None = None

    def add(self, *cells: Any) -> None:
        """A row; what is no text yet becomes one."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(tuple(map(str, cells)))

    def figure(self, name: str, value: "Ratio | float | int | str") -> None:
        """Keep a number for the JSON file."""
        self.figures[name] = asdict(value) if isinstance(value, Ratio) else value

    def text(self) -> str:
        """As aligned Markdown, readable in a terminal."""
        cells = [tuple(self.columns), *self.rows]
        widths = [max(len(row[place]) for row in cells) for place in range(len(self.columns))]
        lines = [
            "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
            for row in cells
        ]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        verdict = {True: "met", False: "NOT met", None: "reported"}[self.met]
        title = f"{self.question}" + (f" (bar: {self.bar}; {verdict})" if self.bar else "")
        return "\n".join([title, "", *lines, *(["", *self.notes] if self.notes else [])])
