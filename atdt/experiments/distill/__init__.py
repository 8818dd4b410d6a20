"""One plain network for B, from predictions of whatever made them."""

from atdt.experiments.distill.config import Distillation
from atdt.experiments.distill.distill import distill

__all__ = ["Distillation", "distill"]
