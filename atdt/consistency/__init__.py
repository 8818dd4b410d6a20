"""Cross-task consistency: a network that gives T1 from predictions of T2, and what it tells."""

from atdt.consistency.config import CrossTaskTraining, Scoring
from atdt.consistency.learning import train_cross_task
from atdt.consistency.scoring import score_consistency
from atdt.training.cross_task import CrossTask, consistency_error, load_cross_task

__all__ = [
    "CrossTask",
    "CrossTaskTraining",
    "Scoring",
    "consistency_error",
    "load_cross_task",
    "score_consistency",
    "train_cross_task",
]
