"""`atdt train-label-transfer`: a network that gives T2 from labels of T1, learnt on A."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

import torch

from atdt.ahead import ahead
from atdt.curves import Curves, RecentLosses
from atdt.devices import pick_device, precision_context
from atdt.domains import Domain, LabelSpace, ViewPlan, open_domain
from atdt.domains.pose import pose_for
from atdt.errors import UserError
from atdt.hold import exclusive
from atdt.label_transfer.config import LabelTraining
from atdt.label_transfer.load import KIND, camera_of, network_keys
from atdt.label_transfer.network import LabelNetwork, Objective, output_of
from atdt.label_transfer.reading import Reading
from atdt.label_transfer.samples import LabelViews
from atdt.progress import progress
from atdt.provenance import torch_threads
from atdt.ranks import ALONE
from atdt.runs import Run, create_run, save_checkpoint
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.training.learner import Branch, Learner
from atdt.training.order import Draw, Order
from atdt.training.sources import Size, Source, one_size, same_label_space

Say = Callable[[str], Any]

LOG_EVERY = 10  # steps that a row of the curves averages


@dataclass(frozen=True)
class Material:
    """All that a training reads."""

    task: Task
    reading: Reading
    train: tuple[Source, ...]
    validation: tuple[Source, ...]

    @property
    def space(self) -> LabelSpace:
        """The label space of its domains."""
        return self.train[0].domain.label_space

    def described(self, resize: Size | None) -> dict[str, list[dict[str, Any]]]:
        """What run.json says of the domains, by what they are for."""
        parts = {"train": self.train, "validation": self.validation}
        return {part: [s.described(resize) for s in sources] for part, sources in parts.items()}

    @property
    def domains(self) -> list[Domain]:
        """What is learnt from."""
        return [source.domain for source in self.train]


def train_label_transfer(config: LabelTraining, say: Say = lambda line: None) -> Path:
    """Train a label network, and leave a run of kind "label-transfer".

    Adam with polynomial decay, on views drawn from (seed, step); the weights after the last step
    are kept. Goes on by `resume` from its last checkpoint, to the same bits.

    Args:
        say: called with each line that a user should see.

    Returns:
        the run's folder.

    Raises:
        UserError: an option, domain or run that cannot be used.
        NumericsError: the loss is not finite any more.
    """
    config.check()
    material = _open(config)
    device = pick_device(config.device)
    network = _build(config, material)
    domains = material.described(config.resize)
    learnt_from = config.described() | {
        "device": device.type,
        "threads": torch_threads(),
        "digests": {part: [d["digest"] for d in used] for part, used in domains.items()},
    }
    with exclusive(config.out), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        run = create_run(
            config.out, KIND, learnt_from, overwrite=config.overwrite, resume=config.resume
        )
        run.info.setdefault("domains", domains)
        if run.complete:
            say(f"{run.path}: a finished run of the same options, nothing to do")
            return run.path
        _learn(config, material, network, run, device, say)
    return run.path


def _open(config: LabelTraining) -> Material:
    """Open every domain, and prove that they fit together."""
    task = get_task(config.target)
    if task.label is None:
        raise UserError(f"--to {task.name}: has no labels to learn from")
    if task.label == config.source:
        raise UserError(f"--to {task.name}: is what labels are read of; name T2")
    kinds = (config.source, task.label)

    def opened(specs: Sequence[str]) -> tuple[Source, ...]:
        return tuple(
            Source(spec, open_domain(spec, labels=kinds, skip_bad=config.skip_bad))
            for spec in specs
        )

    train, validation = opened(config.train), opened(config.validation)
    every = (*train, *validation)
    if "semantic" in kinds:
        same_label_space(every)
    semantic = config.source == "semantic"
    classes = train[0].domain.label_space.classes if semantic else ()
    reading = Reading(config.source, classes, config.ground, config.standing, config.farthest)
    for source in every:
        reading.check(source.domain)
        pose_for(config.plan, source.domain, 0)
    one_size(train, config.plan)
    for source in validation:
        one_size([source], config.plan)
    return Material(task, reading, train, validation)


def _build(config: LabelTraining, material: Material) -> LabelNetwork:
    """The network, on the CPU, with weights drawn from the seed."""
    channels = material.reading.channels, material.task.channels(material.space)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return LabelNetwork(*channels, material.task.name, config.width)


def _learn(
    config: LabelTraining,
    material: Material,
    network: LabelNetwork,
    run: Run,
    device: torch.device,
    say: Say,
) -> None:
    """Take all steps that are left, measure, and finish the run."""
    learner = Learner(
        [Branch(Objective(material.task), network)],
        steps=config.steps,
        learning_rate=config.learning_rate,
        device=device,
        precision=config.precision,
        channels_last=True,
        seed=config.seed,
    )
    losses = RecentLosses(learner.names, device)
    done, seconds = 0, 0.0
    checkpoint = ALONE.loaded(run)
    if checkpoint is not None:
        tensors, state = checkpoint
        done, seconds = state["step"], state["seconds"]
        learner.restore(tensors)
        losses.restore(tensors)
    order = Order([len(domain) for domain in material.domains], config.batch, config.seed)
    views = LabelViews(
        material.domains,
        material.reading,
        material.task.label,
        config.plan,
        moves=config.moves,
        seed=config.seed,
        memory=config.memory,
    )
    start = time.monotonic() - seconds
    with (
        Curves(run.path, ("learning_rate", *losses.names), done) as curves,
        closing(
            ahead(lambda step: views.batch(order.draws(step), step), range(done, config.steps))
        ) as batches,
        progress(f"train {config.source} → {config.target}", config.steps - done) as advance,
    ):
        for step in range(done, config.steps):
            losses.add(learner.learn(step, [next(batches)]))
            done = step + 1
            if done % LOG_EVERY == 0 or done == config.steps:
                row = losses.means(done) | {"learning_rate": learner.rate(step)}
                advance(0, note=f"loss {row['loss']:.4f}")
                curves.add(done, row)
            if done % config.checkpoint_every == 0 or done == config.steps:
                curves.flush()
                state = {"step": done, "seconds": time.monotonic() - start}
                save_checkpoint(run, learner.tensors() | losses.tensors(), state)
            advance(1)
    run.finish(
        learner.weights(),
        **network_keys(network, material.task, material.space, material.reading, config),
        camera=camera_of(material.domains[0]),
        scores=_scores(config, material, network, device, say),
        seconds=round(time.monotonic() - start, 1),
    )


def _scores(
    config: LabelTraining,
    material: Material,
    network: LabelNetwork,
    device: torch.device,
    say: Say,
) -> dict[str, dict[str, float]]:
    """T2's figures on each validation domain, at the size that is trained at."""
    network.eval()
    task, plan, found = material.task, ViewPlan(resize=config.resize), {}
    for source in material.validation:
        views = LabelViews([source.domain], material.reading, task.label, plan)
        records = []
        draws = [Draw(0, index, 0) for index in range(len(source.domain))]
        with progress(f"measure on {source.spec}", len(draws), "images") as advance:
            for several in batched(draws, config.batch):
                batch = views.batch(several)
                with torch.inference_mode(), precision_context(device, config.precision):
                    output = output_of(network, batch.image.to(device), bool(config.ground))
                said = task.predict(output).cpu().numpy()
                records += [
                    task.measure(one, truth, source.domain.label_space)
                    for one, truth in zip(said, batch.label.numpy(), strict=True)
                ]
                advance(len(several))
        if any(record["pixels"] for record in records):
            found[source.spec] = task.summarise(records, source.domain.label_space)
        else:
            say(f"{source.spec}: has no pixel of truth to measure on")
    return found
