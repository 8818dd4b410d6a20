"""Data sets as they are distributed: their layouts on disk, found, described and checked."""

from atdt.domains.datasets.check import Checked, check_dataset
from atdt.domains.datasets.describe import Describing, describe, missing_of
from atdt.domains.datasets.layout import Layout, layout, layout_names

__all__ = [
    "Checked",
    "Describing",
    "Layout",
    "check_dataset",
    "describe",
    "layout",
    "layout_names",
    "missing_of",
]
