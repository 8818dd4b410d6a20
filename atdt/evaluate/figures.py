"""Pictures and plots of a report, written into the page itself."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import matplotlib
import numpy as np
from matplotlib.figure import Figure as PlotFigure
from PIL import Image


@dataclass(frozen=True)
class PictureRow:
    """A row of pictures, uint8 (H, W, 3) each; None leaves a place empty."""

    label: str
    pictures: Sequence[np.ndarray | None]


@dataclass(frozen=True)
class PictureGrid:
    """Pictures in named columns (input, baseline, AT/DT, oracle, truth).

    `legend` says what colours mean: name -> (red, green, blue).

    Raises:
        ValueError: a row has another number of pictures than there are columns.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[PictureRow]
    legend: dict[str, tuple[int, int, int]] | None = None

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.pictures) != len(self.columns):
                raise ValueError(
                    f"row {row.label!r} has {len(row.pictures)} pictures "
                    f"for {len(self.columns)} columns"
                )

    def html(self) -> str:
        header = "".join(f'<th scope="col">{escape(column)}</th>' for column in self.columns)
        rows = "".join(
            f'<tr><th scope="row">{escape(row.label)}</th>'
            + "".join(
                f"<td>{_picture(picture, f'{column}, {row.label}')}</td>"
                for picture, column in zip(row.pictures, self.columns, strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        caption = escape(self.caption)
        return (
            f'<figure class="wide pictures"><figcaption>{caption}</figcaption>'
            f'<div class="scroll" role="region" aria-label="{caption}" tabindex="0"><table>'
            f"<thead><tr><td></td>{header}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div></figure>" + self._legend()
        )

    def _legend(self) -> str:
        if not self.legend:
            return ""
        entries = "".join(
            f'<li><span class="swatch" style="background:#{red:02x}{green:02x}{blue:02x}"></span>'
            f"{escape(name)}</li>"
            for name, (red, green, blue) in self.legend.items()
        )
        return f'<ul class="legend" aria-label="colours">{entries}</ul>'


def _picture(picture: np.ndarray | None, alt: str) -> str:
    if picture is None:
        return '<span class="none">–</span>'
    height, width = picture.shape[:2]
    return (
        f'<img src="{picture_uri(picture)}" alt="{escape(alt)}" width="{width}" height="{height}">'
    )


@dataclass(frozen=True)
class Plot:
    """A matplotlib figure; `alt` says in words what it shows."""

    figure: PlotFigure
    caption: str
    alt: str

    def html(self) -> str:
        return (
            f'<figure class="plot"><img src="{plot_uri(self.figure)}" alt="{escape(self.alt)}">'
            f"<figcaption>{escape(self.caption)}</figcaption></figure>"
        )


def picture_uri(picture: np.ndarray) -> str:
    """A uint8 (H, W, 3) picture as a data URI that holds a PNG.

    Raises:
        ValueError: another shape or dtype.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture is uint8 (H, W, 3), not {picture.dtype} {picture.shape}")
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png", optimize=True)
    return _uri("image/png", buffer.getvalue())


def plot_uri(figure: PlotFigure) -> str:
    """A matplotlib figure as a data URI that holds an SVG: sharp at any size, letters as paths,
    and the same bytes for the same figure."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "atdt", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    return _uri("image/svg+xml", buffer.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
