"""What caching features saves: G from the store, beside both encoders run again at every step.

Ours: resident batches, as `train` takes them. Theirs, as the original does: images decoded (ahead,
by threads, so that decoding costs nothing while the encoders compute), both encoders without
gradients, channels last (the faster layout here), their float32 features to the same learner with
the same G and the same batch size. One batch each is a turn: an epoch is as many turns as it has
batches, so the ratio of two batches is that of two epochs.
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from torch import nn

from atdt.ahead import ahead
from atdt.domains import open_domain
from atdt.networks import TaskNetwork, macs
from atdt.training.load import load_task_network
from atdt.transfer.feed import Batch
from benchmarks.harness import Ratio, Scale, Table, interleaved
from benchmarks.loops import SOURCE, TARGET, Loop, steps
from benchmarks.material import PAPER, feature_store, image_domain, task_run
from benchmarks.variants import variants

BAR = 10.0
IMAGES = 8
SMALL_RATE = 1e-5  # the paper's G on noise is not to run away: infinities would be timed


def measure(scale: Scale, folder: Path) -> list[Table]:
    """The default G and the paper's, and two other ways of making the default's step faster."""
    domain = image_domain(folder / "images", IMAGES, PAPER.size)
    encoders = {
        name: load_task_network(task_run(folder / name, name, PAPER, seed)).network
        for seed, name in enumerate((SOURCE, TARGET))
    }
    store = feature_store(folder / "features", PAPER, IMAGES, IMAGES)
    table = Table(
        "an epoch of G from the store ÷ with decoding and both encoders at every step",
        ("G", "batch", "ratio [quartiles]", "s a batch, ours", "theirs", "by arithmetic"),
        bar=f"≥ {BAR:g} with the default G, dilated-resnet50 at 512×512",
    )
    default = Loop(store, scale.of(4, 2), feed="resident")
    ratio = _row(table, "bottleneck (default)", default, encoders, domain, scale)
    table.met = ratio.median >= BAR
    options = {"width": 256} if scale.quick else {}
    paper = Loop(
        store, 2, feed="resident", architecture="paper", options=options, learning_rate=SMALL_RATE
    )
    _row(table, "paper, width 256" if scale.quick else "paper", paper, encoders, domain, scale)
    encoder = _encoder_macs(encoders[SOURCE])
    table.notes += [
        f"By arithmetic: (2·E + 3·G) ÷ 3·G, where a backward pass costs two forward ones; E = "
        f"{encoder / 1e9:.1f} G multiply-accumulates a sample, G = {_macs(default) / 1e9:.2f} G "
        f"(default) and {_macs(paper) / 1e9:.2f} G ({'narrow ' if scale.quick else ''}paper). "
        "G's share of a step is more than that where Adam's pass over its weights counts.",
        "With the paper's own G the store saves little, whatever is done about the feed: the "
        "cheap G is what makes iterating cheap.",
    ]
    del paper
    if scale.quick:  # torch.compile alone takes half a minute
        return [table]
    return [table, variants(store, scale, folder)]


def live_batches(domain: str, encoders: dict[str, TaskNetwork], batch: int) -> Iterator[Batch]:
    """Features of batches of images, decoded and encoded anew each time, without end."""
    opened = open_domain(domain)

    def decoded(index: int) -> np.ndarray:
        return opened.image(index).astype(np.float32).transpose(2, 0, 1) / 255

    device = next(next(iter(encoders.values())).parameters()).device
    with closing(ahead(decoded, cycle(range(len(opened))), depth=batch)) as images:
        while True:
            stacked = torch.from_numpy(np.stack(list(islice(images, batch)))).to(
                device, memory_format=torch.channels_last
            )
            with torch.no_grad():  # inference mode's tensors could not be learnt from
                found = {name: network.encode(stacked) for name, network in encoders.items()}
            yield {"source": found[SOURCE], "target": found[TARGET]}


def _row(
    table: Table,
    name: str,
    loop: Loop,
    encoders: dict[str, TaskNetwork],
    domain: str,
    scale: Scale,
) -> Ratio:
    batch = loop.config.batch
    for network in encoders.values():
        network.to(loop.device)
    with loop.feed() as feed, closing(live_batches(domain, encoders, batch)) as theirs:
        ours = loop.batches(feed)
        ratio = interleaved(
            lambda: loop.train(steps(ours, 1)),
            lambda: loop.train(steps(theirs, 1)),
            scale.pairs,
        )
    g, both = _macs(loop), 2 * _encoder_macs(encoders[SOURCE])
    arithmetic = (both + 3 * g) / (3 * g)
    table.add(name, batch, ratio, f"{ratio.a:.2f}", f"{ratio.b:.2f}", f"{arithmetic:.3g}")
    table.figure(loop.config.architecture, ratio)
    table.figure(f"{loop.config.architecture}.arithmetic", arithmetic)
    return ratio


def _encoder_macs(network: TaskNetwork) -> int:
    return macs(nn.Sequential(*network.stages), PAPER.size)


def _macs(loop: Loop) -> int:
    channels, *size = loop.setting.source_shape
    return macs(loop.learner.network, tuple(size), channels=channels)
