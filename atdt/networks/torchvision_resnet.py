"""ResNet-50 and ResNet-101 from torchvision, with weights from ImageNet if asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor, nn
from torchvision.models import (
    ResNet,
    ResNet50_Weights,
    ResNet101_Weights,
    WeightsEnum,
    resnet50,
    resnet101,
)

from atdt.digests import sha256_file
from atdt.errors import NetworkError
from atdt.networks.base import TaskNetwork
from atdt.networks.blocks import bilinear_decoder
from atdt.networks.weights import read_weights, weights_file

DILATED = {8: (False, True, True), 16: (False, False, True), 32: (False, False, False)}
CLASSIFIER = "fc."  # of the ImageNet classes; has no place here


def build_resnet50(
    out_channels: int, output_stride: int = 16, weights: str | None = None
) -> TaskNetwork:
    """torchvision's ResNet-50 and a small convolutional decoder without skips.

    Levels: stem 64@1/4, then the four layers, 256@1/4, 512@1/8 and, for an output stride of 16,
    1024@1/16 and 2048@1/16. Layers that may not stride dilate instead.

    Args:
        out_channels: of the decoder.
        output_stride: 8, 16 or 32: side of an image over the side of its deepest features.
        weights: of ImageNet, by torchvision's name ("IMAGENET1K_V2"; downloaded once, by
            torchvision) or a local .pth or .safetensors file with torchvision's keys. Images are
            then normalised as ImageNet's are; not at all from scratch, when None. The network's
            `origin` tells the file and its sha256.

    Raises:
        NetworkError: an option cannot be, or the weights are not this network's.
    """
    return _build(resnet50, ResNet50_Weights, out_channels, output_stride, weights)


def build_resnet101(
    out_channels: int, output_stride: int = 16, weights: str | None = None
) -> TaskNetwork:
    """torchvision's ResNet-101; otherwise like `build_resnet50`."""
    return _build(resnet101, ResNet101_Weights, out_channels, output_stride, weights)


def _build(
    make: Callable[..., ResNet],
    known: type[WeightsEnum],
    out_channels: int,
    output_stride: int,
    weights: str | None,
) -> TaskNetwork:
    if output_stride not in DILATED:
        raise NetworkError(f"output_stride={output_stride}: choose 8, 16 or 32")
    backbone = make(weights=None, replace_stride_with_dilation=DILATED[output_stride])
    backbone.fc = nn.Identity()
    preprocessing: dict[str, Any] = {}
    if weights is not None:
        named = weights in known.__members__
        path = _downloaded(known[weights]) if named else _local(weights, known)
        _fill(backbone, read_weights(path), path)
        transforms = (known[weights] if named else known["DEFAULT"]).transforms()
        preprocessing = {
            "mean": transforms.mean,
            "std": transforms.std,
            "origin": {"weights": weights, "file": str(path), "sha256": sha256_file(path)},
        }
    # Children keep their names, so that weights have torchvision's names inside each stage.
    stages = [
        _named(backbone, "conv1", "bn1", "relu", "maxpool"),
        *(_named(backbone, f"layer{number}") for number in range(1, 5)),
    ]
    decoder = bilinear_decoder(2048, out_channels, output_stride)
    return TaskNetwork(stages, decoder, stride=output_stride, **preprocessing)


def _named(backbone: nn.Module, *children: str) -> nn.Sequential:
    sequence = nn.Sequential()
    for child in children:
        sequence.add_module(child, getattr(backbone, child))
    return sequence


def _local(weights: str, known: type[WeightsEnum]) -> Path:
    """The file of that name."""
    path = weights_file(weights)
    if not path.is_file():
        raise NetworkError(
            f"weights={weights}: no such file, and none of torchvision's names "
            f"({', '.join(known.__members__)})"
        )
    return path


def _downloaded(entry: WeightsEnum) -> Path:
    """torchvision's own file, downloaded and checked by torchvision where it is not here yet."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(entry.url).path).name
    if not path.is_file():
        try:
            entry.get_state_dict(check_hash=True, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError) as error:
            raise NetworkError(
                f"weights={entry.name}: {entry.url} cannot be downloaded ({error}); give the path "
                "of a local copy"
            ) from None
    return path


def _fill(backbone: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Load a classification network's weights, all of them but the classifier's."""
    found = {name: value for name, value in tensors.items() if not name.startswith(CLASSIFIER)}
    wanted = {
        name: value
        for name, value in backbone.state_dict().items()
        # Only counts batches, and is not in files of old.
        if name in found or not name.endswith("num_batches_tracked")
    }
    wrong = sorted(wanted.keys() ^ found.keys()) or [
        name for name in wanted if wanted[name].shape != found[name].shape
    ]
    if wrong:
        raise NetworkError(
            f"{path}: not weights of torchvision's {type(backbone).__name__} of this depth: "
            f"{wrong[0]} and {len(wrong) - 1} more are missing, unknown or of another shape"
        )
    backbone.load_state_dict(found, strict=False)
