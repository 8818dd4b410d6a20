"""Label transfer: T2's labels of B from its labels of T1, by a network that learns it on A.

AT/DT learns on A how features of T1 become features of T2, and uses it on B. Labels differ less
from A to B than images do: no colours, no weather. What is made so for B's training images teaches
one plain network for B; see docs/label-transfer.md.
"""

from atdt.label_transfer.carrying import transfer_labels
from atdt.label_transfer.config import LabelPrediction, LabelTraining
from atdt.label_transfer.training import train_label_transfer

__all__ = ["LabelPrediction", "LabelTraining", "train_label_transfer", "transfer_labels"]
