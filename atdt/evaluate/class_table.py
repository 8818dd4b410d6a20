"""The table of the figures of each class, from metrics.json."""

from typing import Any

from atdt.evaluate.report_table import (
    Cell,
    Column,
    Row,
    Table,
    gap_cell,
    metric_title,
    steady_gap_cell,
    value_cell,
)

ROWS = ("method", "baseline", "oracle")


def class_table(info: dict[str, Any], label: str) -> Table:
    """The headline's figure of each class, of the method and of whom it was held against.

    A figure × focal ratio is shown where there is one, of the oracle without.

    Args:
        info: of an evaluation by class.
        label: of the method.
    """
    metrics = {metric["key"]: metric for metric in info["metrics"]}
    scaled = [
        key
        for key, m in metrics.items()
        if m["plain"] == info["headline"] and m["factor"] == "focal_ratio"
    ]
    shown = metrics[scaled[0] if scaled else info["headline"]]
    as_gap = steady_gap_cell if info["bootstrap"]["replicates"] else gap_cell
    rows = [name for name in ROWS if name in next(iter(info["by_class"].values()))]
    total = sum(each["pixels"] for each in info["by_class"].values())
    columns = [Column("pixels %", 1)]
    columns += [
        Column(label if name == "method" else name, shown["digits"], shown["better"])
        for name in rows
    ]
    with_gap = len(rows) > 1
    if with_gap:
        columns.append(Column("gap closed %", 0, "higher"))
    lines = []
    for name, each in info["by_class"].items():
        cells: list[Cell] = [100 * each["pixels"] / total]
        for row in rows:
            key = info["headline"] if row == "oracle" else shown["key"]
            figures = each[row]  # a baseline from elsewhere may know no focal ratio
            cells.append(value_cell(figures["scores"].get(key), figures["intervals"].get(key)))
        if with_gap:
            gap = each["gap_closed"].get(shown["key"])
            cells.append(None if gap is None else as_gap(gap["value"], gap["interval"]))
        lines.append(Row(name, cells))
    title = metric_title(shown, unit=False)
    return Table(f"{title}, by the class of the pixels", columns, lines, "class")
