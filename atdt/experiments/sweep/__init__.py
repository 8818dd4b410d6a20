"""Many transfer networks at once, and which of them to take."""

from atdt.experiments.sweep.config import Sweep
from atdt.experiments.sweep.sweep import sweep

__all__ = ["Sweep", "sweep"]
