"""Training of a task network, from a configuration to a run."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from atdt.ahead import ahead
from atdt.curves import Curves, RecentLosses
from atdt.devices import pick_device
from atdt.errors import RunError
from atdt.progress import progress
from atdt.provenance import torch_threads
from atdt.runs import Run, create_run, exclusive, load_checkpoint, save_checkpoint
from atdt.training.batches import Batch, Views
from atdt.training.best import Best
from atdt.training.config import TaskTraining
from atdt.training.learner import Learner, build_learner
from atdt.training.load import KIND, decoder_keys, network_keys, without_decoders
from atdt.training.material import Material, open_material
from atdt.training.order import Order
from atdt.training.sources import training_focal
from atdt.training.teaching import taught_views
from atdt.training.validate import Validation

LOG_EVERY = 10  # steps that a row of the curves averages


def train_task(config: TaskTraining) -> Path:
    """Train a task network and leave a run of kind "task-network".

    Adam with polynomial decay, on views drawn from (seed, step). The best weights by the task's
    headline, averaged over the validation domains, are kept, the earlier ones of equals. A training
    that was cut off goes on by `resume` from its last checkpoint and ends with the same bits, on
    the same processor with the same number of threads. On a GPU this holds as far as the kernels
    are deterministic; cuDNN is told to choose such.

    Returns:
        the run's folder.

    Raises:
        UserError: an option, domain, network or run that cannot be used.
        NumericsError: the loss is not finite any more.
    """
    config.check()
    device = pick_device(config.device)
    with _reproducible(device, config.seed):
        material = open_material(config)
        learner = build_learner(config, material.studies, device)
        _refuse_lone_values(config, learner, material)
        best = Best(material.main.task, _validations(config, material))
        with exclusive(config.out):
            run = _begin(config, material, device)
            if not run.complete:
                _learn(config, material, learner, best, run)
    return run.path


@contextmanager
def _reproducible(device: torch.device, seed: int) -> Iterator[None]:
    """Within it random numbers start from `seed`, and cuDNN takes no kernel that gives other bits
    each time; behind it all is as it was."""
    devices = [device] if device.type == "cuda" else []
    deterministic = torch.backends.cudnn.flags(enabled=True, deterministic=True)
    with torch.random.fork_rng(devices), deterministic:
        torch.manual_seed(seed)
        yield


def _refuse_lone_values(config: TaskTraining, learner: Learner, material: Material) -> None:
    """Batch norm has no variance of a single value: one image whose deepest map is 1×1."""
    _, *side = learner.network.feature_shape(None, material.size)
    normed = any(isinstance(module, _BatchNorm) for module in learner.network.modules())
    if config.batch == 1 and side == [1, 1] and normed:
        height, width = material.size
        raise RunError(
            f"--batch 1 with images of {height}x{width}: batch norm needs more than one value a "
            "channel; give a larger --batch or --crop"
        )


def _begin(config: TaskTraining, material: Material, device: torch.device) -> Run:
    """The run that is to be trained: a new one, or the one that is gone on with."""
    domains, agreed = material.described(), material.consistency
    learnt_from = config.described() | {
        "device": device.type,
        "threads": torch_threads(),
        "digests": {part: [d["digest"] for d in used] for part, used in domains.items()},
    }
    if agreed is not None:
        learnt_from["cross_task_sha256"] = agreed.cross_task.run.info["weights"]["sha256"]
    run = create_run(
        config.out, KIND, learnt_from, overwrite=config.overwrite, resume=config.resume
    )
    run.info.setdefault("domains", domains)
    return run


def _learn(
    config: TaskTraining, material: Material, learner: Learner, best: Best, run: Run
) -> None:
    """Take all steps that are left, and finish the run."""
    losses = RecentLosses(learner.names, learner.device)
    done, seconds = 0, 0.0
    checkpoint = load_checkpoint(run)
    if checkpoint is not None:
        tensors, state = checkpoint
        done, seconds = state["step"], state["seconds"]
        learner.restore(tensors)
        best.restore(tensors, state)
        losses.restore(tensors)

    def due(every: int) -> bool:
        return done % every == 0 or done == config.steps

    start = time.monotonic() - seconds
    with (
        Curves(run.path, ("learning_rate", *losses.names, *best.columns), done) as curves,
        closing(_batches(config, material, done)) as batches,
        progress(f"train {config.task}", config.steps - done) as advance,
    ):
        for step in range(done, config.steps):
            losses.add(learner.learn(step, next(batches)))
            done = step + 1
            row: dict[str, float] = {}
            if due(LOG_EVERY):
                row = losses.means(done) | {"learning_rate": learner.rate(step)}
                advance(0, note=f"loss {row['loss']:.4f}{best.note}")
            if due(config.validate_every):
                row |= best.judge(learner, done)
            if row:
                curves.add(done, row)
            if due(config.checkpoint_every):
                curves.flush()
                state = {"step": done, "seconds": time.monotonic() - start} | best.state()
                tensors = learner.tensors() | best.tensors() | losses.tensors()
                save_checkpoint(run, tensors, state)
            advance(1)
    best.settle(learner, done)
    kept = material.auxiliaries if config.keep_auxiliary else ()
    own = without_decoders(best.weights, [study.task.name for study in kept])
    learner.network.load_state_dict(own)
    run.finish(
        best.weights,
        **(decoder_keys((study.task, study.space) for study in kept) if kept else {}),
        **network_keys(learner.network, config.network, material.main.task, material.main.space),
        training_size=list(material.size),
        training_focal=training_focal(run.info["domains"]["train"]),
        scores=best.summary(),
        chosen=best.chosen([source.spec for source in material.validation]),
        seconds=round(time.monotonic() - start, 1),
    )


def _batches(config: TaskTraining, material: Material, start: int) -> Iterator[list[Batch]]:
    """One batch for each branch, and one of pairs where two domains are compared, for every step
    from `start` on."""
    feeds = []
    for study in material.studies:
        order = Order([len(d) for d in study.domains], config.batch, config.seed, config.balance)
        views = Views(
            study.domains,
            study.task.label,
            material.plan,
            needs_clean=study.task.label is None,
            memory=config.memory,
            taught=taught_views(config.teaching, study.task)
            if config.teaching and study is material.main
            else None,
        )
        feeds.append((order, views))
    if material.pair:
        domains = [source.domain for source in material.pair]
        # As many images as the main task's batch has, half of each domain: they take turns.
        images = 2 * max(1, config.batch // 2)
        order = Order([len(d) for d in domains], images, config.seed, balance=True)
        views = Views(
            domains, None, material.plan, needs_clean=False, memory=config.memory, paired=True
        )
        feeds.append((order, views))

    def batches(step: int) -> list[Batch]:
        return [views.batch(order.draws(step)) for order, views in feeds]

    return ahead(batches, range(start, config.steps))


def _validations(config: TaskTraining, material: Material) -> list[Validation]:
    """A validation for each domain, which share the memory for decoded images."""
    return [
        Validation(
            material.main.task,
            material.main.space,
            source,
            resize=config.resize,
            crop=config.crop,
            batch=config.batch,
            memory=config.memory // len(material.validation),
        )
        for source in material.validation
    ]
