"""Task networks: stages, a decoder, and where they are cut into encoder and decoder."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from atdt.digests import sha256_json
from atdt.errors import NetworkError
from atdt.networks.complexity import meta_call
from atdt.tensors import tensors_sha256

Triple = tuple[float, float, float]
FEWEST_LEVELS = 4


class TaskNetwork(nn.Module):
    """A network for one task, N = D∘E, that can be cut behind any of its stages.

    The output of stage i is level i: `level0` is the shallowest. Cut at a level, the stages up to
    it are the encoder; the stages behind it and `decoder` are the decoder. Images of any size go
    in: they are padded at the bottom and on the right, by repeating the last row and column, to a
    multiple of `stride`, and outputs are cropped to the size that is asked for.

    Args:
        stages: shallow to deep, at least four modules, each from (N, C, h, w) to (N, C', h', w').
            None changes its input in place, and all of them move to any device, "meta" too.
        decoder: from the deepest features to (N, out, H, W) at the padded images' size or above.
        stride: what the sides of padded images are multiples of.
        mean, std: of RGB in [0, 1]; the first stage sees (RGB − mean) / std.
        origin: where initial weights came from, to be recorded by whoever trains the network.

    Raises:
        NetworkError: fewer than four stages, or `stride`, `mean` or `std` cannot be.
    """

    def __init__(
        self,
        stages: Iterable[nn.Module],
        decoder: nn.Module,
        *,
        stride: int,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        origin: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.decoder = decoder
        self.stride = stride
        self.mean = mean
        self.std = std
        self.origin = dict(origin or {})
        self.architecture = ""  # what weights do not show: strides, dilations; set by build_network
        self._shapes: dict[tuple[int, ...], tuple[int, int, int]] = {}
        if len(self.stages) < FEWEST_LEVELS:
            raise NetworkError(
                f"a task network needs at least {FEWEST_LEVELS} stages, one a level, but this "
                f"one has {len(self.stages)}"
            )
        if not isinstance(stride, int) or stride < 1:
            raise NetworkError(f"stride {stride!r}: must be a whole number of pixels, 1 or more")

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels, shallow to deep."""
        return tuple(f"level{index}" for index in range(len(self.stages)))

    @property
    def mean(self) -> Triple:
        """What is subtracted from RGB in [0, 1] before the first stage."""
        return self._mean_values

    @mean.setter
    def mean(self, values: Sequence[float]) -> None:
        self._mean_values = self._set_preprocessing("mean", values)

    @property
    def std(self) -> Triple:
        """What RGB is divided by once the mean is off."""
        return self._std_values

    @std.setter
    def std(self, values: Sequence[float]) -> None:
        self._std_values = self._set_preprocessing("std", values)
        if min(values) <= 0:
            raise NetworkError(f"std {tuple(values)}: must be above 0")

    def _set_preprocessing(self, name: str, values: Sequence[float]) -> Triple:
        """Keep `values` exactly, and as a buffer that moves with the network.

        The buffer is no part of the state dict: preprocessing is recorded beside the weights.
        """
        if len(values) != 3:
            raise NetworkError(f"{name} {tuple(values)}: give three numbers, for R, G and B")
        before = getattr(self, f"_{name}", None)
        device = None if before is None else before.device
        tensor = torch.tensor(values, dtype=torch.float32, device=device)[None, :, None, None]
        self.register_buffer(f"_{name}", tensor, persistent=False)
        red, green, blue = map(float, values)
        return red, green, blue

    def encode(self, images: Tensor, level: str | None = None) -> Tensor:
        """Features of a batch.

        Args:
            images: (N, 3, H, W) float32, RGB in [0, 1].
            level: which features; the deepest when None.

        Returns:
            (N, C, h, w), of the padded images.

        Raises:
            NetworkError: the network has no such level.
        """
        level = self.levels[self._index(level)]
        return self.encode_levels(images, [level])[level]

    def encode_levels(self, images: Tensor, levels: Sequence[str]) -> dict[str, Tensor]:
        """Features of a batch at several levels, in one forward that ends at the deepest of them.

        Each is to the bit what `encode` gives at that level.
        """
        deepest = max((self._index(level) for level in levels), default=-1)
        found: dict[str, Tensor] = {}
        features = self._prepared(images)
        for name, stage in self._stages_to(deepest):
            features = stage(features)
            if name in levels:  # others are freed as soon as the next stage has read them
                found[name] = features
        return {level: found[level] for level in levels}

    def decode(
        self, features: Tensor, level: str | None = None, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Run what lies behind `level` on features of that level.

        Args:
            features: (N, C, h, w), as `encode` gives them.
            level: where they were taken; the deepest when None.
            size: (height, width) of the images; what was padded is cropped away. Not cropped
                when None.

        Returns:
            (N, out, H, W).

        Raises:
            NetworkError: no such level, or the features are of images smaller than `size`.
        """
        for stage in list(self.stages)[self._index(level) + 1 :]:
            features = stage(features)
        output = self.decoder(features)
        return output if size is None else self._cropped(output, size)

    def output_and_features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The output for a batch, as `forward` gives it, and its deepest features."""
        features = self.encode(images)
        return self.decode(features, size=tuple(images.shape[-2:])), features

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] -> (N, out, H, W)."""
        output, _ = self.output_and_features(images)
        return output

    def check_can_be_cut(self, called: str = "this network") -> None:
        """Refuse a network that works only as a whole; this one does not.

        Args:
            called: what a message calls it; the run that it comes from, where there is one.

        Raises:
            NetworkError: its decoder reads more than features of one level (see `SkipNetwork`).
        """

    def drop(self, part: str, level: str | None = None) -> None:
        """Let go of a part's weights, in place; the other part works as before.

        Args:
            part: "encoder" or "decoder".
            level: where the network is cut; at the deepest when None.

        Raises:
            NetworkError: no such level, or a network that cannot be cut.
        """
        self.check_can_be_cut()
        behind = self._index(level) + 1
        gone = range(behind) if part == "encoder" else range(behind, len(self.stages))
        for index in gone:
            self.stages[index] = nn.Identity()
        if part == "decoder":
            self.decoder = nn.Identity()

    def _cropped(self, output: Tensor, size: tuple[int, int]) -> Tensor:
        height, width = size
        if output.shape[-2] < height or output.shape[-1] < width:
            raise NetworkError(
                f"these features decode to {output.shape[-2]}x{output.shape[-1]}, less than the "
                f"{height}x{width} asked for: they are of smaller images"
            )
        return output[..., :height, :width]

    def padded(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of images of `size` once they are padded."""
        height, width = (side + -side % self.stride for side in size)
        return height, width

    def feature_shape(self, level: str | None, size: tuple[int, int]) -> tuple[int, int, int]:
        """(C, h, w) of the features of an image of `size` (height, width); nothing is computed.

        Raises:
            NetworkError: no such level, or a stage cannot be run at that size.
        """
        wanted = self._index(level)
        key = (wanted, *self.padded(size))
        if key not in self._shapes:
            features = torch.empty(2, 3, *self.padded(size), device="meta")
            for name, stage in self._stages_to(wanted):
                try:
                    features = meta_call(stage, features)
                except RuntimeError as error:
                    reason = str(error).partition("\n")[0]
                    raise NetworkError(f"{name} of a {size[0]}x{size[1]} image: {reason}") from None
            self._shapes[key] = tuple(features.shape[1:])
        return self._shapes[key]

    def decoder_inputs(self, size: tuple[int, int]) -> tuple[Tensor, ...]:
        """What `decoder` reads of two images of `size`, on the meta device: shapes, no values.

        Raises:
            NetworkError: a stage cannot be run at that size.
        """
        return (torch.empty(2, *self.feature_shape(None, size), device="meta"),)

    def weights_digest(self, part: str, level: str | None = None) -> str:
        """Hexadecimal sha256 of a part's weights and statistics, whatever device they are on.

        Names, shapes, dtypes, bytes and the architecture's options count (two output strides may
        have the same weights); preprocessing and memory layout do not.

        Args:
            part: "encoder" (the stages up to `level`), "decoder" (what lies behind it) or
                "network" (all of it, at every level the same).
            level: where the network is cut; at the deepest when None.
        """
        behind = self._index(level) + 1
        belongs = {
            "encoder": lambda index: index < behind,
            "decoder": lambda index: index >= behind,
            "network": lambda index: True,
        }[part]
        weights = tensors_sha256(
            {
                name: tensor
                for name, tensor in self.state_dict().items()
                if belongs(self._stage_of(name))
            }
        )
        return sha256_json([self.architecture, weights]) if self.architecture else weights

    def _stage_of(self, name: str) -> int:
        """Which stage a tensor of the state dict is of; one beyond the last for the decoder."""
        piece, _, rest = name.partition(".")
        return int(rest.partition(".")[0]) if piece == "stages" else len(self.stages)

    def _stages_to(self, last: int) -> list[tuple[str, nn.Module]]:
        """Levels and the stages that end at them, up to index `last`."""
        return list(zip(self.levels, self.stages, strict=True))[: last + 1]

    def _index(self, level: str | None) -> int:
        if level is None:
            return len(self.stages) - 1
        if level not in self.levels:
            raise NetworkError(
                f"--level {level}: this network has {', '.join(self.levels)} (shallow to deep)"
            )
        return self.levels.index(level)

    def _prepared(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        wanted_height, wanted_width = self.padded((height, width))
        images = (images - self._mean) / self._std
        if (wanted_height, wanted_width) == (height, width):
            return images
        return pad(images, (0, wanted_width - width, 0, wanted_height - height), mode="replicate")
