"""The numbers that the paper prints, as data; see published/iccv2019.toml."""

from functools import cache
from pathlib import Path
from typing import Any

from atdt.texts import read_toml

FILE = Path(__file__).parent / "published" / "iccv2019.toml"


@cache
def published(table: str) -> tuple[dict[str, Any], ...]:
    """The rows of a table, "table1" to "table6" or "figure4"."""
    return tuple(_content()[table])


def published_row(table: str, a: str, b: str, **where: Any) -> dict[str, Any] | None:
    """The row of a pair of domains with these values, such as method="atdt"; None: not printed.

    A row without a domain A (the oracles) is every A's.
    """
    wanted = {"b": b, **where}
    for row in published(table):
        if row.get("a", a) == a and all(row.get(key) == value for key, value in wanted.items()):
            return row
    return None


def classes() -> tuple[str, ...]:
    """Classes of the rows' `iou`, in their order."""
    return tuple(_content()["classes"])


@cache
def _content() -> dict[str, Any]:
    return read_toml(FILE)
