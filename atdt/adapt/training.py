"""Training of a CycleGAN, from a configuration to a run."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atdt.adapt.config import CycleGANTraining
from atdt.adapt.learner import Learner
from atdt.adapt.load import KIND
from atdt.adapt.networks import BLOCKS, LOOKS, SMALLEST_JUDGED, WIDTH, discriminators, generators
from atdt.adapt.painting import PICTURE, save_picture
from atdt.ahead import ahead
from atdt.curves import Curves, RecentLosses
from atdt.devices import pick_device
from atdt.domains import ViewPlan, open_domain
from atdt.errors import RunError
from atdt.files import remove
from atdt.hold import exclusive
from atdt.networks import macs, parameters
from atdt.progress import progress
from atdt.provenance import torch_threads
from atdt.runs import Run, create_run, load_checkpoint, save_checkpoint
from atdt.training.batches import Views
from atdt.training.order import Order
from atdt.training.sources import Size, Source, one_size

LOG_EVERY = 10  # steps that a row of the curves averages
PUBLISHED_PASSES = 200  # over the larger domain

Say = Callable[[str], Any]


@dataclass(frozen=True)
class Material:
    """The two domains, how views are cut from their images, and (height, width) of the views."""

    sources: dict[str, Source]
    plan: ViewPlan
    size: Size


def train_cyclegan(config: CycleGANTraining, say: Say = lambda line: None) -> Path:
    """Train a CycleGAN between the looks of two domains and leave a run of kind "cyclegan".

    Zhu et al., ICCV 2017: two generators and two discriminators, on images that belong to no pairs.
    Images come shuffled, A's and B's apart, in views drawn from (seed, step). Nothing chooses among
    weights: the last ones are the result. A training that was cut off goes on by `resume` from its
    last checkpoint and ends with the same bits, on the same processor with the same number of
    threads; on a GPU as far as the kernels are deterministic.

    Args:
        say: called with each line that a user should see: sizes, costs, passes over the domains.

    Returns:
        the run's folder; `looks.png` in it shows a few images in both looks.

    Raises:
        UserError: an option, domain or run that cannot be used.
        NumericsError: a loss is not finite any more.
    """
    config.check()
    device = pick_device(config.device)
    material = open_material(config)
    learner = Learner(config, device)
    described = {look: source.described(None) for look, source in material.sources.items()}
    learnt_from = config.described() | {
        "device": device.type,
        "threads": torch_threads(),
        "digests": {look: domain["digest"] for look, domain in described.items()},
    }
    with exclusive(config.out), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        run = create_run(
            config.out, KIND, learnt_from, overwrite=config.overwrite, resume=config.resume
        )
        if run.complete:
            say(f"{run.path}: a finished run of the same options, nothing to do")
            return run.path
        for line in stated(config, material):
            say(line)
        seconds = _learn(config, material, learner, run)
        domains = {look: source.domain for look, source in material.sources.items()}
        save_picture(learner.generators, domains, material.plan, run.path)
        run.finish(
            learner.weights(),
            network={"width": config.width, "blocks": config.blocks},
            domains=described,
            training_size=list(material.size),
            scores={},
            chosen={"by": "last step", "step": config.steps},
            seconds=round(seconds, 1),
        )
    return run.path


def open_material(config: CycleGANTraining) -> Material:
    """Open both domains, and prove that their views have one size that all networks can take.

    Raises:
        DomainError: a domain cannot be used, or views differ in size.
        RunError: the views are too small.
    """
    sources = {
        look: Source(spec, open_domain(spec, skip_bad=config.skip_bad))
        for look, spec in (("a", config.a), ("b", config.b))
    }
    plan = ViewPlan(seed=config.seed, crop=config.crop, flip=config.flip)
    size = one_size(list(sources.values()), plan)
    if min(size) < SMALLEST_JUDGED:
        raise RunError(
            f"images of {size[0]}x{size[1]} to learn from: a discriminator needs at least "
            f"{SMALLEST_JUDGED} pixels a side; give a larger --crop, or larger images"
        )
    return Material(sources, plan, size)


def stated(config: CycleGANTraining, material: Material) -> Iterator[str]:
    """What a user should know before it begins, a line each."""
    height, width = material.size
    with torch.device("meta"):
        generator = generators(config.width, config.blocks)["a"]
        discriminator = discriminators(config.width)["a"]
    yield (
        f"two generators of width {config.width} with {config.blocks} blocks (published: {WIDTH} "
        f"with {BLOCKS}), {parameters(generator):,} parameters and "
        f"{macs(generator, material.size) / 1e9:.4g} G multiply-accumulates an image of "
        f"{height}x{width} each; two discriminators, {parameters(discriminator):,} parameters each"
    )
    larger = max(len(source.domain) for source in material.sources.values())
    passes = config.steps * config.batch / larger
    yield (
        f"{config.steps} steps of {config.batch} and {config.batch} images: {passes:.3g} passes "
        f"over the larger domain's {larger} (published: {PUBLISHED_PASSES})"
    )


def _learn(config: CycleGANTraining, material: Material, learner: Learner, run: Run) -> float:
    """Take all steps that are left; the seconds that the training has taken in all."""
    losses = RecentLosses(learner.names, learner.device)
    done, seconds = 0, 0.0
    checkpoint = load_checkpoint(run)
    if checkpoint is not None:
        tensors, state = checkpoint
        done, seconds = state["step"], state["seconds"]
        learner.restore(tensors)
        losses.restore(tensors)
    remove(run.path / PICTURE)  # of a run that this one replaces
    start = time.monotonic() - seconds
    with (
        Curves(run.path, ("learning_rate", *learner.names), done) as curves,
        closing(_batches(config, material, done)) as batches,
        progress("train cyclegan", config.steps - done) as advance,
    ):
        for step in range(done, config.steps):
            losses.add(learner.learn(step, next(batches)))
            done = step + 1
            if done % LOG_EVERY == 0 or done == config.steps:
                row = losses.means(done)
                curves.add(done, row | {"learning_rate": learner.rate(step)})
                advance(0, note=f"loss {row['loss']:.4g}")
            if done % config.checkpoint_every == 0 and done < config.steps:
                curves.flush()
                state = {"step": done, "seconds": time.monotonic() - start}
                save_checkpoint(run, learner.tensors() | losses.tensors(), state)
            advance(1)
    return time.monotonic() - start


def _batches(
    config: CycleGANTraining, material: Material, start: int
) -> Iterator[dict[str, Tensor]]:
    """For every step from `start`, images (batch, 3, h, w) in [0, 1] of each domain, by look."""
    domains = [material.sources[look].domain for look in LOOKS]
    views = Views(domains, None, material.plan, needs_clean=False, memory=config.memory)
    # The domains take turns in an order of their own each, so a batch holds them alternately.
    order = Order([len(domain) for domain in domains], 2 * config.batch, config.seed, balance=True)

    def batch(step: int) -> dict[str, Tensor]:
        images = views.batch(order.draws(step)).image
        return {look: images[place::2] for place, look in enumerate(LOOKS)}

    return ahead(batch, range(start, config.steps))
