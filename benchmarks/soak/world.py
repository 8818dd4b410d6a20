"""A small world made by the verbs themselves: domains, two networks, a store, a G."""

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from click.testing import CliRunner, Result

from atdt.cli import main


@dataclass(frozen=True)
class Size:
    """How long the verbs work: long enough to be hit anywhere, short enough to be done often.

    Attributes:
        images: of each domain.
        views: of each image in a store.
        steps: of trainings.
    """

    images: int
    views: int
    steps: int


FULL = Size(images=12, views=3, steps=32)
SHORT = Size(images=6, views=2, steps=10)


class World:
    """Everything that the four verbs need, below `folder`."""

    def __init__(self, folder: Path, size: Size):
        torch.set_num_threads(1)  # as in the children: last bits depend on it
        self.folder, self.size = folder, size
        self._made = 0
        data = folder / "data"
        sizes = ["--train", size.images, "--val", 2, "--test", size.images, "--size", "24x48"]
        self.do("render", "--out", data, *sizes, "--workers", 1)
        self.a, self.b, self.val = f"{data}/a:train", f"{data}/b:test", f"{data}/a:val"
        few = ("--steps", 2, "--batch", 2, "--device", "cpu")
        self.n1, self.n2 = folder / "n1", folder / "n2"
        self.do("train-task", "--task", "edges", "--train", self.a, *few, "--out", self.n1)
        self.do("train-task", "--task", "semantic", "--train", self.a, *few, "--out", self.n2)
        self.store, self.g = folder / "a.zarr", folder / "g"
        self.do("extract", *self.extraction, "--out", self.store)
        pair = ("--from", "edges", "--to", "semantic", "--target-run", self.n2)
        self.do("train", self.store, *pair, *few, "--out", self.g)

    def shortened(self, size: Size) -> "World":
        """The same world, of which less is extracted."""
        less = copy.copy(self)
        less.size, less._made = size, 10**6
        return less

    @property
    def extraction(self) -> list[str]:
        """What is extracted: two encoders at a level, and labels."""
        return [
            *(
                f"{self.a}@{self.size.images}",
                "--encoder",
                self.n1,
                "--encoder",
                self.n2,
                "--labels",
                "semantic",
            ),
            *("--views", self.size.views, "--samples-per-shard", 3, "--batch", 2),
            *("--device", "cpu"),
        ]

    def new(self, name: str = "out") -> Path:
        """A path that nothing is at yet."""
        self._made += 1
        return self.folder / f"{name}{self._made}"

    def do(self, *arguments: object) -> Result:
        """Run a verb here and now.

        Raises:
            AssertionError: it does not end well.
        """
        done = run(*arguments)
        if done.exit_code:
            raise AssertionError(f"{arguments[0]} ended with {done.exit_code}: {done.output}")
        return done


def run(*arguments: object) -> Result:
    """Run a verb in this process, however it ends."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])
