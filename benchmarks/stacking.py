"""K transfer networks of one shape: stacked by `torch.func`, or side by side as `atdt sweep` does.

Stacked, a convolution of K networks is one grouped convolution. Whether that is faster is a
question to the processor, and this is how to ask it.
"""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import mse_loss

from atdt.devices import pick_device
from atdt.transfer.network import build_transfer
from benchmarks.harness import Scale, Table, interleaved
from benchmarks.material import DEMO

NETWORKS = 8
BATCH = 16
KINDS = (("bottleneck", 32), ("bottleneck", 128), ("depthwise", 64), ("linear", None))


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Losses and gradients of eight Gs on one batch: their time side by side ÷ stacked."""
    device, turns = pick_device("auto"), scale.of(4, 1)
    table = Table(
        f"gradients of {NETWORKS} Gs on one batch: stacked by torch.func ÷ side by side",
        ("G", "ratio [quartiles]", "ms stacked", "ms side by side"),
    )
    shape = DEMO.item
    x, y = (
        torch.randn(BATCH, *shape, device=device).to(memory_format=torch.channels_last)
        for _ in "xy"
    )
    for name, width in KINDS:
        options = {} if width is None else {"width": width}
        networks = [
            build_transfer(name, options, shape, shape, seed=seed).to(device)
            for seed in range(NETWORKS)
        ]
        ratio = interleaved(
            _repeated(stacked(networks, x, y), device, turns),
            _repeated(side_by_side(networks, x, y), device, turns),
            scale.pairs,
        )
        label = name if width is None else f"{name} {width}"
        table.add(label, ratio, *(f"{1000 * took / turns:.0f}" for took in (ratio.a, ratio.b)))
        table.figure(label, ratio)
    table.notes.append(
        f"{BATCH} samples of {DEMO.name} on {device.type}, {torch.get_num_threads()} threads; side "
        "by side a G has a thread to itself on a CPU. Below 1 stacking is slower."
    )
    return [table]


def stacked(networks: list[nn.Module], x: Tensor, y: Tensor) -> Callable[[], object]:
    """Gradients of all networks' mean squared errors by `vmap` over their stacked weights."""
    weights, buffers = stack_module_state(networks)
    skeleton = copy.deepcopy(networks[0]).to("meta")

    def loss(weights: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
        return mse_loss(functional_call(skeleton, (weights, buffers), (x,)), y)

    each = vmap(grad(loss))
    return lambda: each(weights, buffers)


def side_by_side(networks: list[nn.Module], x: Tensor, y: Tensor) -> Callable[[], object]:
    """The same one by one: in turns on a GPU, a thread a network on a CPU."""

    def one(network: nn.Module) -> tuple[Tensor, ...]:
        return torch.autograd.grad(mse_loss(network(x), y), list(network.parameters()))

    if x.device.type != "cpu":
        return lambda: [one(network) for network in networks]
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    return lambda: list(pool.map(one, networks))


def _repeated(call: Callable[[], object], device: torch.device, turns: int) -> Callable[[], None]:
    def repeated() -> None:
        for _ in range(turns):
            call()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return repeated
