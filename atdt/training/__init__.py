"""Task networks: trained here, imported from elsewhere, adapted to a domain, and loaded again."""

from atdt.training.adabn import BatchNormAdaptation, adapt_batch_norm
from atdt.training.config import TaskTraining
from atdt.training.further import Auxiliary, ConsistencyTraining, NormDiscrepancy, Teaching
from atdt.training.importing import NetworkImport, import_network
from atdt.training.load import LoadedNetwork, load_task_network
from atdt.training.loop import train_task

__all__ = [
    "Auxiliary",
    "BatchNormAdaptation",
    "ConsistencyTraining",
    "LoadedNetwork",
    "NetworkImport",
    "NormDiscrepancy",
    "TaskTraining",
    "Teaching",
    "adapt_batch_norm",
    "import_network",
    "load_task_network",
    "train_task",
]
