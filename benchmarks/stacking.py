"""A step of K transfer networks of one shape: stacked by `torch.func`, or one after another.

Stacked, a convolution of K networks is one grouped convolution. Whether that is faster is a
question to the processor, and this is how to ask it; `atdt sweep --stack` is what it decides.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch

from atdt.devices import pick_device
from atdt.transfer.feed import Batch
from atdt.transfer.learner import Learner
from atdt.transfer.network import build_transfer
from atdt.transfer.stacked import learn_stacked
from benchmarks.harness import Scale, Table, interleaved
from benchmarks.loops import settle
from benchmarks.material import DEMO, PAPER, Shape

NETWORKS = 8
BATCH = 16
KINDS = (
    (DEMO, "bottleneck", {"width": 32}),
    (DEMO, "bottleneck", {"width": 128}),
    (DEMO, "depthwise", {"width": 64}),
    (DEMO, "linear", {}),
    (PAPER, "bottleneck", {}),
)


def measure(scale: Scale, folder: Path) -> list[Table]:
    """A step of eight Gs on one batch: its time side by side ÷ stacked."""
    device = pick_device("auto")
    table = Table(
        f"a step of {NETWORKS} Gs on one batch: stacked by torch.func ÷ side by side",
        ("features", "G", "ratio [quartiles]", "ms stacked", "ms side by side"),
    )
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    with pool:
        mapped = map if device.type == "cuda" else pool.map  # as a sweep does
        for shape, name, options in KINDS if device.type == "cuda" else KINDS[:-1]:
            turns = scale.of(4 if shape is DEMO else 1, 1)
            stack, side = (_learners(shape, name, options, device) for _ in range(2))
            arrays = {key: torch.randn(BATCH, *shape.item) for key in ("source", "target")}
            batch = stack[0].ready(arrays)
            ratio = interleaved(
                _repeated(partial(learn_stacked, stack), batch, turns, device),
                _repeated(partial(_side_by_side, side, mapped), batch, turns, device),
                scale.pairs,
                warm_up=3,
            )
            label = " ".join([name, *map(str, options.values())])
            took = (f"{1000 * seconds / turns:.0f}" for seconds in (ratio.a, ratio.b))
            table.add(shape.name, label, ratio, *took)
            table.figure(f"{shape.name} {label}", ratio)
    table.notes.append(
        f"{BATCH} samples on {device.type}, {threads} threads; side by side a G has a thread to "
        "itself on a CPU. Below 1 stacking is slower."
    )
    return [table]


def _side_by_side(
    learners: list[Learner], mapped: Callable[..., Iterable], step: int, batch: Batch
) -> None:
    list(mapped(lambda one: one.learn(step, batch), learners))


def _repeated(
    learn: Callable[[int, Batch], object], batch: Batch, turns: int, device: torch.device
) -> Callable[[], None]:
    def repeated() -> None:
        for step in range(turns):
            learn(step, batch)
        settle(device)

    return repeated


def _learners(shape: Shape, name: str, options: dict, device: torch.device) -> list[Learner]:
    return [
        Learner(
            build_transfer(name, options, shape.item, shape.item, seed=seed),
            {"mse": 1.0},
            steps=1000,
            learning_rate=1e-3,
            schedule="polynomial",
            device=device,
            precision="float32",
        )
        for seed in range(NETWORKS)
    ]
