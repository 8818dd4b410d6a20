"""Images in another look, one at a time, and a picture of some for a person to judge."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from atdt.adapt.networks import LOOKS, OTHER
from atdt.devices import precision_context
from atdt.domains import Domain, ViewPlan
from atdt.domains.encodings import write_png
from atdt.errors import NumericsError

PICTURE = "looks.png"
SHOWN = 4  # images of either domain
GAP = 2  # white pixels between two images


@torch.inference_mode()
def paint(generator: nn.Module, pixels: np.ndarray, precision: str = "float32") -> np.ndarray:
    """What `generator` makes of an image: uint8 (H, W, 3) -> the same.

    Raises:
        NumericsError: its output is not finite.
    """
    device = next(generator.parameters()).device
    image = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32)).to(device)
    with precision_context(device, precision):
        made = generator(image / 255 * 2 - 1).float()[0]
    if not torch.isfinite(made).all():
        raise NumericsError("the generator's output holds NaN or infinity; try another run")
    made = ((made + 1) * 127.5).round().clamp(0, 255)
    return np.ascontiguousarray(made.to(torch.uint8).cpu().numpy().transpose(1, 2, 0))


def save_picture(
    generators: Mapping[str, nn.Module],
    domains: Mapping[str, Domain],
    plan: ViewPlan,
    folder: Path,
) -> Path:
    """Write `looks.png`: a row each for a few images, with the columns A, A as B, B, B as A.

    Args:
        generators: by the look that they give.
        domains: by their look.
        plan: its view 0 is shown.
        folder: of the run.
    """
    count = min(SHOWN, *(len(domain) for domain in domains.values()))
    rows = []
    for place in range(count):
        cells = []
        for look in LOOKS:
            index = (2 * place + 1) * len(domains[look]) // (2 * count)  # spread over the list
            pixels = _plain_view(domains[look], index, plan)
            cells += [pixels, paint(generators[OTHER[look]], pixels)]
        rows.append(_joined(cells, axis=1))
    return write_png(folder / PICTURE, _joined(rows, axis=0))


def _plain_view(domain: Domain, index: int, plan: ViewPlan) -> np.ndarray:
    """View 0 of an image, uint8 (h, w, 3)."""
    pixels = domain.image(index)
    view = plan.draw(domain.samples[index].image, 0, pixels.shape[:2])
    return np.rint(view.image(pixels).transpose(1, 2, 0) * 255).astype(np.uint8)


def _joined(pictures: list[np.ndarray], axis: int) -> np.ndarray:
    """Pictures (h, w, 3) one after the other, with white between them."""
    first = pictures[0]
    shape = [GAP if side == axis else first.shape[side] for side in range(3)]
    gap = np.full(shape, 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.concatenate(parts[1:], axis=axis)
