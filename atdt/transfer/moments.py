"""What least squares needs to know of a store: sums of products over all locations, in float64."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, unfold

from atdt.ranks import Ranks
from atdt.transfer.feed import Batch
from atdt.transfer.network import TransferNetwork

MAPS_BYTES = 2**28  # of maps that are multiplied at once

Offset = tuple[int, int]  # down and to the right, in locations


class Moments:
    """XᵀX, XᵀY and Y's squares of the linear part of a network, over all locations that are added.

    A row of X has the inputs at one location, standardised as the network does it: all channels of
    one neighbour behind those of another, zeros beyond the border, and a 1 at the end.

    With 3×3 neighbours, the sum of x(p + i)·x(p + j) over all locations p is one of x(q)·x(q + d)
    that depends on d = j − i alone, less what lies at the border. So 13 products of whole maps, and
    some of their edges, give the 81 blocks of XᵀX; no neighbourhood is ever written out.

    Args:
        network: whose sizes, standards and device are used.
        layer: its linear part, 1×1 or 3×3.
    """

    def __init__(self, network: TransferNetwork, layer: nn.Conv2d):
        self._network = network
        channels, side = layer.in_channels, layer.kernel_size[0]
        self._unfolded = side > 1 and network.source[1:] != network.target[1:]
        if self._unfolded:  # resizing spoils the pattern: neighbours become channels of their own
            channels, side = channels * side**2, 1
        self._channels, self._kernel = channels, layer.kernel_size
        places = range(-(side // 2), side // 2 + 1)
        self._offsets = [(down, right) for down in places for right in places]
        self._reach = side - 1
        terms = (term for _, _, terms in self._blocks() for term in terms)
        self._places = {key: at for at, key in enumerate(dict.fromkeys(k for _, k in terms))}
        kind = {"dtype": torch.float64, "device": layer.weight.device}
        one_more, outputs = channels + 1, layer.out_channels
        self._gram = torch.zeros(len(self._places), one_more, one_more, **kind)
        self._products = torch.zeros(len(self._offsets), one_more, outputs, **kind)
        self._squares = torch.zeros(outputs, **kind)

    @torch.no_grad()
    def add(self, batch: Batch) -> None:
        """Add a batch of "source" (N, C1, h1, w1) and "target" (N, C2, h2, w2)."""
        per_sample = 8 * batch["target"].shape[-2:].numel() * sum(self._products.shape[1:])
        samples = max(1, MAPS_BYTES // per_sample)
        for source, target in zip(
            batch["source"].split(samples), batch["target"].split(samples), strict=True
        ):
            self._add(*self._maps(source, target))

    def add_up(self, ranks: Ranks) -> None:
        """Take in what the other ranks have added."""
        ranks.add_up([self._gram, self._products, self._squares])

    def sums(self) -> tuple[Tensor, Tensor, Tensor]:
        """XᵀX (inputs + 1, inputs + 1), XᵀY (inputs + 1, outputs), Y's squares (outputs,)."""
        channels, centre = self._channels, len(self._offsets) // 2
        inputs = channels * len(self._offsets)
        gram = self._gram.new_empty(inputs + 1, inputs + 1)
        for i, j, terms in self._blocks():
            block = sum(sign * self._gram[self._places[key]] for sign, key in terms)
            rows, columns = (slice(at * channels, (at + 1) * channels) for at in (i, j))
            gram[rows, columns] = block[:-1, :-1]
            gram[columns, rows] = block[:-1, :-1].T
            if j == centre:
                gram[rows, -1] = gram[-1, rows] = block[:-1, -1]
            if i == centre:
                gram[columns, -1] = gram[-1, columns] = block[-1, :-1]
                gram[-1, -1] = block[-1, -1] if j == centre else gram[-1, -1]
        products = torch.cat([self._products[:, :-1].flatten(0, 1), self._products[centre, -1:]])
        return gram, products, self._squares

    def weight(self, solved: Tensor) -> Tensor:
        """(inputs, outputs) in the order of XᵀX as a weight of (outputs, C1, side, side)."""
        by_offset = solved.unflatten(0, (self._kernel[0] ** 2, -1))
        return by_offset.permute(2, 1, 0).unflatten(2, self._kernel)

    def _maps(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """X's channels with a 1 behind them and Y's, (channels, N, h, w) float64 each."""
        network = self._network
        x, y = (part.to(self._gram.device, torch.float32) for part in (source, target))
        if network.source_mean is not None:
            x = (x - network.source_mean) / network.source_scale
            y = (y - network.target_mean) / network.target_scale
        if self._unfolded:
            sizes, neighbours = x.shape[-2:], self._kernel[0] ** 2
            x = unfold(x, self._kernel, padding=self._kernel[0] // 2)
            x = x.unflatten(1, (-1, neighbours)).transpose(1, 2).flatten(1, 2).unflatten(2, sizes)
        if x.shape[-2:] != y.shape[-2:]:  # resizing and a linear map change places freely
            x = interpolate(x, y.shape[-2:], mode="bilinear", align_corners=False)
        x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        return tuple(part.transpose(0, 1).double() for part in (x, y))

    def _add(self, x: Tensor, y: Tensor) -> None:
        flat: dict[Offset, Tensor] = {}
        for (edge, (down, right)), at in self._places.items():
            if edge not in flat:
                flat[edge] = self._spread(_edge(x, edge), edge)
            step = down * (1 if edge[1] else x.shape[-1] + self._reach) + right
            maps = flat[edge]
            self._gram[at] += maps[:, : maps.shape[1] - step] @ maps[:, step:].T
        x, y, wide = flat[0, 0], self._spread(y, (0, 0)), x.shape[-1] + self._reach
        for at, (down, right) in enumerate(self._offsets):
            step = down * wide + right
            ahead, behind = max(step, 0), max(-step, 0)
            length = x.shape[1] - abs(step)
            self._products[at] += x[:, ahead : ahead + length] @ y[:, behind : behind + length].T
        self._squares += y.square().sum(dim=1)

    def _spread(self, maps: Tensor, edge: Offset) -> Tensor:
        """Maps as rows, (channels, places), with so many zeros between that a step from one place
        to its neighbour never comes to one that is none."""
        below, beside = (0 if one else self._reach for one in edge)
        return pad(maps, (0, beside, 0, below)).flatten(1)

    def _blocks(self) -> Iterator[tuple[int, int, list[tuple[int, tuple[Offset, Offset]]]]]:
        """i ≤ j, and what their block of XᵀX is a sum of: a sign, which part of the maps, and d.

        The neighbour above p is never in the last row, that below never in the first, and so on:
        where both neighbours lie on that side, the edge is taken from the sum over the whole maps.
        """
        for i, one in enumerate(self._offsets):
            for j, other in enumerate(self._offsets[i:], i):
                down, right = (b - a for a, b in zip(one, other, strict=True))
                rows, columns = (a if a == b else 0 for a, b in zip(one, other, strict=True))
                terms = [(1, ((0, 0), (down, right)))]
                terms += [(-1, ((rows, 0), (0, right)))] * bool(rows)
                terms += [(-1, ((0, columns), (down, 0)))] * bool(columns)
                terms += [(1, ((rows, columns), (0, 0)))] * bool(rows and columns)
                yield i, j, terms


def _edge(maps: Tensor, edge: Offset) -> Tensor:
    """The part of (…, h, w) maps where no location has it as its neighbour on that side."""
    kept = {-1: slice(-1, None), 0: slice(None), 1: slice(1)}
    return maps[..., kept[edge[0]], kept[edge[1]]]
