"""How much faster two processes train together than one, of one thread each: train and train-task.

python -m torch.distributed.run --nproc-per-node N -m benchmarks.ranks FILE is one side.
"""

import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch.distributed as dist

from atdt.launch import launch
from atdt.networks import NetworkSpec
from atdt.training import TaskTraining, train_task
from atdt.training.learner import Learner as TaskLearner
from atdt.transfer import TransferTraining, train
from atdt.transfer.learner import Learner
from benchmarks.harness import Scale, Table, in_turns, ratio_of
from benchmarks.material import DEMO, feature_store, image_domain

UNCOUNTED = 3  # first steps, in which memory is found and files come into the cache


@dataclass(frozen=True)
class Timed:
    """Of the steps that count: seconds, of which some in messages, and bytes of a step's."""

    seconds: float
    messages: float
    sent: int


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Time of the steps of each verb by one process ÷ by two."""
    steps = UNCOUNTED + scale.of(40, 6)
    transfer = TransferTraining(
        store=feature_store(folder / "store.zarr", DEMO, scale.of(512, 64), 64),
        source="depth",
        target="semantic",
        out=folder / "run",
        steps=steps,
        batch=32,
        held_out=0,
        device="cpu",
    )
    task = TaskTraining(
        task="edges",
        train=(image_domain(folder / "domain", scale.of(64, 16), DEMO.size),),
        network=NetworkSpec("tiny", {"norm": "group"}),
        out=folder / "run",
        steps=steps,
        batch=8,
        device="cpu",
    )
    table = Table(
        "one process of one thread ÷ two, of the time of their steps",
        ("verb", "batch", "one: samples/s", "two: samples/s", "ratio", "message", "in messages"),
    )
    for name, verb, config in (("train", train, transfer), ("train-task", train_task, task)):
        found: dict[int, Timed] = {}
        sides = [partial(_side, ranks, verb, config, found) for ranks in (1, 2)]
        timed = in_turns(sides, scale.pairs, warm_up=0)
        ratio = ratio_of([(two, one) for one, two in timed])
        samples = config.batch * (steps - UNCOUNTED)
        two = found[2]
        table.add(
            name,
            config.batch,
            *(f"{samples / spent:.3g}" for spent in (ratio.b, ratio.a)),
            ratio,
            f"{two.sent / 1e6:.3g} MB",
            f"{two.messages / two.seconds:.0%}",
        )
        table.figure(f"{name} by 2", ratio)
        table.figure(f"{name}: share of messages", two.messages / two.seconds)
    table.notes.append(
        "Timed from the fourth step on; processes take seconds to start. The last column is the "
        "part of the steps of two in which the first rank sends gradients, or waits for the other "
        "to. What else is missing to 2 is not told apart: memory that both want, and what a "
        "step costs however few samples it has (Adam over all weights, Python)."
    )
    return [table]


def _side(ranks: int, verb: Callable[[Any], Path], config: Any, found: dict[int, Timed]) -> float:
    """Seconds of the steps of a training by so many processes."""
    shutil.rmtree(config.out, ignore_errors=True)
    work, told = (config.out.with_name(name) for name in ("work.pickle", "timed.json"))
    work.write_bytes(pickle.dumps((verb, config, told)))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks)]
    subprocess.run(
        [*torchrun, "-m", "benchmarks.ranks", str(work)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
    )
    found[ranks] = Timed(**json.loads(told.read_text()))
    return found[ranks].seconds


def _work(file: Path) -> None:
    """Train as `file` says, and write what it took."""
    verb, config, told = pickle.loads(file.read_bytes())  # noqa: S301 – written by this program
    ends: list[float] = []
    messages: list[tuple[float, int]] = []

    def noting(learn: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            learnt = learn(*arguments)
            ends.append(time.perf_counter())
            if len(ends) == UNCOUNTED:
                messages.clear()
            return learnt

        return noted

    def sending(tensor: Any, send: Callable[..., Any] = dist.all_reduce) -> None:
        start = time.perf_counter()
        send(tensor)
        messages.append((time.perf_counter() - start, tensor.nbytes))

    with (
        mock.patch.object(Learner, "learn", noting(Learner.learn)),
        mock.patch.object(TaskLearner, "learn", noting(TaskLearner.learn)),
        mock.patch.object(dist, "all_reduce", sending),
    ):
        verb(config)
    seconds = ends[-1] - ends[UNCOUNTED - 1]
    spent, sent = (sum(column) for column in zip(*messages, (0, 0), strict=True))
    timed = {"seconds": seconds, "messages": spent, "sent": sent // (len(ends) - UNCOUNTED)}
    if launch().is_first:
        told.write_text(json.dumps(timed))


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
