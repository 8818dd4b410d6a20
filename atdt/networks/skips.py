"""Task networks whose decoder reads the encoder's earlier maps too: for a task, not a transfer."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from atdt.errors import NetworkError
from atdt.networks.base import TaskNetwork
from atdt.networks.complexity import meta_call

Call = Callable[[nn.Module, Tensor], Tensor]


class SkipNetwork(TaskNetwork):
    """A task network with skips: trained, evaluated and run as a whole, but never cut.

    Its levels have names, shapes and digests as those of any network. Features can be neither
    encoded nor decoded at them: what a skip carries would not come from a transfer network.

    Args:
        stages, decoder, options: see `TaskNetwork`; the decoder takes the deepest features and
            then the maps of `skips`.
        skips: where the maps come from, in the order in which the decoder takes them: names of
            modules within `stages`, "1" for what the second stage puts out, "0.0" for what the
            first module of the first stage does. A stage that is named inside runs its children
            one after another.
    """

    def __init__(
        self,
        stages: Iterable[nn.Module],
        decoder: nn.Module,
        *,
        skips: Sequence[str],
        **options: Any,
    ):
        super().__init__(stages, decoder, **options)
        self.skips = tuple(skips)

    def check_can_be_cut(self, called: str = "this network") -> NoReturn:
        """Raise the NetworkError that says why it cannot."""
        raise NetworkError(
            f"{called}: has skips, so it cannot be cut into an encoder and a decoder: a transfer "
            "network has nothing to put where the decoder reads the encoder's earlier maps; train "
            "one without skips"
        )

    def encode_levels(self, images: Tensor, levels: Sequence[str]) -> NoReturn:
        """Refused with a NetworkError, as `encode` is."""
        self.check_can_be_cut()

    def decode(
        self, features: Tensor, level: str | None = None, size: tuple[int, int] | None = None
    ) -> NoReturn:
        """Refused with a NetworkError."""
        self.check_can_be_cut()

    def output_and_features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The output for a batch, as `forward` gives it, and its deepest features."""
        features, *maps = self._encoded(self._prepared(images), lambda part, given: part(given))
        output = self.decoder(features, *maps)
        return self._cropped(output, tuple(images.shape[-2:])), features

    def decoder_inputs(self, size: tuple[int, int]) -> tuple[Tensor, ...]:
        """The deepest features and the maps of two images of `size`, as shapes without values."""
        return self._encoded(torch.empty(2, 3, *self.padded(size), device="meta"), meta_call)

    def _encoded(self, images: Tensor, call: Call) -> tuple[Tensor, ...]:
        """The deepest features, and the maps of `skips`."""
        found: dict[str, Tensor] = {}
        features = images
        for name, stage in self.stages.named_children():
            features = self._through(stage, name, features, found, call)
        return features, *(found[name] for name in self.skips)

    def _through(
        self, part: nn.Module, name: str, features: Tensor, found: dict[str, Tensor], call: Call
    ) -> Tensor:
        """What `part` makes of features; what is named in or inside it is added to `found`."""
        if any(skip.startswith(f"{name}.") for skip in self.skips):
            for child, inner in part.named_children():
                features = self._through(inner, f"{name}.{child}", features, found, call)
        else:
            features = call(part, features)
        if name in self.skips:
            found[name] = features
        return features
