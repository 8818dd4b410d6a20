"""Task networks out of modules that were written as one piece."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from atdt.errors import NetworkError
from atdt.networks.base import TaskNetwork
from atdt.networks.complexity import meta_call
from atdt.networks.graphs import Cutter, find_node, find_output, traced

PROBE = (3 * 128, 5 * 128)  # height and width; whole multiples of every stride that is in use


def split_module(
    module: nn.Module,
    nodes: Sequence[str],
    *,
    output: str | int | None = None,
    stride: int | None = None,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
) -> TaskNetwork:
    """Cut a module that `torch.fx` can trace into stages and a decoder.

    Stage i ends with the i-th node, which becomes level i; what follows the last one is the
    decoder. One tensor is handed from piece to piece, and the size of the image, which
    segmentation models enlarge their output to. Weights are shared with `module`, under the names
    that they have there.

    Args:
        module: from an image (N, 3, H, W) to (N, out, ≥H, ≥W), or to a dict or tuple of such.
        nodes: four or more names, from shallow to deep: dotted names of modules, which stand for
            what the module returns, or names of fx nodes.
        output: which item of a dict or tuple; may be left out where there is just one.
        stride: what images are padded to a multiple of; the least that all levels need when None.
            Give it where the decoder divides the image further than the deepest level does.
        mean, std: see `TaskNetwork`.

    Raises:
        NetworkError: a node is unknown, out of order or not a good place to cut: another tensor
            is needed behind it as well, the next layer changes it in place, or its sides are not
            those of the image divided by a whole number. Or `module` is a network with skips.
    """
    if isinstance(module, TaskNetwork):
        module.check_can_be_cut()
    graph = traced(module)
    cuts = [find_node(graph, name) for name in nodes]
    result = find_output(graph, output)
    cutter = Cutter(module, graph)
    pieces: list[nn.Module] = []
    factors = [1]
    features = torch.empty(2, 3, *PROBE, device="meta")
    for name, cut in zip(nodes, cuts, strict=True):
        pieces.append(cutter.take(cut, factors[-1]))
        features = meta_call(pieces[-1], features)
        factors.append(_factor(name, features, PROBE))
    decoder = cutter.take(result, factors[-1])
    least = math.lcm(*factors)
    if stride is not None and stride % least:
        raise NetworkError(f"stride={stride}: its levels need a multiple of {least}")
    stride = least if stride is None else stride
    return TaskNetwork(pieces, decoder, stride=stride, mean=mean, std=std).train()


def _factor(name: str, features: torch.Tensor, size: tuple[int, int]) -> int:
    """Side of images of `size` over the side of their features."""
    if not isinstance(features, torch.Tensor) or features.ndim != 4:
        raise NetworkError(f"node {name!r}: not a tensor of features (N, C, h, w)")
    height, width = features.shape[-2:]
    factor = max(size[0] // height, 1)
    if (height * factor, width * factor) != size:
        raise NetworkError(
            f"node {name!r}: is {height}x{width} for an image of {size[0]}x{size[1]}; the image's "
            "sides must be divided by one whole number"
        )
    return factor
