"""Task networks: trained here, imported from elsewhere, adapted to a domain, and loaded again."""

from atdt.training.adabn import BatchNormAdaptation, adapt_batch_norm
from atdt.training.config import Auxiliary, ConsistencyTraining, TaskTraining
from atdt.training.importing import NetworkImport, import_network
from atdt.training.load import LoadedNetwork, load_task_network
from atdt.training.loop import train_task

__all__ = [
    "Auxiliary",
    "BatchNormAdaptation",
    "ConsistencyTraining",
    "LoadedNetwork",
    "NetworkImport",
    "TaskTraining",
    "adapt_batch_norm",
    "import_network",
    "load_task_network",
    "train_task",
]
