"""Networks that several tests look at, and images."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from atdt.networks import NetworkSpec, TaskNetwork, build_network

SPECS = {
    "tiny": NetworkSpec("tiny"),
    **{
        f"dilated-resnet50, norm {norm}": NetworkSpec("dilated-resnet50", {"norm": norm})
        for norm in ("batch", "group", "instance", "none")
    },
    "atdt-resnet50": NetworkSpec("atdt-resnet50"),
    "atdt-vgg": NetworkSpec("atdt-vgg"),
    "resnet50, stride 8": NetworkSpec("resnet50", {"output_stride": 8}),
    "resnet50": NetworkSpec("resnet50"),
    "resnet101, stride 32": NetworkSpec("resnet101", {"output_stride": 32}),
}


@pytest.fixture(scope="module", params=SPECS)
def network(request: pytest.FixtureRequest) -> TaskNetwork:
    """Each network of the project in turn, with five output channels; one is alive at a time."""
    return build_network(SPECS[request.param], 5, seed=1)


def make_toy(stages: int = 4, stride: int = 2, out_channels: int = 3, **options) -> TaskNetwork:
    first = nn.Sequential(nn.Conv2d(3, 4, 3, stride, 1), nn.BatchNorm2d(4), nn.ReLU())
    others = [
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)) for _ in range(stages - 1)
    ]
    decoder = nn.Sequential(nn.Conv2d(4, out_channels, 1), nn.Upsample(scale_factor=stride))
    return TaskNetwork([first, *others], decoder, stride=stride, **options)


@pytest.fixture(scope="session")
def toy() -> Callable[..., TaskNetwork]:
    """Makes networks of a few hundred weights; the first stage alone has a stride."""
    return make_toy


def layers_of(decoder: nn.Module) -> list[str | tuple[int, int, str]]:
    described: list[str | tuple[int, int, str]] = []
    for module in decoder.modules():
        if isinstance(module, nn.Upsample):
            assert (module.scale_factor, module.mode) == (2, "nearest")
            described.append("double")
        elif isinstance(module, nn.Conv2d):
            assert (module.kernel_size, module.stride, module.padding) == ((3, 3), (1, 1), (1, 1))
            bias = "bias" if module.bias is not None else "no bias"
            described.append((module.in_channels, module.out_channels, bias))
        elif isinstance(module, nn.BatchNorm2d | nn.ELU):
            described.append(type(module).__name__)
    return described


@pytest.fixture(scope="session")
def layers() -> Callable[[nn.Module], list[str | tuple[int, int, str]]]:
    """Describes a decoder of 3×3 convolutions and nearest-neighbour doublings, layer by layer."""
    return layers_of


@pytest.fixture(scope="session")
def images() -> Callable[..., torch.Tensor]:
    """(count, height, width, seed=0) -> (count, 3, height, width), uniform in [0, 1]."""

    def draw(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(count, 3, height, width, generator=generator)

    return draw
