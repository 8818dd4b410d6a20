"""Ridge regression in closed form: XᵀX and XᵀY from one pass over the store, solved once."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, unfold

from atdt.errors import UserError
from atdt.ranks import ALONE, Ranks
from atdt.sizes import said
from atdt.transfer.feed import Batch
from atdt.transfer.memory import free_bytes
from atdt.transfer.network import TransferNetwork

ALPHAS = (1e-3, 1e-4, 1e-2, 1e-1, 1.0, 10.0, 100.0)  # the first where nothing is held out
ROW_BYTES = 2**28  # of inputs that are unfolded at once
ROWS = 4096  # that are multiplied in float32, which is 3e-7 of XᵀX off, before float64 adds them up
COPIES = 4  # of XᵀX that solving takes


def linear_part(body: nn.Module) -> nn.Conv2d | None:
    """The convolution of a body that can start as ridge: itself, or its attribute `linear`."""
    found = body if isinstance(body, nn.Conv2d) else getattr(body, "linear", None)
    return found if isinstance(found, nn.Conv2d) else None


class NormalEquations:
    """XᵀX and XᵀY of the linear part of a network, over all locations that are added.

    Solved, they give the weights that minimise Σ‖y − Wx − b‖² + λ‖W‖², x and y standardised as the
    network does, λ = `alpha` · (mean square of an input) · locations. Sums are in float64, of
    products of some thousand locations in float32: two thirds of the time of float64 throughout.

    Args:
        network: whose body has a linear part.

    Raises:
        UserError: XᵀX does not fit the memory.
    """

    def __init__(self, network: TransferNetwork):
        self._network, self._layer = network, linear_part(network.body)
        weight = self._layer.weight
        inputs, outputs = weight[0].numel(), len(weight)
        _check_memory(inputs, self._layer.kernel_size[0], weight.device)
        kind = {"dtype": torch.float64, "device": weight.device}
        self._gram = torch.zeros(inputs + 1, inputs + 1, **kind)
        self._products = torch.zeros(inputs + 1, outputs, **kind)

    @torch.no_grad()
    def add(self, batch: Batch) -> None:
        """Add a batch of "source" (N, C1, h1, w1) and "target" (N, C2, h2, w2)."""
        locations = batch["target"].shape[-2:].numel()
        samples = max(1, ROW_BYTES // (4 * locations * len(self._gram)))
        for source, target in zip(
            batch["source"].split(samples), batch["target"].split(samples), strict=True
        ):
            rows = _rows(self._network, self._layer, source, target)
            for x, y in zip(*(part.split(ROWS) for part in rows), strict=True):
                self._gram += x.T @ x
                self._products += x.T @ y

    def add_up(self, ranks: Ranks) -> None:
        """Take in what the other ranks have added."""
        ranks.add_up([self._gram])
        ranks.add_up([self._products])

    @torch.no_grad()
    def solve(self, alpha: float) -> None:
        """Give the linear part the weights of the best linear map under this penalty."""
        gram, layer = self._gram.clone(), self._layer
        squares = gram.diagonal()[:-1].mean()  # of an input, summed over the locations
        penalty = alpha * (squares if squares > 0 else torch.ones_like(squares))
        gram.diagonal()[:-1].add_(penalty)  # not of the bias
        solved = torch.linalg.solve(gram, self._products)
        layer.weight.copy_(solved[:-1].T.reshape(layer.weight.shape))
        layer.bias.copy_(solved[-1])


def solve_ridge(
    network: TransferNetwork,
    fed: Iterable[Batch],
    alpha: float | None = None,
    loss: Callable[[], float] | None = None,
    ranks: Ranks = ALONE,
) -> float:
    """Give the linear part of `network` the weights of the best linear map.

    Args:
        network: see `NormalEquations`.
        fed: batches that are added.
        alpha: of the penalty; None: the one of `ALPHAS` with the smallest `loss`.
        loss: of the network as it is, on other images; None: they are not compared.
        ranks: that add batches, each its own.

    Returns:
        alpha.
    """
    equations = NormalEquations(network)
    for batch in fed:
        equations.add(batch)
    equations.add_up(ranks)
    if alpha is None and loss is not None:
        found = {}
        for tried in ALPHAS:
            equations.solve(tried)
            found[tried] = loss()
        alpha = min(found, key=found.__getitem__)
    alpha = ALPHAS[0] if alpha is None else alpha
    equations.solve(alpha)
    return alpha


def _rows(
    network: TransferNetwork, layer: nn.Conv2d, source: Tensor, target: Tensor
) -> tuple[Tensor, Tensor]:
    """Inputs with a 1 behind them, and outputs, a row for each location of the target."""
    x, y = (part.to(layer.weight.device, torch.float32) for part in (source, target))
    if network.source_mean is not None:
        x = (x - network.source_mean) / network.source_scale
        y = (y - network.target_mean) / network.target_scale
    height, width = x.shape[-2:]
    x = unfold(x, layer.kernel_size, padding=layer.padding).unflatten(2, (height, width))
    if x.shape[-2:] != y.shape[-2:]:  # resizing and a linear map change places freely
        x = interpolate(x, y.shape[-2:], mode="bilinear", align_corners=False)
    x, y = (part.movedim(1, -1).flatten(0, 2) for part in (x, y))
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1), y


def _check_memory(inputs: int, side: int, device: torch.device) -> None:
    needed, free = COPIES * 8 * (inputs + 1) ** 2 + 2 * ROW_BYTES, free_bytes(device)[device.type]
    if needed > free:
        hint = "; --option neighbourhood=1 takes an 81st of it" if side > 1 else ""
        raise UserError(
            f"ridge of {inputs} inputs takes {said(needed)}, free are {said(free)}{hint}"
        )
