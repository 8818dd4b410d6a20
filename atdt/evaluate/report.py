"""A report as one HTML page that needs nothing else: styles and pictures are inside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import quote

from atdt.evaluate.figures import PictureGrid, PictureRow, Plot
from atdt.evaluate.report_chain import Chain, Link
from atdt.evaluate.report_style import STYLE
from atdt.evaluate.report_table import Column, Row, Table, Value
from atdt.files import write_atomic

__all__ = [
    "Chain",
    "Column",
    "Facts",
    "Heading",
    "Link",
    "Pages",
    "Paragraph",
    "PictureGrid",
    "PictureRow",
    "Plot",
    "Row",
    "Section",
    "Table",
    "Value",
    "write_report",
]


class Section(Protocol):
    """A part of a report."""

    def html(self) -> str:
        """The part as HTML, everything that came from outside escaped."""
        ...


@dataclass(frozen=True)
class Heading:
    """A title inside the report; `level` 2 opens a chapter, 3 a part of it."""

    text: str
    level: Literal[2, 3] = 2

    def html(self) -> str:
        return f"<h{self.level}>{escape(self.text)}</h{self.level}>"


@dataclass(frozen=True)
class Paragraph:
    """Running text; blank lines part paragraphs. "note" and "warning" are set apart in a box."""

    text: str
    tone: Literal["plain", "note", "warning"] = "plain"

    def html(self) -> str:
        parts = (part.strip() for part in self.text.split("\n\n"))
        body = "".join(f"<p>{escape(part)}</p>" for part in parts if part)
        return body if self.tone == "plain" else f'<div class="box {self.tone}">{body}</div>'


@dataclass(frozen=True)
class Pages:
    """Other pages, by the files in which they lie beside this one."""

    title: str
    files: dict[str, str]

    def html(self) -> str:
        items = "".join(
            f'<li><a href="{escape(quote(file))}">{escape(name)}</a></li>'
            for name, file in self.files.items()
        )
        return f"<h3>{escape(self.title)}</h3><ul>{items}</ul>"


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for (seeds, steps, versions), folded away unless `is_open`."""

    title: str
    facts: dict[str, object]
    is_open: bool = False

    def html(self) -> str:
        entries = "".join(
            f"<dt>{escape(str(name))}</dt><dd>{escape(str(fact))}</dd>"
            for name, fact in self.facts.items()
        )
        opened = " open" if self.is_open else ""
        return (
            f"<details{opened}><summary>{escape(self.title)}</summary><dl>{entries}</dl></details>"
        )


def write_report(path: Path, title: str, sections: Sequence[Section], *, lead: str = "") -> Path:
    """Write the sections under a title as one self-contained page, atomically; return its path.

    `lead` is the sentence below the title that says what came out. The page may load nothing: its
    own policy forbids it, so that a report can be opened anywhere and sent to anyone.
    """
    body = "".join(f"<section>{section.html()}</section>" for section in sections)
    lead_html = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><header><h1>{escape(title)}</h1>{lead_html}</header>{body}</main></body>"
        "</html>\n"
    )
    return write_atomic(path, page.encode())
