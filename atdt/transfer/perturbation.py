"""Features that G learns from, made harder: noise on E1's, and mixtures of samples.

Held-out images are measured as they are. All is drawn from (seed, step), so that a training that
was cut off goes on to the same bits.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from atdt.ranks import ALONE, Ranks
from atdt.transfer.feed import Batch

NOISE, MIXUP = 1, 2  # streams of random numbers, apart from those of the order of samples


@dataclass(frozen=True)
class Perturbation:
    """What is done to each batch of a training.

    Attributes:
        noise: standard deviation of Gaussian noise on E1's features, in units of each channel's
            own; 0: none.
        mixup: α of Beta(α, α), from which each sample draws how much of it is kept when it is mixed
            with another of its batch (Zhang et al., "mixup: Beyond Empirical Risk Minimization",
            ICLR 2018); 0: no mixtures.
        scale: (C1, 1, 1) standard deviations of E1's channels, on the device of the batches.
        seed: of all draws.
        ranks: that learn together; mixtures are for one alone.
    """

    noise: float
    mixup: float
    scale: Tensor
    seed: int
    ranks: Ranks = ALONE

    def noisy(self, step: int, batch: Batch, whole: int | None = None) -> Batch:
        """The batch of a step with noise on "source"; the same noise whatever was mixed before, and
        whichever rank the sample falls to.

        Args:
            whole: samples of the batch of all ranks, of which `batch` is this one's part; None: it
                is all.
        """
        if not self.noise:
            return batch
        source = batch["source"]
        generator = torch.Generator(source.device).manual_seed(self._seed(step, NOISE))
        whole = len(source) if whole is None else whole
        shape = whole, *source.shape[1:]
        drawn = torch.randn(shape, generator=generator, device=source.device)
        drawn = drawn[self.ranks.part(whole)]
        return batch | {"source": source + self.noise * self.scale * drawn}

    def mixed(self, step: int, batch: Batch) -> Batch:
        """Mixtures of the samples of a batch: "source" and "target" with the same shares, and no
        label, since no image is known that would look so."""
        random = np.random.default_rng(self._seed(step, MIXUP))
        samples = len(batch["source"])
        others = torch.from_numpy(random.permutation(samples)).to(self.scale.device)
        shares = random.beta(self.mixup, self.mixup, samples).astype(np.float32)
        kept = torch.from_numpy(shares).to(self.scale.device)[:, None, None, None]
        return {
            name: kept * batch[name] + (1 - kept) * batch[name][others]
            for name in ("source", "target")
        }

    def _seed(self, step: int, stream: int) -> int:
        words = np.random.SeedSequence([self.seed, step, stream]).generate_state(1, np.uint64)
        return int(words[0])
