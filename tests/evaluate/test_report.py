"""The report page: everything inside it, everything escaped, the right numbers marked."""

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from atdt.evaluate.report import (
    Chain,
    Column,
    Facts,
    Heading,
    Link,
    Pages,
    Paragraph,
    PictureGrid,
    PictureRow,
    Plot,
    Row,
    Section,
    Table,
    Value,
    write_report,
)

EVIL = "<script>alert('x')</script> & \"quoted\""
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Tags with their attributes, the text of each, and proof that tags nest."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.stack: list[str] = []
        self.feed(html)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)


def plot() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [1, 2])
    return figure


def table(*rows: Row, better: str | None = "higher", digits: int = 1) -> Table:
    return Table("scores", [Column("mIoU", digits, better)], rows)


def every_section(text: str) -> list[Section]:
    grid = PictureGrid(
        text, [text, "b"], [PictureRow(text, [picture(), None])], legend={text: (1, 2, 255)}
    )
    row = Row(text, [text], tag=text, notes=[text], mismatch=[text])
    return [
        Heading(text),
        Paragraph(f"{text}\n\n{text}", "warning"),
        Facts(text, {text: text}),
        Pages(text, {text: text}),
        Table(text, [Column(text)], [row], label_header=text),
        Chain(text, [Link(text, text, 1.0, note=text)]),
        grid,
        Plot(plot(), text, text),
    ]


def test_everything_is_escaped_and_nests(tmp_path: Path) -> None:
    path = write_report(tmp_path / "r" / "index.html", EVIL, every_section(EVIL), lead=EVIL)
    html = path.read_text()
    assert "<script" not in html
    page = Page(html)
    assert not page.of("script")
    assert sum(EVIL in text for text in page.texts) >= 15
    assert {image["alt"] for image in page.of("img")} == {f"{EVIL}, {EVIL}", EVIL}


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    html = write_report(tmp_path / "index.html", "report", every_section("plain")).read_text()
    page = Page(html)
    images = [image["src"] for image in page.of("img")]
    assert len(images) == 2
    assert all(source.startswith("data:image/") for source in images)
    assert not page.of("link") and "url(" not in html and "@import" not in html
    policy = next(meta["content"] for meta in page.of("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")


def test_a_picture_comes_back_from_the_page() -> None:
    pixels = picture(3)
    grid = PictureGrid("grid", ["input"], [PictureRow("0", [pixels])])
    source = Page(grid.html()).of("img")[0]["src"]
    with Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))) as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_the_same_plot_gives_the_same_bytes() -> None:
    assert Plot(plot(), "a", "b").html() == Plot(plot(), "a", "b").html()


@pytest.mark.parametrize(("better", "best"), [("higher", "38.4"), ("lower", "35.5")])
def test_the_best_of_those_that_compete_is_marked(better: str, best: str) -> None:
    html = table(
        Row("baseline", [Value(35.5, 33.9, 37.1)]),
        Row("AT/DT", [38.4]),
        Row("oracle", [50.6], competes=False),
        Row("absurd", [1.0], competes=False),
        Row("unknown", [float("nan")]),
        better=better,
    ).html()
    assert html.count("<strong") == 1
    assert f'<strong title="best">{best}</strong>' in html


def test_what_looks_equal_is_equally_good() -> None:
    html = table(Row("a", [38.41]), Row("b", [38.38]), Row("c", [38.3])).html()
    assert html.count('<strong title="best">38.4</strong>') == 2


def test_nothing_is_best_alone_or_without_a_direction() -> None:
    assert "<strong" not in table(Row("a", [1.0])).html()
    assert "<strong" not in table(Row("a", [1.0]), Row("b", [2.0]), better=None).html()


def test_intervals_dashes_and_signs() -> None:
    html = table(
        Row("a", [Value(-3.04, -9.0, 4.0)]), Row("b", [None]), Row("c", [-0.04]), better=None
    ).html()
    assert '\u22123.0<span class="interval">\u22129.0 … 4.0</span>' in html
    assert '<td><span class="none" title="undefined">–</span></td>' in html
    assert "<td>0.0</td>" in html


def test_notes_are_numbered_once_and_mismatches_shown() -> None:
    html = table(
        Row("a", [1.0], notes=["same", "same"], mismatch=["encoder: ab, cd"]),
        Row("b", [2.0], notes=["same"]),
    ).html()
    assert html.count("<li>") == 2
    assert "<li>Mismatch allowed: encoder: ab, cd</li>" in html
    assert '<span class="tag mismatch">mismatch</span>' in html
    assert '<sup aria-label="note 1 2">1 2</sup>' in html
    assert '<sup aria-label="note 1">1</sup>' in html


def test_the_chain_tells_gains_from_losses() -> None:
    html = Chain(
        "chain",
        [
            Link("N1 on A", "abs rel", 0.11, 2, "lower"),
            Link("N1 on B", "abs rel", 0.18, 2, "lower"),
            Link("N2 on A", "mIoU", 65.4),
            Link("AT/DT on A", "mIoU", 65.4),
            Link("AT/DT on B", "mIoU", 70.0),
        ],
    ).html()
    assert 'change loss">+0.07' in html
    assert 'change gain">+4.6' in html
    assert html.count("unchanged") == 1
    assert html.count('class="change') == 3


def test_rows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="has 2 cells for 1 columns"):
        table(Row("a", [1.0, 2.0]))
    with pytest.raises(ValueError, match="has 0 pictures for 1 columns"):
        PictureGrid("grid", ["input"], [PictureRow("a", [])])
    with pytest.raises(ValueError, match="uint8"):
        PictureGrid("grid", ["input"], [PictureRow("a", [np.zeros((2, 2))])]).html()
