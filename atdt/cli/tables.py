"""Tables as the verbs that show things print them."""

import json
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from atdt.evaluate.report_table import Table as Figures


def show(table: "Figures", wide: int = 160, least: int = 0) -> None:
    """Print a table of figures as wide as the terminal, or `wide` columns where there is none."""
    import click

    from atdt.evaluate.table import terminal_text

    click.echo(terminal_text(table, _columns(wide, least)))


def _columns(wide: int, least: int) -> int:
    return max(shutil.get_terminal_size((wide, 40)).columns, least)


def console() -> "Console":
    """A console as wide as the terminal, that takes names literally."""
    from rich.console import Console

    return Console(width=_columns(140, least=60), markup=False, highlight=False)


def table(*headings: str) -> "Table":
    """An empty table with these columns."""
    from rich.box import SIMPLE
    from rich.table import Table

    shown = Table(box=SIMPLE)
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    return shown


def facts(content: dict[str, Any]) -> "Table":
    """Two columns: names and what they are."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in content.items():
        table.add_row(key, text(value))
    return table


def flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def text(value: Any) -> str:
    """A value as JSON, letters as they are."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
