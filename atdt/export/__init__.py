"""From runs to one file that predicts a task, checked against the networks that it is made of."""

from atdt.export.config import Exporting
from atdt.export.exporting import export

__all__ = ["Exporting", "export"]
