"""A table of measurements: intervals, the best of a column, remarks beside and below its rows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from typing import Any, Literal

Better = Literal["higher", "lower"]
MINUS = "\u2212"
EXACT = 1e15  # beyond it no float has a half


@dataclass(frozen=True)
class Value:
    """A measured number with its interval (both ends or none)."""

    value: float
    low: float | None = None
    high: float | None = None


Cell = Value | float | str | None


def metric_title(metric: Mapping[str, Any], *, unit: bool = True) -> str:
    """What a metric of metrics.json is called, such as "abs rel × focal ratio" or "mIoU %"."""
    percent = "%" if unit and metric["percent"] else ""
    return " ".join(filter(None, [metric["title"], metric["way"], percent]))


def value_cell(
    value: float | None, interval: Sequence[float | None] | None, factor: float = 1.0
) -> Value | None:
    """A figure as it is shown, times `factor`, with its interval if it has one; None where it is
    undefined."""
    if value is None:
        return None
    low, high = interval or (None, None)
    if low is None or high is None:
        return Value(factor * value)
    return Value(factor * value, factor * low, factor * high)


def gap_cell(value: float | None, interval: Sequence[float | None] | None) -> Value | str:
    """Gap closed, in per cent."""
    return value_cell(value, interval, 100) or "undefined"


def steady_gap_cell(value: float | None, interval: Sequence[float | None] | None) -> Value | str:
    """The same, undefined also where too many resamples are for an interval: of a class on which
    the oracle is hardly ahead of the baseline it would say nothing."""
    return "undefined" if interval is None else gap_cell(value, interval)


@dataclass(frozen=True)
class Column:
    """A column of a table; the best of a column is marked where `better` says what good means."""

    name: str
    digits: int = 1
    better: Better | None = None


@dataclass(frozen=True)
class Row:
    """A row of a table.

    `tag` is a short badge beside the label ("uses labels of B"), `notes` stand under the table,
    `mismatch` is what --allow-mismatch let through. A row that does not compete (the oracle) is
    never marked best; `emphasis` sets off the row that the table is about.
    """

    label: str
    cells: Sequence[Cell]
    tag: str = ""
    notes: Sequence[str] = ()
    mismatch: Sequence[str] = ()
    competes: bool = True
    emphasis: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of measurements under a caption. NaN and None are printed as a dash.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    label_header: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"row {row.label!r} has {len(row.cells)} cells for {len(self.columns)} columns"
                )

    def html(self) -> str:
        best = [self._best(index) for index in range(len(self.columns))]
        footnotes: list[str] = []
        rows = "".join(self._row(row, best, footnotes) for row in self.rows)
        header = "".join(_column_header(column) for column in self.columns)
        notes = "".join(f"<li>{escape(note)}</li>" for note in footnotes)
        caption = escape(self.caption)
        return (
            f'<figure class="wide"><figcaption>{caption}</figcaption>'
            f'<div class="scroll" role="region" aria-label="{caption}" tabindex="0"><table>'
            f'<thead><tr><th scope="col">{escape(self.label_header)}</th>{header}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div></figure>"
            + (f'<ol class="footnotes">{notes}</ol>' if notes else "")
        )

    def _best(self, index: int) -> str | None:
        """The printed form of the best number of a column: equal in print is equally good."""
        column = self.columns[index]
        numbers = [_number(row.cells[index]) for row in self.rows if row.competes]
        numbers = [number for number in numbers if number is not None]
        if column.better is None or len(numbers) < 2:
            return None
        best = max(numbers) if column.better == "higher" else min(numbers)
        return number_text(best, column.digits)

    def _row(self, row: Row, best: list[str | None], footnotes: list[str]) -> str:
        mismatches = (f"Mismatch allowed: {difference}" for difference in row.mismatch)
        notes = list(dict.fromkeys([*row.notes, *mismatches]))
        footnotes.extend(note for note in notes if note not in footnotes)
        marks = " ".join(str(footnotes.index(note) + 1) for note in notes)
        label = escape(row.label)
        label += f'<sup aria-label="note {marks}">{marks}</sup>' if marks else ""
        label += f' <span class="tag">{escape(row.tag)}</span>' if row.tag else ""
        label += ' <span class="tag mismatch">mismatch</span>' if row.mismatch else ""
        cells = "".join(
            _cell(cell, column, mark if row.competes else None)
            for cell, column, mark in zip(row.cells, self.columns, best, strict=True)
        )
        kind = "emphasis" if row.emphasis else "" if row.competes else "aside"
        return f'<tr class="{kind}"><th scope="row">{label}</th>{cells}</tr>'


def _column_header(column: Column) -> str:
    arrow = {"higher": "↑", "lower": "↓", None: ""}[column.better]
    hint = f' <span class="arrow" title="{column.better} is better">{arrow}</span>' if arrow else ""
    return f'<th scope="col">{escape(column.name)}{hint}</th>'


def _cell(cell: Cell, column: Column, best: str | None) -> str:
    if isinstance(cell, str):
        return f'<td class="text">{escape(cell)}</td>'
    number = _number(cell)
    if number is None:
        return '<td><span class="none" title="undefined">–</span></td>'
    text = number_text(number, column.digits)
    interval = ""
    if isinstance(cell, Value) and cell.low is not None and cell.high is not None:
        low, high = number_text(cell.low, column.digits), number_text(cell.high, column.digits)
        interval = f'<span class="interval">{low} … {high}</span>'
    if text == best:
        return f'<td class="best"><strong title="best">{text}</strong>{interval}</td>'
    return f"<td>{text}{interval}</td>"


def _number(cell: Cell) -> float | None:
    """The number in a cell, or None where there is none to compare."""
    if cell is None or isinstance(cell, str):
        return None
    number = cell.value if isinstance(cell, Value) else float(cell)
    return number if math.isfinite(number) else None


def digits_for(numbers: Iterable[float | None], least: int) -> int:
    """Digits behind the point of a column: `least`, or more where its smallest number, but for 0,
    would be left with fewer than three."""
    small = min((abs(n) for n in numbers if n and math.isfinite(n)), default=1.0)
    return max(least, 2 - math.floor(math.log10(small)))


def number_text(number: float, digits: int) -> str:
    """The number with so many digits behind the point, a true minus sign, and no minus zero.

    Halves go away from zero as the number is written: 24.95, which no float is, is 25.0.
    """
    if not math.isfinite(number):
        return "–"
    if abs(number) < EXACT:
        written = Decimal(repr(float(number)))
        text = f"{written.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"
    else:
        text = f"{number:.{digits}f}"
    return text.replace("-", MINUS) if float(text) else text.removeprefix("-")
