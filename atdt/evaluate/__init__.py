"""From predictions to measurements, tables and reports."""

from atdt.evaluate.evaluation import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
