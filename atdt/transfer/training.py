"""Phase 2: train G from a feature store, from a configuration to a run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from atdt.checks import check_out_apart
from atdt.hold import exclusive
from atdt.progress import progress
from atdt.ranks import ALONE, Ranks, joined
from atdt.runs import create_run
from atdt.transfer.building import build, input_keys
from atdt.transfer.config import TransferTraining
from atdt.transfer.cost import cost
from atdt.transfer.estimate import feed_choice, stated
from atdt.transfer.feed import Batch, ResidentFeed, StreamingFeed
from atdt.transfer.load import KIND
from atdt.transfer.memory import FeedChoice
from atdt.transfer.on_b import OnB, PairedFeed, StoreFeed, with_b
from atdt.transfer.order import epoch_order
from atdt.transfer.setting import Setting, prepare
from atdt.transfer.solving import ridges
from atdt.transfer.trainee import Feed, Trainee, learnt_from

Say = Callable[[str], Any]


def train(config: TransferTraining, say: Say = lambda line: None) -> Path:
    """Train a transfer network, or a head on E1, and leave a run of kind "transfer".

    Adam on batches in an order that depends on (seed, epoch, geometry of the store) alone; `ridge`
    is solved for in one pass instead. A training that was cut off goes on by `resume` from its last
    checkpoint and ends with the same bits, on the same processor with the same number of threads,
    whichever feed either part had. On a GPU this holds as far as kernels are deterministic; cuDNN
    is told to choose such.

    Where torchrun started several processes, they train it together, on the same batches in the
    same order: to rounding the same as one would, whatever their number; see docs/scale.md.

    Args:
        say: called with each line that a user should see: costs, the feed and its reason.

    Returns:
        the run's folder.

    Raises:
        UserError: an option, store, array or run that cannot be used.
        MismatchError: the store's E2 is not `target_run`'s.
        NumericsError: the loss is not finite any more.
    """
    with joined(config.device) as ranks:
        return _train(config, say if ranks.is_first else lambda line: None, ranks)


def _train(config: TransferTraining, say: Say, ranks: Ranks) -> Path:
    device = ranks.device
    check_out_apart(config.out, config.read)
    setting = with_b(config, prepare(config))
    config.check_together(ranks)
    network = build(config, setting)
    choice, inputs = feed_choice(config, setting, device, ranks), input_keys(config, setting)
    with (
        ranks.first_holds(exclusive(config.out)),
        torch.backends.cudnn.flags(enabled=True, deterministic=True),
    ):
        run = ranks.first_makes(
            lambda: create_run(
                config.out,
                KIND,
                learnt_from(config, setting, inputs, device, ranks),
                overwrite=config.overwrite,
                resume=config.resume,
            )
        )
        if run.complete:
            say(f"{run.path}: a finished run of the same options, nothing to do")
            return run.path
        for line in stated(config, setting, network, cost(network, setting.source_shape), choice):
            say(line)
        trainee = Trainee(config, setting, inputs, run, network, device, ranks)
        for line in ranks.said(trainee.learner.network, config.batch):
            say(line)
        with open_feed(setting, choice, device, ranks) as feed, trainee:
            trainee.begin(feed, *ridges([trainee], feed, ranks))
            left = config.last_step - trainee.done
            with progress(f"train {config.target}", left) as advance:
                for batch in batches(feed, setting, config.order, trainee.done, config.last_step):
                    trainee.step(batch, feed)
                    advance(1, note=trainee.note)
        trainee.finish(feed=choice.reason)
        for line in trainee.warnings():
            say(line)
    return run.path


def open_feed(
    setting: Setting, choice: FeedChoice, device: torch.device, ranks: Ranks = ALONE
) -> AbstractContextManager[Feed]:
    """The feed that was chosen, over the arrays that training reads; of B too, where it does."""

    def opened(part: Setting | OnB) -> StoreFeed:
        if choice.kind == "resident":
            return ResidentFeed(part.readers, device, choice.held_on, ranks)
        window = part.geometry.blocks_per_window
        return StreamingFeed(part.readers, device, window, part.held_out.samples, ranks)

    return opened(setting) if setting.b is None else PairedFeed(opened(setting), opened(setting.b))


def batches(feed: Feed, setting: Setting, seed: int, start: int, steps: int) -> Iterator[Batch]:
    """The batch of every step from `start` up to `steps`, epoch after epoch; where training reads
    B too, with the arrays of B's batch of that step, whose epochs are B's own."""
    of_a = _batches(feed, setting, seed, start, steps)
    if setting.b is None:
        return of_a
    of_b = _batches(feed.b, setting.b, seed, start, steps)
    return (one | other for one, other in zip(of_a, of_b, strict=True))


def _batches(feed: Feed, part: Setting | OnB, seed: int, start: int, steps: int) -> Iterator[Batch]:
    kept = part.held_out.kept
    while start < steps:
        epoch, first = divmod(start, -(-part.train_samples // part.geometry.batch))
        order = epoch_order(seed, epoch, part.geometry, kept)
        for _, batch in zip(range(steps - start), feed.batches(order, first), strict=False):
            start += 1
            yield batch
