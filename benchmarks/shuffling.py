"""What shuffling by blocks costs in quality: G's held-out loss, beside a full shuffle of the store.

Made features, not real ones: a latent drifts through the samples and moves both the features and
how E2's depend on E1's, so that neighbours in the store are alike. They are laid out in two ways:
sorted by the latent, as no `atdt extract` writes them, and mixed, as it always does (images are
permuted by the plan's seed). The same G, steps and initial weights a seed; only the order differs.
"""

import statistics
from pathlib import Path

import numpy as np
import torch

from atdt.transfer.feed import Batch
from atdt.transfer.learner import Learner
from atdt.transfer.network import build_transfer
from atdt.transfer.order import Geometry, epoch_order
from benchmarks.harness import Scale, Table

ITEM = (16, 6, 6)
HELD_OUT = 256
PER_SHARD, BATCH = 16, 16
WINDOWS = (1, 4)  # blocks that are shuffled together
MOST = 0.02  # of the full shuffle's loss; what a window may cost on mixed samples
STUDENT = {2: 4.303, 6: 2.447}  # 97.5 % point of Student's t by degrees of freedom


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Paired by seed: data, weights and steps are a seed's own, and shared by all its orders."""
    samples, steps = scale.of(512, 256), scale.of(150, 40)
    seeds = range(scale.of(7, 3))
    table = Table(
        "G's held-out loss after the same steps: shuffled by windows of blocks, and fully",
        ("samples", "blocks a window", "loss (sd over seeds)", "÷ full − 1 [95 % interval]"),
        bar=f"on samples as `extract` lays them out no window costs more than {MOST:.0%}",
    )
    blocks = samples // PER_SHARD
    costs = []
    for layout in ("mixed", "sorted"):
        losses = {
            window: [_loss(layout, window, seed, samples, steps) for seed in seeds]
            for window in (*WINDOWS, blocks)
        }
        full = losses.pop(blocks)
        table.add(layout, f"{blocks} (all)", _spread(full), "")
        for window, found in losses.items():
            relative = [one / other - 1 for one, other in zip(found, full, strict=True)]
            middle, half = _interval(relative)
            interval = f"{middle:+.2%} [{middle - half:+.2%}, {middle + half:+.2%}]"
            table.add(layout, window, _spread(found), interval)
            table.figure(f"{layout}.{window}", middle)
            table.figure(f"{layout}.{window}.half_width", half)
            if layout == "mixed":
                costs.append(statistics.median(relative))
    table.met = max(costs) <= MOST
    table.notes += [
        f"{samples} samples of {'×'.join(map(str, ITEM))}, {PER_SHARD} a block, batches of "
        f"{BATCH}, {steps} steps, {len(seeds)} seeds; `train`'s own windows are as many blocks "
        "as make 1 GiB. The bar looks at the median over seeds.",
        "Sorted: a window of one block makes batches of neighbours alone, the worst that can be.",
    ]
    return [table]


def _loss(layout: str, window: int, seed: int, samples: int, steps: int) -> float:
    """Held-out loss of a G that was trained in that order."""
    train, held = _features(layout, seed, samples)
    geometry = Geometry(samples, PER_SHARD, window, BATCH)
    learner = Learner(
        build_transfer("bottleneck", {}, ITEM, ITEM, seed=seed),
        {"mse": 1.0},
        steps=steps,
        learning_rate=1e-3,
        schedule="polynomial",
        device=torch.device("cpu"),
        precision="float32",
    )
    step = epoch = 0
    while step < steps:
        for rows in epoch_order(seed, epoch, geometry).indices():
            if step < steps:
                index = torch.from_numpy(rows)
                learner.learn(step, {name: array[index] for name, array in train.items()})
                step += 1
        epoch += 1
    return learner.measure([held])["loss"]


def _features(layout: str, seed: int, samples: int) -> tuple[Batch, Batch]:
    """Samples to train on in their layout, and held-out ones over the whole range of the latent."""
    generator = np.random.default_rng([seed, 1])
    count = samples + HELD_OUT
    latent = np.sort(generator.random(count))
    channels = ITEM[0]
    speeds, phases = generator.uniform(1, 4, channels), generator.uniform(0, 2 * np.pi, channels)
    means = np.sin(2 * np.pi * latent[:, None] * speeds + phases)[:, :, None, None]
    source = means + generator.standard_normal((count, *ITEM))
    mixing = generator.standard_normal((2, channels, channels)) / np.sqrt(channels)
    early, late = (np.einsum("oc,nchw->nohw", matrix, source) for matrix in mixing)
    share = latent[:, None, None, None]
    target = np.tanh((1 - share) * early + share * late)
    arrays = {
        "source": torch.from_numpy(source).float(),
        "target": torch.from_numpy(target).float(),
    }
    places = generator.permutation(count)
    kept, held = places[HELD_OUT:], places[:HELD_OUT]
    if layout == "sorted":
        kept = np.sort(kept)
    return tuple({n: a[torch.from_numpy(at)] for n, a in arrays.items()} for at in (kept, held))


def _spread(losses: list[float]) -> str:
    return f"{statistics.mean(losses):.4f} ({statistics.stdev(losses):.4f})"


def _interval(values: list[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % interval."""
    error = statistics.stdev(values) / len(values) ** 0.5
    return statistics.mean(values), STUDENT[len(values) - 1] * error
