"""Many transfer networks at once, and which of them to take."""

from atdt.experiments.sweep.sweep import Sweep, sweep

__all__ = ["Sweep", "sweep"]
