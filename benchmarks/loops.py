"""The loop of `atdt train`, through its own functions, beside the plainest loop that there is."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atdt.curves import RecentLosses
from atdt.devices import pick_device
from atdt.transfer.building import build
from atdt.transfer.config import TransferTraining
from atdt.transfer.estimate import feed_choice
from atdt.transfer.feed import Batch
from atdt.transfer.memory import FeedChoice
from atdt.transfer.setting import prepare
from atdt.transfer.trainee import LOG_EVERY, Feed, build_learner
from atdt.transfer.training import batches, open_feed

SOURCE, TARGET = "semantic", "depth"
ENDLESS = 10**9  # steps: no measurement sees the end of the schedule


class Loop:
    """A training of G from `store` that nobody writes down: no run, no curves, no checkpoints.

    Args:
        store: with the arrays "semantic" (E1) and "depth" (E2).
        batch: samples a step.
        options: of `TransferTraining`, its defaults otherwise; nothing is held out.
    """

    def __init__(self, store: Path, batch: int, **options: Any):
        fixed = {"out": Path("never"), "steps": ENDLESS, "held_out": 0.0, "batch": batch}
        self.config = TransferTraining(
            store=store, source=SOURCE, target=TARGET, **(fixed | options)
        )
        self.setting = prepare(self.config)
        self.device = pick_device(self.config.device)
        network = build(self.config, self.setting)
        self.learner = build_learner(self.config, self.setting, network, self.device)
        self._losses = RecentLosses(self.learner.names, self.device)

    def choice(self) -> FeedChoice:
        """Resident or streamed, as `train` chooses."""
        return feed_choice(self.config, self.setting, self.device)

    def feed(self) -> AbstractContextManager[Feed]:
        """The chosen feed, opened."""
        return open_feed(self.setting, self.choice(), self.device)

    def batches(self, feed: Feed) -> Iterator[Batch]:
        """The batches of `train`, epoch after epoch, without end."""
        return batches(feed, self.setting, self.config.seed, 0, ENDLESS)

    def train(self, fed: Iterable[Batch]) -> None:
        """What `train` does a step: the learner's, and the loss kept for the curves."""
        for done, batch in enumerate(fed, 1):
            self._losses.add(self.learner.learn(0, batch))
            if done % LOG_EVERY == 0:
                self._losses.means(done)
        settle(self.device)

    def train_bare(self, fed: Iterable[Batch]) -> None:
        """The learner's step and nothing else."""
        for batch in fed:
            self.learner.learn(0, batch)
        settle(self.device)

    def tensors(self, samples: int | None = None, device: torch.device | None = None) -> Batch:
        """The first samples of the arrays (all when None) as plain tensors in stored dtypes."""
        found = {}
        for name, reader in self.setting.readers.items():
            blocks, have = [], 0
            for block in range(reader.blocks):
                if samples is None or have < samples:
                    blocks.append(torch.from_numpy(reader.read_block(block)))
                    have += len(blocks[-1])
            found[name] = torch.cat(blocks)[:samples].to(device or self.device)
        return found


def plain_batches(tensors: Mapping[str, Tensor], batch: int, device: torch.device) -> Iterator:
    """Batches from memory without end: a random permutation, and rows picked by it."""
    first = next(iter(tensors.values()))
    while True:
        for rows in torch.randperm(len(first), device=first.device).split(batch):
            yield {n: array.index_select(0, rows).to(device) for n, array in tensors.items()}


def steps(fed: Iterator[Batch], count: int) -> Iterator[Batch]:
    """The next `count` batches; `fed` goes on where they end."""
    return islice(fed, count)


def settle(device: torch.device) -> None:
    """Wait for a GPU: what is timed must be done, not only asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
