"""Tables of what was measured: from metrics.json to the terminal and to Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from atdt.evaluate.report_table import (
    Cell,
    Column,
    Row,
    Table,
    Value,
    gap_cell,
    number_text,
    value_cell,
)

GAP = "gap closed %"
PADDING = 3  # of a column on the terminal, and its rule
FRAME = 4  # of the labels, and the rules left and right


@dataclass(frozen=True)
class Entry:
    """One method of a table: its name, and the content of its metrics.json (of one task).

    `tag`, `competes` and `emphasis` are those of `report_table.Row`.
    """

    label: str
    info: dict[str, Any]
    tag: str = ""
    competes: bool = True
    emphasis: bool = False


def figures_table(entries: Sequence[Entry]) -> Table:
    """The main figures: a row for each method and way of measuring, a column for each figure.

    Percentages are shown as such. A way that is a diagnostic says why in a note; what
    --allow-mismatch let through stands with each row of its method. The last column is the gap
    closed on the headline's figure, where a method has one.
    """
    columns: dict[str, Column] = {}
    for entry in entries:
        columns |= {m["title"]: _column(m) for m in entry.info["metrics"] if not m["detail"]}
    with_gap = any(entry.info["gap_closed"] for entry in entries)
    if with_gap:
        columns[GAP] = Column(GAP, 0, "higher")
    rows = []
    for entry in entries:
        info = entry.info
        headline = next(m["title"] for m in info["metrics"] if m["key"] == info["headline"])
        for way, by_title in _ways(info).items():
            cells = {title: _cell(info, metric) for title, metric in by_title.items()}
            if with_gap and headline in by_title:
                cells[GAP] = _gap_cell(info, by_title[headline])
            notes = _unique(_note(metric) for metric in by_title.values())
            row = Row(
                label=f"{entry.label} {way}".rstrip(),
                cells=[cells.get(title) for title in columns],
                tag=entry.tag,
                notes=notes,
                mismatch=info["mismatch"],
                competes=entry.competes and not notes,
                emphasis=entry.emphasis,
            )
            rows.append(row)
    return Table(_caption(entries[0].info), list(columns.values()), rows, "method")


def figures_by_method(entries: Sequence[Entry]) -> Table:
    """The same, and what the other table leaves out (the IoU of each class), turned round: a row
    for each figure, a column for each method; it stays narrow. Mismatches are the first row."""
    metrics = {metric["key"]: metric for entry in entries for metric in entry.info["metrics"]}
    with_gap = [entry for entry in entries if entry.info["gap_closed"]]
    columns = [entry.label for entry in entries]
    columns += [GAP if len(with_gap) == 1 else f"{entry.label}: {GAP}" for entry in with_gap]
    rows = []
    if any(entry.info["mismatch"] for entry in entries):
        texts = ["; ".join(entry.info["mismatch"]) for entry in entries]
        rows.append(Row("mismatch allowed", texts + [""] * len(with_gap)))
    named: set[str] = set()
    for metric in metrics.values():
        factor, digits = metric["factor"], metric["digits"]
        if factor and factor not in named:
            named.add(factor)
            texts = [_factor(entry.info, factor) for entry in entries]
            rows.append(Row(f"{metric['way']}: factor", texts + [""] * len(with_gap)))
        cells = [_text(_cell(entry.info, metric), digits) for entry in entries]
        cells += [_text(_gap_cell(entry.info, metric), 0) for entry in with_gap]
        name = _header(_column(metric))
        label = f"{metric['way']}: {name}" if metric["way"] else name
        rows.append(Row(label, cells, notes=_unique([_note(metric)])))
    return Table(_caption(entries[0].info), [Column(name) for name in columns], rows, "figure")


def terminal_text(table: Table, width: int = 120) -> str:
    """A table for the terminal, `width` columns wide at most, with its notes below.

    Where it is wider, intervals stand below their figures; and columns for which there still is no
    room below the others, beside the same labels. No figure is cut in two.
    """
    notes: list[str] = []
    labels = [_label(row, notes) for row in table.rows]
    headers = [_header(column) for column in table.columns]
    texts = [_texts(row, table.columns) for row in table.rows]
    beside = min(max(map(len, (table.label_header, *labels))), width // 2)
    room = width - beside - FRAME
    widths = _widths(headers, texts, room)
    if len(_parts(widths, room)) > 1:
        texts = [[cell.replace(" [", "\n[") for cell in row] for row in texts]
        widths = _widths(headers, texts, room)
    parts = _parts(widths, room)
    console = Console(width=width, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        if table.caption:
            console.print(Text(table.caption))
        for part in parts:
            rich = RichTable()
            rich.add_column(table.label_header, width=beside, overflow="fold")
            for k, wide in zip(part, _spread(part, widths, headers, texts, room), strict=True):
                rich.add_column(headers[k], justify="right", width=wide, overflow="fold")
            for label, row in zip(labels, texts, strict=True):
                rich.add_row(Text(label), *(Text(row[k]) for k in part))
            console.print(rich)
        for note in _numbered(notes):
            console.print(note)
    return capture.get().rstrip("\n")


def _widths(headers: Sequence[str], texts: Sequence[Sequence[str]], room: int) -> list[int]:
    """Of each column, at the least: text may break between words, a figure nowhere."""
    widths = []
    for k, header in enumerate(headers):
        pieces = header.split()
        for row in texts:
            is_text = any(character.isalpha() for character in row[k])
            pieces += row[k].split() if is_text else row[k].split("\n")
        widths.append(min(max(map(len, pieces), default=0), room - PADDING))
    return widths


def _spread(
    part: Sequence[int],
    widths: Sequence[int],
    headers: Sequence[str],
    texts: Sequence[Sequence[str]],
    room: int,
) -> list[int]:
    """Widths of a part's columns: what they need at the least, and of what is left their share."""
    left = room - sum(widths[k] + PADDING for k in part)
    spread = []
    for number, k in enumerate(part):
        lines = [headers[k], *(line for row in texts for line in row[k].split("\n"))]
        wanted = max(map(len, lines)) - widths[k]
        more = max(0, min(wanted, left // (len(part) - number)))
        left -= more
        spread.append(widths[k] + more)
    return spread


def _parts(widths: Sequence[int], room: int) -> list[list[int]]:
    """Columns, by number, in parts that have room side by side, each of as many as may be."""
    for many in range(1, len(widths)):
        each = -(-len(widths) // many)
        parts = [list(range(k, min(k + each, len(widths)))) for k in range(0, len(widths), each)]
        if all(sum(widths[k] + PADDING for k in part) <= room for part in parts):
            return parts
    return [[k] for k in range(len(widths))]


def markdown(table: Table) -> str:
    """A table in Markdown, as GitHub reads it: caption, rows, notes."""
    notes: list[str] = []
    lines = [
        _row([table.label_header, *(_header(column) for column in table.columns)]),
        _row([":--", *("--:" for _ in table.columns)]),
        *(_row([_label(row, notes), *_texts(row, table.columns)]) for row in table.rows),
    ]
    below = [""] + [f"{note}  " for note in _numbered(notes)] if notes else []
    return "\n".join([f"**{table.caption}**", "", *lines, *below]) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _numbered(notes: Sequence[str]) -> list[str]:
    return [f"[{number}] {note}" for number, note in enumerate(notes, start=1)]


def _label(row: Row, notes: list[str]) -> str:
    """A row's name with the numbers of its notes, which are added to `notes` when new."""
    own = [*row.notes, *(f"mismatch allowed: {difference}" for difference in row.mismatch)]
    notes += [note for note in own if note not in notes]
    marks = "".join(f"[{number}]" for number in sorted(notes.index(note) + 1 for note in own))
    tag = f"({row.tag})" if row.tag else ""
    return " ".join(filter(None, [row.label, tag, "(mismatch)" if row.mismatch else "", marks]))


def _texts(row: Row, columns: Sequence[Column]) -> list[str]:
    return [_text(cell, column.digits) for cell, column in zip(row.cells, columns, strict=True)]


def _text(cell: Cell, digits: int) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    value = cell if isinstance(cell, Value) else Value(float(cell))
    text = number_text(value.value, digits)
    if value.low is None or value.high is None:
        return text
    return f"{text} [{number_text(value.low, digits)}, {number_text(value.high, digits)}]"


def _ways(info: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Way, with the factor it used → title → metric, of the main figures."""
    ways: dict[str, dict[str, dict[str, Any]]] = {}
    for metric in info["metrics"]:
        if not metric["detail"]:
            way, factor = metric["way"], metric["factor"]
            name = f"{way} {_factor(info, factor)}" if factor else way
            ways.setdefault(name, {})[metric["title"]] = metric
    return ways


def _factor(info: dict[str, Any], factor: str) -> str:
    value = info["ways"][factor]
    return "–" if value is None else f"{value:.3g}"


def _header(column: Column) -> str:
    arrow = {"higher": "↑", "lower": "↓", None: ""}[column.better]
    return " ".join(filter(None, [column.name, arrow]))


def _column(metric: dict[str, Any]) -> Column:
    unit = " %" if metric["percent"] else ""
    return Column(metric["title"] + unit, metric["digits"], metric["better"])


def _cell(info: dict[str, Any], metric: dict[str, Any]) -> Value | None:
    factor = 100 if metric["percent"] else 1
    key = metric["key"]
    return value_cell(info["scores"].get(key), info["intervals"].get(key), factor)


def _gap_cell(info: dict[str, Any], metric: dict[str, Any]) -> Value | str | None:
    gap = (info["gap_closed"] or {"metrics": {}})["metrics"].get(metric["key"])
    if gap is None:
        return None
    return gap_cell(gap["value"], gap["interval"])


def _note(metric: dict[str, Any]) -> str:
    why = metric["diagnostic"]
    return f"diagnostic: {why}" if why else ""


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def _caption(info: dict[str, Any]) -> str:
    images = info["images"]
    count = images["count"] - len(images["left_out"])
    domain = info["domain"]
    return f"{info['task']} on {domain['name']}:{domain['split']}, {count} images"
