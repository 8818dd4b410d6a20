"""Phase 2: train G from a feature store, from a configuration to a run."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from atdt.curves import Curves, RecentLosses
from atdt.devices import pick_device
from atdt.progress import progress
from atdt.provenance import torch_threads
from atdt.runs import Run, create_run, exclusive, load_checkpoint, save_checkpoint
from atdt.transfer.building import build, input_keys, network_keys
from atdt.transfer.config import TransferTraining
from atdt.transfer.cost import cost
from atdt.transfer.estimate import feed_choice, stated
from atdt.transfer.feed import Batch, ResidentFeed, StreamingFeed
from atdt.transfer.keeping import Keeper
from atdt.transfer.learner import Learner
from atdt.transfer.load import KIND
from atdt.transfer.losses import Teacher
from atdt.transfer.memory import FeedChoice
from atdt.transfer.order import epoch_order
from atdt.transfer.setting import Setting, prepare

LOG_EVERY = 10  # steps that a row of the curves averages

Feed = ResidentFeed | StreamingFeed
Say = Callable[[str], Any]


def train(config: TransferTraining, say: Say = lambda line: None) -> Path:
    """Train a transfer network, or a head on E1, and leave a run of kind "transfer".

    Adam on batches in an order that depends on (seed, epoch, geometry of the store) alone. A
    training that was cut off goes on by `resume` from its last checkpoint and ends with the same
    bits, on the same processor with the same number of threads, whichever feed either part had. On
    a GPU this holds as far as kernels are deterministic; cuDNN is told to choose such.

    Args:
        say: called with each line that a user should see: costs, the feed and its reason.

    Returns:
        the run's folder.

    Raises:
        UserError: an option, store, array or run that cannot be used.
        MismatchError: the store's E2 is not `target_run`'s.
        NumericsError: the loss is not finite any more.
    """
    setting = prepare(config)
    device = pick_device(config.device)
    network = build(config, setting)
    price = cost(network, setting.source_shape)
    choice = feed_choice(config, setting, device)
    inputs = input_keys(config, setting)
    learnt_from = config.described() | {
        "device": device.type,
        "threads": torch_threads(),
        "features": {side: inputs[side]["key"] for side in ("source", "target")},
        "samples_sha256": inputs["store"]["samples_sha256"],
        "domain": inputs["store"]["domain"]["digest"],
        "geometry": setting.geometry.to_dict(),
    }
    with exclusive(config.out), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        run = create_run(
            config.out, KIND, learnt_from, overwrite=config.overwrite, resume=config.resume
        )
        if run.complete:
            say(f"{run.path}: a finished run of the same options, nothing to do")
            return run.path
        for line in stated(config, setting, network, price, choice):
            say(line)
        learner, keeper = build_learner(config, setting, network, device), Keeper(config.keep)
        with open_feed(setting, choice, device) as feed:
            seconds = _learn(config, setting, run, learner, keeper, feed)
        run.finish(
            keeper.weights(learner),
            **network_keys(config, network),
            **inputs,
            parameters=price.parameters,
            macs=price.macs,
            feed=choice.reason,
            geometry=setting.geometry.to_dict(),
            held_out=setting.held_out.to_dict(config.held_out) | keeper.last,
            chosen=keeper.chosen(config.steps),
            scores=keeper.scores(),
            seconds=round(seconds, 1),
        )
    return run.path


def _learn(
    config: TransferTraining,
    setting: Setting,
    run: Run,
    learner: Learner,
    keeper: Keeper,
    feed: Feed,
) -> float:
    """Take all steps that are left; the seconds that the training has taken in all."""
    losses = RecentLosses(learner.names, learner.device)
    done, seconds = 0, 0.0
    checkpoint = load_checkpoint(run)
    if checkpoint is not None:
        tensors, state = checkpoint
        done, seconds = state["step"], state["seconds"]
        learner.restore(tensors)
        losses.restore(tensors)
        keeper.restore(tensors, state)

    def due(every: int) -> bool:
        return done % every == 0 or done == config.steps

    columns = ("learning_rate", *learner.names, *keeper.columns(learner))
    start = time.monotonic() - seconds
    with (
        Curves(run.path, columns, done) as curves,
        progress(f"train {config.target}", config.steps - done) as advance,
    ):
        for batch in batches(feed, setting, config.seed, done, config.steps):
            losses.add(learner.learn(done, batch))
            done += 1
            row: dict[str, float] = {}
            if due(LOG_EVERY):
                row = losses.means(done) | {"learning_rate": learner.rate(done - 1)}
                advance(0, note=f"loss {row['loss']:.4g}{keeper.note}")
            if due(config.looks_every) and setting.held_out.images:
                looked = learner.measure(feed.held_out(setting.held_out.samples, config.batch))
                row |= keeper.look(learner, done, looked)
            if row:
                curves.add(done, row)
            if done % config.checkpoint_every == 0 and done < config.steps:
                curves.flush()
                state = {"step": done, "seconds": time.monotonic() - start} | keeper.state()
                save_checkpoint(run, learner.tensors() | keeper.tensors() | losses.tensors(), state)
            advance(1)
    return time.monotonic() - start


def open_feed(
    setting: Setting, choice: FeedChoice, device: torch.device
) -> AbstractContextManager[Feed]:
    """The feed that was chosen, over the arrays that training reads."""
    if choice.kind == "resident":
        return ResidentFeed(setting.readers, device, choice.held_on)
    window = setting.geometry.blocks_per_window
    return StreamingFeed(setting.readers, device, window, setting.held_out.samples)


def batches(feed: Feed, setting: Setting, seed: int, start: int, steps: int) -> Iterator[Batch]:
    """The batch of every step from `start` up to `steps`, epoch after epoch."""
    kept = setting.held_out.kept
    while start < steps:
        epoch, first = divmod(start, -(-setting.train_samples // setting.geometry.batch))
        order = epoch_order(seed, epoch, setting.geometry, kept)
        for _, batch in zip(range(steps - start), feed.batches(order, first), strict=False):
            start += 1
            yield batch


def build_learner(
    config: TransferTraining, setting: Setting, network: nn.Module, device: torch.device
) -> Learner:
    """The learner of a G, behind which N2 stands where a loss needs it, or of a head."""
    teacher = task = size = None
    if config.is_head:
        task, size = setting.teacher.task, setting.view_size
    elif setting.teacher is not None:
        teacher = Teacher(
            network=setting.teacher.network.to(device),
            task=setting.teacher.task,
            level=setting.target_level,
            size=setting.view_size,
            precision=config.precision,
        )
    return Learner(
        network,
        config.weights,
        teacher=teacher,
        task=task,
        size=size,
        steps=config.steps,
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        device=device,
        precision=config.precision,
    )
