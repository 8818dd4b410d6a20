"""Norm discrepancy: features of two domains, location by location, should be of the same length.

Our reading of what the authors of AT/DT outline in "Learning Good Features to Transfer Across Tasks
and Domains" (TPAMI 2023, arXiv 2301.11310), whose formula we had no access to: the mean over
locations of | ‖E(x_A)‖₂ − ‖E(x_B)‖₂ |, x_A and x_B of one step cut at the same place, since street
scenes share their layout. No label is read.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from atdt.networks import TaskNetwork
from atdt.ranks import Ranks
from atdt.training.batches import Batch


@dataclass(frozen=True)
class Discrepancy:
    """A term of a training's loss, beside those of its tasks.

    Attributes:
        network: whose deepest features are compared.
        weight: of the term.
        name: of it, as the curves call it.
    """

    network: TaskNetwork
    weight: float
    name: str = "norm_discrepancy"

    def loss(self, batch: Batch, precision: AbstractContextManager, ranks: Ranks) -> Tensor:
        """This rank's part of it, of a batch in which images of the two domains take turns."""
        self.network.train()
        with precision:
            features = self.network.encode(batch.image)
        loss = norm_discrepancy(features[0::2].float(), features[1::2].float())
        return loss / ranks.launch.size  # all have as many pairs


def norm_discrepancy(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference of the lengths of features, over pairs and locations; a scalar.

    Args:
        first, second: (N, C, h, w) float32; lengths are L2 norms over the C channels.
    """
    lengths = (torch.linalg.vector_norm(features, dim=1) for features in (first, second))
    return torch.nn.functional.l1_loss(*lengths)
