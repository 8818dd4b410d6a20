"""What an experiment is told: the pair, the sizes of its splits, the networks and schedules.

Every row of a table is trained under the one preset: nothing is tuned for a row alone.
"""

from dataclasses import dataclass, field

from atdt.networks import NetworkSpec


@dataclass(frozen=True)
class Preset:
    """The settings that all rows of an experiment share.

    Attributes:
        pair: rendered pair of domains, see `atdt.domains.streets`.
        size: (height, width) of its images.
        resize: (height, width) that all images are brought to first; None where they agree.
        train, val, test: images a split and domain.
        network: architecture of every task network.
        steps: optimiser steps of every task network, however many images it learns from.
        batch, learning_rate, precision: of the task networks.
        views: views of each image in a store, the plain one included.
        photometric: of task networks and stores alike, see `atdt.domains.views`.
        architecture, width: of G, and of the head that is its rival.
        losses: of G, name → weight, see `atdt.transfer`; the paper's MSE has a row of its own.
            These two, D2's output matched and its task learnt through it, were the best of six
            mixtures on the development pair with seed 100, which no table uses.
        transfer_steps, transfer_batch, transfer_learning_rate: of G, and of the head.
        block: neighbouring test images that the bootstrap draws together; more than 1 for video.
    """

    pair: str = "streets"
    size: tuple[int, int] = (96, 192)
    resize: tuple[int, int] | None = None
    train: int = 480
    val: int = 64
    test: int = 128
    network: NetworkSpec = field(default_factory=lambda: NetworkSpec("tiny", {}))
    steps: int = 700
    batch: int = 8
    learning_rate: float = 1e-3
    precision: str = "bfloat16"
    views: int = 6
    photometric: str = "paper"
    architecture: str = "bottleneck"
    width: int = 128
    losses: tuple[tuple[str, float], ...] = (("match-l1", 1.0), ("task", 1.0))
    transfer_steps: int = 1000
    transfer_batch: int = 16
    transfer_learning_rate: float = 1e-3
    block: int = 1


DEMO = Preset()
# Minutes matter less here: more images, longer schedules, tighter intervals.
FULL = Preset(train=600, val=100, test=150, steps=1200)
# For tests: the same road, nothing learnt.
SMOKE = Preset(
    size=(32, 64),
    train=6,
    val=2,
    test=3,
    steps=4,
    batch=2,
    precision="float32",
    views=2,
    width=8,
    transfer_steps=4,
    transfer_batch=4,
)
