"""Training of a task network, from a configuration to a run."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from atdt.ahead import ahead
from atdt.curves import Curves, NoCurves, RecentLosses
from atdt.errors import RunError
from atdt.hold import exclusive
from atdt.progress import progress
from atdt.provenance import torch_threads
from atdt.ranks import ALONE, Ranks, joined
from atdt.runs import Run, create_run, save_checkpoint
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

Say = Callable[[str], Any]

LOG_EVERY = 10  # steps that a row of the curves averages


def train_task(config: TaskTraining, say: Say = lambda line: None) -> Path:
    """Train a task network and leave a run of kind "task-network".

    Adam with polynomial decay, on views drawn from (seed, step). The best weights by the task's
    headline, averaged over the validation domains, are kept, the earlier ones of equals. A training
    that was cut off goes on by `resume` from its last checkpoint and ends with the same bits, on
    the same processor with the same number of threads. On a GPU this holds as far as the kernels
    are deterministic; cuDNN is told to choose such.

    Where torchrun started several processes, they train it together, on the same images in the same
    order: to rounding the same as one would, whatever their number; see docs/scale.md.

    Args:
        say: called with each line that a user should see.

    Returns:
        the run's folder.

    Raises:
        UserError: an option, domain, network or run that cannot be used.
        NumericsError: the loss is not finite any more.
    """
    with joined(config.device) as ranks, _reproducible(ranks.device, config.seed):
        config.check()
        config.check_together(ranks)
        material = open_material(config)
        learner = build_learner(config, material.studies, ranks.device, ranks)
        _refuse_lone_values(config, learner, material)
        best = Best(material.main.task, _validations(config, material, ranks))
        with ranks.first_holds(exclusive(config.out)):
            run = ranks.first_makes(lambda: _begin(config, material, ranks))
            if not run.complete:
                for line in ranks.said(learner.network, config.batch) if ranks.is_first else ():
                    say(line)
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
    samples = config.batch // learner.ranks.launch.size
    if samples == 1 and side == [1, 1] and normed:
        height, width = material.size
        raise RunError(
            f"--batch {config.batch} with images of {height}x{width}: batch norm needs more than "
            "one value a channel; give a larger --batch or --crop"
        )


def _begin(config: TaskTraining, material: Material, ranks: Ranks) -> Run:
    """The run that is to be trained: a new one, or the one that is gone on with."""
    domains, agreed = material.described(), material.consistency
    learnt_from = config.described() | {
        "device": ranks.device.type,
        "threads": torch_threads() if ranks.alone else None,
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
    ranks = learner.ranks
    losses = RecentLosses(learner.names, learner.device)
    done, seconds = 0, 0.0
    checkpoint = ranks.loaded(run)
    if checkpoint is not None:
        tensors, state = checkpoint
        done, seconds = state["step"], state["seconds"]
        learner.restore(tensors)
        best.restore(tensors, state)
        losses.restore(tensors)
    learner.start_alike()
    columns = "learning_rate", *losses.names, *best.columns

    def due(every: int) -> bool:
        return done % every == 0 or done == config.steps

    start = time.monotonic() - seconds
    with (
        Curves(run.path, columns, done) if ranks.is_first else NoCurves() as curves,
        closing(_batches(config, material, done, ranks)) as batches,
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
            if due(config.checkpoint_every) and ranks.is_first:
                curves.flush()
                state = {"step": done, "seconds": time.monotonic() - start} | best.state()
                tensors = learner.tensors() | best.tensors() | losses.tensors()
                save_checkpoint(run, tensors, state)
            advance(1)
    best.settle(learner, done)
    if not ranks.is_first:
        return
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


def _batches(
    config: TaskTraining, material: Material, start: int, ranks: Ranks = ALONE
) -> Iterator[list[Batch]]:
    """One batch for each branch, and one of pairs where two domains are compared, for every step
    from `start` on; of each this rank's part."""
    feeds = []
    memory = config.memory // ranks.launch.local_size
    for study in material.studies:
        order = Order([len(d) for d in study.domains], config.batch, config.seed, config.balance)
        views = Views(
            study.domains,
            study.task.label,
            material.plan,
            needs_clean=study.task.label is None,
            memory=memory,
            taught=taught_views(config.teaching, study.task)
            if config.teaching and study is material.main
            else None,
        )
        feeds.append((order, ranks.part(config.batch), views))
    if material.pair:
        domains = [source.domain for source in material.pair]
        images = 2 * config.pairs  # the domains take turns
        order = Order([len(d) for d in domains], images, config.seed, balance=True)
        views = Views(domains, None, material.plan, needs_clean=False, memory=memory, paired=True)
        feeds.append((order, ranks.part(images), views))

    def batches(step: int) -> list[Batch]:
        return [views.batch(order.draws(step)[part]) for order, part, views in feeds]

    return ahead(batches, range(start, config.steps))


def _validations(config: TaskTraining, material: Material, ranks: Ranks) -> list[Validation]:
    """A validation for each domain, which share the memory for decoded images."""
    return [
        Validation(
            material.main.task,
            material.main.space,
            source,
            resize=config.resize,
            crop=config.crop,
            batch=config.batch,
            memory=config.memory // len(material.validation) // ranks.launch.local_size,
        )
        for source in material.validation
    ]
