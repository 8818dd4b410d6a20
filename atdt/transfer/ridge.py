"""Ridge regression in closed form: from one pass over the store, decomposed once."""

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from atdt.errors import UserError
from atdt.ranks import ALONE, Ranks
from atdt.sizes import said
from atdt.transfer.feed import Batch
from atdt.transfer.memory import free_bytes
from atdt.transfer.moments import MAPS_BYTES, Moments
from atdt.transfer.network import TransferNetwork

ALPHAS = (1e-3, 1e-4, 1e-2, 1e-1, 1.0, 10.0, 100.0)  # the first where nothing is held out
COPIES = 5  # of XᵀX that decomposing it takes


def linear_part(body: nn.Module) -> nn.Conv2d | None:
    """The convolution of a body that can start as ridge: itself, or its attribute `linear`."""
    found = body if isinstance(body, nn.Conv2d) else getattr(body, "linear", None)
    return found if isinstance(found, nn.Conv2d) else None


class Ridge:
    """The best linear maps between the features of a store, one for each penalty.

    They minimise Σ‖y − Wx − b‖² + λ‖W‖² over all locations that are added, x and y standardised as
    the network does, λ = `alpha` · (mean square of an input) · locations. All come from one
    eigendecomposition of XᵀX, and so does how far each is from held-out samples: of these, too,
    only sums are kept.

    Args:
        network: whose body has a linear part; see `alike` for which others they can be given to.

    Attributes:
        seconds: that adding and decomposing took.
    """

    def __init__(self, network: TransferNetwork):
        layer = linear_part(network.body)
        self._learnt, self._held_out = Moments(network, layer), Moments(network, layer)
        self._any_held_out = False
        self.seconds = 0.0

    def add(self, batch: Batch, *, held_out: bool = False) -> None:
        """Add a batch of "source" (N, C1, h1, w1) and "target" (N, C2, h2, w2)."""
        start = time.monotonic()
        (self._held_out if held_out else self._learnt).add(batch)
        self._any_held_out |= held_out
        self.seconds += time.monotonic() - start

    @torch.no_grad()
    def solve(self, ranks: Ranks = ALONE) -> None:
        """Decompose what all ranks have added, after which weights can be had."""
        self._learnt.add_up(ranks)
        self._held_out.add_up(ranks)
        self._any_held_out = any(ranks.gathered(self._any_held_out))
        start = time.monotonic()
        gram, products, _ = self._learnt.sums()
        squares = gram.diagonal()[:-1].mean()  # of an input, summed over the locations
        self._unit = squares if squares > 0 else torch.ones_like(squares)
        # Less the means, so that b is not penalised.
        self._means = gram[-1, :-1] / gram[-1, -1], products[-1] / gram[-1, -1]
        inner = gram[:-1, :-1].sub_(torch.outer(gram[:-1, -1], self._means[0]))
        centred = products[:-1] - torch.outer(gram[:-1, -1], self._means[1])
        self._values, self._vectors = torch.linalg.eigh(inner)
        self._turned = self._vectors.T @ centred
        self._measured = self._held_out.sums()
        self.seconds += time.monotonic() - start

    def weights(self, alpha: float) -> Tensor:
        """(inputs + 1, outputs) float64, the bias last."""
        shrunk = self._turned / (self._values + alpha * self._unit)[:, None]
        weights = self._vectors @ shrunk
        of_inputs, of_outputs = self._means
        return torch.cat([weights, (of_outputs - of_inputs @ weights)[None]])

    @torch.no_grad()
    def give(self, network: TransferNetwork, alpha: float) -> None:
        """Give the linear part of a network the weights of this penalty."""
        layer, solved = linear_part(network.body), self.weights(alpha)
        layer.weight.copy_(self._learnt.weight(solved[:-1]))
        layer.bias.copy_(solved[-1])

    def errors(self, alpha: float) -> Tensor:
        """(outputs,) float64 squared errors of each, summed over the held-out locations."""
        weights, (gram, products, squares) = self.weights(alpha), self._measured
        return squares - 2 * (weights * products).sum(0) + (weights * (gram @ weights)).sum(0)

    def choose(
        self,
        network: TransferNetwork,
        squares: Tensor | None = None,
        loss: Callable[[], float] | None = None,
    ) -> float:
        """The alpha of `ALPHAS` with the smallest loss on what is held out; the first without it.

        Args:
            network: is given the weights of each where `loss` decides.
            squares: (outputs,) what the loss weighs the squared error of each channel with, in the
                units that the network standardises to; None where it is another loss.
            loss: of the network as it is; asked only without `squares`.
        """
        if not self._any_held_out:
            return ALPHAS[0]
        if squares is not None:
            found = [float(self.errors(alpha) @ squares.double()) for alpha in ALPHAS]
        else:
            found = []
            for alpha in ALPHAS:
                self.give(network, alpha)
                found.append(loss())
        return ALPHAS[found.index(min(found))]


def alike(network: TransferNetwork) -> tuple:
    """What networks have in common that can share a `Ridge`; of one store, besides."""
    kernel = linear_part(network.body).kernel_size
    return kernel, network.source_mean is not None, network.source, network.target


def check_memory(networks: Sequence[TransferNetwork]) -> None:
    """Refuse what does not fit.

    Raises:
        UserError: XᵀX of each of these networks takes more than is free.
    """
    layers = [linear_part(network.body) for network in networks]
    if not layers:
        return
    sizes = [layer.weight[0].numel() for layer in layers]
    device = layers[0].weight.device
    needed = sum(COPIES * 8 * (size + 1) ** 2 + 2 * MAPS_BYTES for size in sizes)
    free = free_bytes(device)[device.type]
    if needed > free:
        large = any(layer.kernel_size[0] > 1 for layer in layers)
        hint = "; --option neighbourhood=1 takes an 81st of it" if large else ""
        inputs = " and ".join(map(str, sizes))
        raise UserError(
            f"ridge of {inputs} inputs takes {said(needed)}, free are {said(free)}{hint}"
        )
