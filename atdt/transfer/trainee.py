"""One transfer network on its way through a training: its run, its learner, its curves."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn

from atdt.curves import Curves, NoCurves, RecentLosses
from atdt.provenance import torch_threads
from atdt.ranks import ALONE, Ranks
from atdt.runs import Run, save_checkpoint
from atdt.transfer.building import network_keys, transfer_of
from atdt.transfer.config import TransferTraining
from atdt.transfer.cost import cost
from atdt.transfer.feed import Batch
from atdt.transfer.keeping import Keeper
from atdt.transfer.learner import Learner
from atdt.transfer.losses import Teacher
from atdt.transfer.network import Standard
from atdt.transfer.on_b import Agreeing, PairedFeed, StoreFeed
from atdt.transfer.perturbation import Perturbation
from atdt.transfer.ridge import Ridge
from atdt.transfer.setting import Setting

LOG_EVERY = 10  # steps that a row of the curves averages

Feed = StoreFeed | PairedFeed


def learnt_from(
    config: TransferTraining,
    setting: Setting,
    inputs: Mapping[str, Any],
    device: torch.device,
    ranks: Ranks = ALONE,
) -> dict[str, Any]:
    """All that the weights of a run depend on: the options, the features, the processor.

    Args:
        inputs: see `atdt.transfer.building.input_keys`.
    """
    return config.described() | {
        "device": device.type,
        "threads": torch_threads() if ranks.alone else None,
        "features": {side: inputs[side]["key"] for side in ("source", "target")},
        "samples_sha256": inputs["store"]["samples_sha256"],
        "domain": inputs["store"]["domain"]["digest"],
        "geometry": setting.geometry.to_dict(),
        **({} if setting.b is None else {"b": setting.b.depended_on()}),
    }


class Trainee:
    """A G or a head that learns, from its last checkpoint on; a context manager.

    Args:
        config: of its training.
        setting: what it works with.
        inputs: what it was trained on, see `atdt.transfer.building.input_keys`.
        run: where it is kept, unfinished.
        network: the G or head itself, with the weights that it starts from.
        device: where it learns.
        ranks: that train it together; the first one alone writes.

    Attributes:
        started: the held-out loss of what was solved for, before a step; None: nothing was, or
            was looked at.
        done: steps that were taken.
        loss: of the latest steps, where one was noted.
        seconds: that its own steps and looks took; waiting for the feed is not counted.
    """

    def __init__(
        self,
        config: TransferTraining,
        setting: Setting,
        inputs: Mapping[str, Any],
        run: Run,
        network: nn.Module,
        device: torch.device,
        ranks: Ranks = ALONE,
    ):
        self.config, self.setting, self.run = config, setting, run
        self._ranks = ranks
        self._inputs = inputs
        self.learner = self._build_learner(network, device)
        self.keeper = Keeper(config.keep)
        self.done, self.seconds = 0, 0.0
        self.started: float | None = None
        self._losses = RecentLosses(self.learner.names, device)
        self.loss: float | None = None
        checkpoint = ranks.loaded(run)
        if checkpoint is not None:
            tensors, state = checkpoint
            self.done, self.seconds = state["step"], state["seconds"]
            self.learner.restore(tensors)
            self._losses.restore(tensors)
            self.keeper.restore(tensors, state)
            self.started = state.get("started")

    @property
    def note(self) -> str:
        """A few words for a progress line."""
        return "" if self.loss is None else f"loss {self.loss:.4g}{self.keeper.note}"

    @property
    def held_out(self) -> bool:
        """Whether there are images to look at."""
        return bool(self.setting.held_out.images)

    @property
    def starts_from_ridge(self) -> bool:
        """Whether there is something to solve for, which no checkpoint has yet."""
        return not self.done and (self.config.is_solved or self.config.start == "ridge")

    def begin(self, feed: Feed, ridge: Ridge | None) -> None:
        """Take the weights that were solved for and look at them.

        Args:
            ridge: see `atdt.transfer.solving.ridges`; None: nothing was.
        """
        if ridge is None:
            self._ranks.start_alike(self.learner.network)
            return
        start, network = time.monotonic(), transfer_of(self.learner.network)
        alpha = self.config.options.get("alpha") if self.config.is_solved else None
        if alpha is None:
            squares = self.learner.squares_of(network)
            alpha = ridge.choose(network, squares, lambda: self._measure(feed)["loss"])
        ridge.give(network, alpha)
        if self.config.is_solved:
            network.body.options["alpha"] = alpha
        self._ranks.start_alike(self.learner.network)
        self.seconds += ridge.seconds + time.monotonic() - start
        if self.held_out:
            self._curves.add(self.done, self.look(feed))
            self.started = self.keeper.last["loss"]

    def step(self, batch: Batch, feed: Feed) -> None:
        """Take a step; look at the held-out images, write a row, and a checkpoint, when due.

        Raises:
            NumericsError: the loss is not finite any more.
        """
        start = time.monotonic()
        losses = self.learner.learn(self.done, batch)
        self.took(losses, time.monotonic() - start, feed)

    def took(self, losses: Tensor, seconds: float, feed: Feed) -> None:
        """Note a step that its learner took, and do what is due behind it, see `step`.

        Args:
            losses: by the learner's names.
            seconds: the step's.
        """
        config, start = self.config, time.monotonic() - seconds
        self._losses.add(losses)
        self.done += 1
        row: dict[str, float] = {}
        if self._due(LOG_EVERY):
            row = self._losses.means(self.done)
            self.loss = row["loss"]
            row |= {"learning_rate": self.learner.rate(self.done - 1)}
        self.seconds += time.monotonic() - start
        if self._due(config.looks_every) and self.held_out:
            row |= self.look(feed)
        if row:
            self._curves.add(self.done, row)
        if self.done % config.checkpoint_every == 0 and self.done < config.last_step:
            self.save()

    def look(self, feed: Feed) -> dict[str, float]:
        """Measure on the held-out images; the values by the names of the curves.

        Raises:
            NumericsError: the loss is not finite.
        """
        start = time.monotonic()
        measured = self._measure(feed)
        found = self.keeper.look(self.learner, self.done, measured)
        self.seconds += time.monotonic() - start
        return found

    def _measure(self, feed: Feed) -> dict[str, float | None]:
        b, batch = self.setting.b, self.config.batch
        return self.learner.measure(
            feed.held_out(self.setting.held_out.samples, batch),
            () if b is None else feed.b.held_out(b.held_out.samples, batch),
        )

    def save(self) -> None:
        """Write a checkpoint, after the rows of the curves up to it."""
        if not self._ranks.is_first:
            return
        self._curves.flush()
        state = {"step": self.done, "seconds": self.seconds, "started": self.started}
        state |= self.keeper.state()
        tensors = self.learner.tensors() | self.keeper.tensors() | self._losses.tensors()
        save_checkpoint(self.run, tensors, state)

    def warnings(self) -> list[str]:
        """What a user should know of how it ended."""
        started, ended = self.started, self.keeper.last.get("loss")
        if self.config.keep == "best" or started is None or ended is None or ended <= started:
            return []
        return [
            f"the held-out loss was {started:.4g} at the start, by ridge, and is {ended:.4g} now; "
            "--keep best keeps the better of them"
        ]

    def finish(self, **more: Any) -> None:
        """Leave a finished run.

        Args:
            more: keys of run.json beside those of the network and what it was trained on.
        """
        if not self._ranks.is_first:
            return
        config, setting, network = self.config, self.setting, self.learner.network
        price = cost(network, setting.source_shape)
        self.run.finish(
            self.keeper.weights(self.learner),
            **self._network_keys(),
            **self._inputs,
            parameters=price.parameters,
            macs=price.macs,
            geometry=setting.geometry.to_dict(),
            held_out=setting.held_out.to_dict(config.held_out) | self.keeper.last,
            chosen=self.keeper.chosen(self.done),
            scores=self.keeper.scores(),
            seconds=round(self.seconds, 1),
            **more,
        )

    def __enter__(self) -> Self:
        columns = self.keeper.columns(self.learner)
        columns = ("learning_rate", *self.learner.names, *columns)
        is_first = self._ranks.is_first
        self._curves = Curves(self.run.path, columns, self.done) if is_first else NoCurves()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._curves.__exit__(kind, error, trace)

    def _build_learner(self, network: nn.Module, device: torch.device) -> Learner:
        return build_learner(self.config, self.setting, network, device, self._ranks)

    def _network_keys(self) -> dict[str, Any]:
        """What run.json says of the network, so that it can be built again."""
        return network_keys(self.config, self.learner.network)

    def _due(self, every: int) -> bool:
        return self.done % every == 0 or self.done == self.config.last_step


def build_learner(
    config: TransferTraining,
    setting: Setting,
    network: nn.Module,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> Learner:
    """The learner of a G, behind which N2 stands where a loss needs it, or of a head."""
    teacher = task = size = None
    target = setting.readers.get("target")
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
    agreeing = None
    if setting.b is not None:
        agreeing = Agreeing(setting.b, config.on_b.weight, teacher, device, config.precision)
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
        target_scale=None if target is None else Standard.of(target.statistics).scale,
        perturbation=_perturbation(config, setting, device, ranks),
        agreeing=agreeing,
        ranks=ranks,
        whole=lambda step: setting.geometry.batch_at(step, setting.train_samples),
    )


def _perturbation(
    config: TransferTraining, setting: Setting, device: torch.device, ranks: Ranks
) -> Perturbation | None:
    if not (config.feature_noise or config.mixup):
        return None
    scale = Standard.of(setting.readers["source"].statistics).scale[:, None, None]
    return Perturbation(config.feature_noise, config.mixup, scale.to(device), config.seed, ranks)
