"""What a training of a CycleGAN is told."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from atdt.adapt.history import CAPACITY
from atdt.adapt.networks import BLOCKS, MOST_BLOCKS, MOST_WIDTH, WIDTH
from atdt.checks import check_counts, check_seed_and_rate
from atdt.errors import RunError

# What changes neither the result nor what it is made from.
ELSEWHERE = ("out", "device", "checkpoint_every", "resume", "overwrite", "memory")


@dataclass(frozen=True)
class CycleGANTraining:
    """A training of one CycleGAN on two domains; the defaults are the published ones.

    Attributes:
        a, b: specs ("PATH[:SPLIT][@N]") of the two domains. Only their images are read.
        out: folder of the run.
        steps: of both optimisers, each on `batch` images of either domain; published are 200
            passes over the larger domain.
        width: channels of the networks' first layers.
        blocks: residual blocks of a generator.
        batch: images of either domain a step.
        crop: (height, width) cut at random from the images; published is 256x256 out of images
            that were brought to 286x286. Whole images when None.
        flip: mirror half of the draws.
        learning_rate: Adam's, for the first half of the steps; then it falls to 0 in a line.
        cycle_weight, identity_weight: of these losses, where the adversarial one has 1.
        history: made images that a discriminator may see again.
        seed: of the initial weights, the order, the views and the history.
        device, precision: see `atdt.devices`.
        checkpoint_every: in steps.
        skip_bad: leave out images that cannot be used.
        resume, overwrite: go on with, or replace, what is in `out`.
        memory: bytes of decoded images that are kept.
    """

    a: str
    b: str
    out: Path
    steps: int
    width: int = WIDTH
    blocks: int = BLOCKS
    batch: int = 1
    crop: tuple[int, int] | None = None
    flip: bool = True
    learning_rate: float = 2e-4
    cycle_weight: float = 10.0
    identity_weight: float = 5.0
    history: int = CAPACITY
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    checkpoint_every: int = 500
    skip_bad: bool = False
    resume: bool = False
    overwrite: bool = False
    memory: int = 2 * 2**30

    def check(self) -> None:
        """Refuse values that no training can have.

        Raises:
            RunError: naming the option and the value.
        """
        check_counts(self, ("steps", "batch", "width", "checkpoint_every"), RunError)
        check_seed_and_rate(self, RunError)
        for name in ("blocks", "history", "cycle_weight", "identity_weight"):
            self._refuse(name, getattr(self, name) >= 0, "must be ≥ 0")
        self._refuse("width", self.width <= MOST_WIDTH, f"must be ≤ {MOST_WIDTH}")
        self._refuse("blocks", self.blocks <= MOST_BLOCKS, f"must be ≤ {MOST_BLOCKS}")

    def described(self) -> dict[str, Any]:
        """All that the result depends on, for run.json; paths as they were given."""
        return {name: value for name, value in asdict(self).items() if name not in ELSEWHERE}

    def _refuse(self, name: str, good: bool, wanted: str) -> None:
        if not good:
            raise RunError(f"--{name.replace('_', '-')} {getattr(self, name)}: {wanted}")
