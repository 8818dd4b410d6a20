"""`atdt train-cross-task`: R learns T1 from what D2 says of the features of E2, on A."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from atdt.consistency.config import CrossTaskTraining
from atdt.devices import pick_device
from atdt.domains import IGNORE, LabelSpace
from atdt.errors import UserError
from atdt.hold import exclusive
from atdt.networks.cross_task import CrossTaskNetwork
from atdt.progress import progress
from atdt.runs import create_run
from atdt.stores import open_store
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.training.another_camera import moved
from atdt.training.cross_task import KIND, Agreement
from atdt.training.load import load_task_network
from atdt.transfer.cost import cost
from atdt.transfer.estimate import feed_choice
from atdt.transfer.feed import Batch
from atdt.transfer.learner import Learner
from atdt.transfer.lessons import label_classes
from atdt.transfer.losses import Teacher
from atdt.transfer.order import Epoch
from atdt.transfer.setting import (
    Setting,
    array_key,
    compare_encoder,
    deepest,
    geometry_of,
    hold_out_of,
    item_bytes,
    size_of_views,
    store_keys,
)
from atdt.transfer.trainee import Feed, Trainee, learnt_from
from atdt.transfer.training import batches, open_feed

Say = Callable[[str], Any]


def train_cross_task(config: CrossTaskTraining, say: Say = lambda line: None) -> Path:
    """Train a cross-task network from a feature store, and leave a run of kind "cross-task".

    Resumes as `atdt.transfer.train` does, to the same bits.

    Args:
        say: called with each line that a user should see.

    Returns:
        the run's folder.

    Raises:
        UserError: an option, store, array or run that cannot be used.
        MismatchError: the store's E2 is not `source_run`'s.
        NumericsError: the loss is not finite any more.
    """
    config.check()
    setting, task = _prepare(config), get_task(config.target)
    device = pick_device(config.device)
    network = _build(config, setting)
    choice, inputs = feed_choice(config, setting, device), _inputs(config, setting)
    with exclusive(config.out), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        run = create_run(
            config.out,
            KIND,
            learnt_from(config, setting, inputs, device),
            overwrite=config.overwrite,
            resume=config.resume,
        )
        if run.complete:
            say(f"{run.path}: a finished run of the same options, nothing to do")
            return run.path
        price = cost(network, setting.source_shape)
        say(f"{config.source} → {config.target}: {price} a sample")
        say(f"{setting.train_samples} samples to train on; feed: {choice.reason}")
        teacher = _teacher(config, setting, device)
        trainee = CrossTaskTrainee(config, setting, inputs, run, network, device)
        with open_feed(setting, choice, device) as stored, trainee:
            feed, left = Decoded(stored, teacher), config.steps - trainee.done
            with progress(f"train {config.source} → {config.target}", left) as advance:
                for batch in batches(feed, setting, config.seed, trainee.done, config.steps):
                    trainee.step(_moved(batch, config, task, trainee.done), feed)
                    advance(1, note=trainee.note)
            others = trainee.error_of_others(feed)
        trainee.finish(feed=choice.reason, held_out_loss_of_others=others)
    return run.path


class Decoded:
    """A feed whose features of E2 have become D2's outputs.

    Args:
        feed: of "source" and "label".
        teacher: N2.
    """

    def __init__(self, feed: Feed, teacher: Teacher):
        self._feed, self._teacher = feed, teacher

    def batches(self, epoch: Epoch, first: int = 0) -> Iterator[Batch]:
        """See `ResidentFeed.batches`."""
        return map(self._decoded, self._feed.batches(epoch, first))

    def held_out(self, samples: np.ndarray, batch: int) -> Iterator[Batch]:
        """See `ResidentFeed.held_out`."""
        return map(self._decoded, self._feed.held_out(samples, batch))

    @torch.no_grad()
    def _decoded(self, batch: Batch) -> Batch:
        return batch | {"source": self._teacher.decode(batch["source"].float())}


class CrossTaskTrainee(Trainee):
    """R on its way through a training; its config is a `CrossTaskTraining`."""

    def _build_learner(self, network: nn.Module, device: torch.device) -> Learner:
        return Learner(
            network,
            {"task": 1.0},
            task=Agreement(get_task(self.config.target)),
            steps=self.config.steps,
            learning_rate=self.config.learning_rate,
            schedule=self.config.schedule,
            device=device,
            precision=self.config.precision,
        )

    def _network_keys(self) -> dict[str, Any]:
        return {
            "options": {"width": self.config.width},
            "in_channels": self.setting.source_shape[0],
            "out_channels": self.setting.target_shape[0],
        }

    def error_of_others(self, feed: Decoded) -> float | None:
        """The held-out loss where R reads the prediction of another image than the label is of:
        what it comes to without looking. None without a held-out image."""
        samples, batch = self.setting.held_out.samples, self.config.batch
        if min(batch, len(samples)) < 2:
            return None
        held = (b for b in feed.held_out(samples, batch) if len(b["label"]) > 1)
        others = (b | {"source": b["source"].roll(1, dims=0)} for b in held)
        return self.learner.measure(others)["loss"]


def _prepare(config: CrossTaskTraining) -> Setting:
    """Open what `config` names and prove that it fits together."""
    task = Agreement(get_task(config.target)).task
    store = open_store(config.store)
    level = config.level or deepest(store, config.source)
    features = store.features(level, config.source)
    loaded = load_task_network(config.source_run, allow_import=config.allow_import)
    loaded.network.check_can_be_cut(str(config.source_run))
    view_size = size_of_views(store)
    mismatch = compare_encoder(features, level, loaded, view_size, config.allow_mismatch)
    if task.name == loaded.task.name:
        raise UserError(f"--to {task.name}: is what {config.source_run} predicts; name T1")
    if task.label is None or task.label not in store.labels():
        raise UserError(
            f"{store.path}: holds no labels of {task.name}; add them with `atdt extract` "
            f"--labels {task.label or 'KIND'}"
        )
    readers = {"source": features, "label": store.labels_reader(task.label)}
    sample_bytes = sum(map(item_bytes, readers.values()))
    return Setting(
        store=store,
        readers=readers,
        source_level=level,
        target_level=level,
        source_shape=(loaded.task.channels(loaded.space), *view_size),
        target_shape=(task.channels(_space(label_classes(readers["label"]))), *view_size),
        view_size=view_size,
        teacher=loaded,
        mismatch=mismatch,
        held_out=hold_out_of(store, config.held_out, sample_bytes),
        geometry=geometry_of(store, sample_bytes, config.batch, config.window),
    )


def _build(config: CrossTaskTraining, setting: Setting) -> CrossTaskNetwork:
    """R, on the CPU, with weights drawn from the seed."""
    channels = setting.source_shape[0], setting.target_shape[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return CrossTaskNetwork(*channels, setting.teacher.task.as_input, config.width)


def _moved(batch: Batch, config: CrossTaskTraining, task: Task, step: int) -> Batch:
    """A batch as another camera might have seen it."""
    output, label = moved(
        batch["source"],
        batch["label"],
        IGNORE if task.label == "semantic" else 0,
        zoom=config.zoom,
        shift=config.shift,
        seed=config.seed,
        step=step,
    )
    return {"source": output, "label": label}


def _teacher(config: CrossTaskTraining, setting: Setting, device: torch.device) -> Teacher:
    loaded = setting.teacher
    network = loaded.network.to(device)
    return Teacher(network, loaded.task, setting.source_level, setting.view_size, config.precision)


def _inputs(config: CrossTaskTraining, setting: Setting) -> dict[str, Any]:
    """What run.json says of what R was trained on: what it may be used with."""
    features, label = setting.readers["source"], setting.readers["label"]
    loaded = setting.teacher
    semantic = loaded.task.label == "semantic"
    classes = label_classes(label) if get_task(config.target).label == "semantic" else ()
    return {
        "source": {
            "task": loaded.task.name,
            "classes": list(loaded.space.classes) if semantic else [],
            "array": config.source,
            "level": setting.source_level,
            "run": str(config.source_run.resolve()),
            "key": array_key(features),
        },
        "target": {
            "task": config.target,
            "classes": list(classes),
            "array": label.name.partition("/")[2],
            "level": label.name.partition("/")[0],
            "key": {"classes": list(classes)},
        },
        "store": store_keys(setting.store),
        "mismatch": list(setting.mismatch),
    }


def _space(classes: tuple[str, ...]) -> LabelSpace:
    """A label space of these classes, whose colours nobody asks for."""
    return LabelSpace("of the labels", classes, ((0, 0, 0),) * len(classes))
