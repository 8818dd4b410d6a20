"""The chain of losses: one system, measured from its first network to its use on B."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from atdt.evaluate.report_table import MINUS, Better, number_text


@dataclass(frozen=True)
class Link:
    """One place of the chain of losses: what was measured there, and where."""

    title: str
    metric: str
    value: float
    digits: int = 1
    better: Better = "higher"
    note: str = ""


@dataclass(frozen=True)
class Chain:
    """The chain of losses: the same system measured from link to link, so that a reader sees where
    it breaks. Neighbours of one metric show their difference."""

    caption: str
    links: Sequence[Link]

    def html(self) -> str:
        changes = ["", *(_change(before, after) for before, after in pairwise(self.links))]
        items = "".join(
            f'<li><span class="where">{escape(link.title)}</span>'
            f'<span class="metric">{escape(link.metric)}</span>'
            f'<span class="number">{number_text(link.value, link.digits)}</span>{change}'
            + (f'<span class="detail">{escape(link.note)}</span>' if link.note else "")
            + "</li>"
            for link, change in zip(self.links, changes, strict=True)
        )
        return (
            f'<figure class="chain"><figcaption>{escape(self.caption)}</figcaption>'
            f"<ol>{items}</ol></figure>"
        )


def _change(before: Link, after: Link) -> str:
    difference = after.value - before.value
    if before.metric != after.metric or not math.isfinite(difference):
        return ""
    text = number_text(difference, after.digits)
    if not float(text.replace(MINUS, "-")):
        return '<span class="change">unchanged</span>'
    improved = (difference > 0) == (after.better == "higher")
    kind = "gain" if improved else "loss"
    sign = "+" if difference > 0 else ""
    return f'<span class="change {kind}">{sign}{text}<span class="unseen"> ({kind})</span></span>'
