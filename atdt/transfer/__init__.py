"""Phase 2: the transfer network G, from a feature store to a run."""

from atdt.transfer.config import Consistency, LabelsOfB, TransferTraining
from atdt.transfer.estimate import TransferEstimate, list_architectures, plan_training
from atdt.transfer.load import LoadedTransfer, load_transfer
from atdt.transfer.training import train

__all__ = [
    "Consistency",
    "LabelsOfB",
    "LoadedTransfer",
    "TransferEstimate",
    "TransferTraining",
    "list_architectures",
    "load_transfer",
    "plan_training",
    "train",
]
