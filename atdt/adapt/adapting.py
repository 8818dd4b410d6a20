"""`atdt adapt`: a domain's images in the look of another, as a domain of its own."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from atdt.adapt.carrying import Item
from atdt.adapt.folder import AdaptedFolder
from atdt.adapt.load import load_cyclegan
from atdt.adapt.networks import LOOKS, SMALLEST_PAINTED
from atdt.adapt.painting import paint
from atdt.ahead import ahead
from atdt.devices import pick_device, precision_context
from atdt.domains import Domain
from atdt.domains.opening import open_splits
from atdt.errors import DomainError, NumericsError, UserError
from atdt.hold import exclusive
from atdt.progress import progress
from atdt.provenance import torch_threads

READ_AHEAD = 2  # images


@dataclass(frozen=True)
class Adaptation:
    """A domain that is to be given another look.

    Attributes:
        run: of the CycleGAN.
        domain: spec ("PATH[:SPLIT][@N]") of the images; every split without SPLIT. Labels go along
            unread.
        to: "a" or "b": the look that they are to have, of the domain of this letter in training.
        out: folder of the new domain.
        device, precision: see `atdt.devices`.
        skip_bad: leave out images that cannot be used.
        resume, overwrite: go on with, or replace, what is in `out`.
    """

    run: Path
    domain: str
    to: str
    out: Path
    device: str = "auto"
    precision: str = "float32"
    skip_bad: bool = False
    resume: bool = False
    overwrite: bool = False


def adapt(config: Adaptation) -> Path:
    """Write a domain's images in another look, with its labels, cameras and description.

    The new domain has the splits, sizes, labels and names of the old one; right images of stereo
    pairs are left out. Every image is adapted as a whole and alone, so that the result
    depends neither on its neighbours nor on an interruption.

    Returns:
        the folder of the new domain, `config.out`, which opens like any other.

    Raises:
        RunError: the run holds no finished CycleGAN.
        DomainError: the domain, an image or a label file of it cannot be used.
        NumericsError: a generator's output is not finite.
        UserError: an option, or what is in `config.out` already.
    """
    if config.to not in LOOKS:
        raise UserError(f"--to {config.to}: choose one of {', '.join(LOOKS)}")
    if config.out.is_file():
        raise UserError(f"{config.out}: is a file; a domain needs a folder")
    device = pick_device(config.device)
    precision_context(device, config.precision)  # an unknown precision is an error now
    loaded = load_cyclegan(config.run, device)
    domains = open_splits(config.domain, skip_bad=config.skip_bad)
    for domain in domains:
        _refuse_small(domain)
    told = [domain.to_dict() for domain in domains]
    made_from = {
        "to": config.to,
        "weights_sha256": loaded.run.info["weights"]["sha256"],
        "domains": [{key: t[key] for key in ("name", "split", "digest", "images")} for t in told],
        "precision": config.precision,
        "device": device.type,
        "threads": torch_threads(),
    }
    notes = {
        "run": str(config.run),
        "domain": config.domain,
        "root": told[0]["root"],
        "skipped": [line for domain in domains for line in domain.skipped],
    }
    with exclusive(config.out), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        folder = AdaptedFolder(
            config.out,
            domains,
            f"{domains[0].name}-as-{loaded.name(config.to)}",
            made_from,
            notes,
            resume=config.resume,
            overwrite=config.overwrite,
        )
        if not folder.complete:
            _fill(folder, loaded.generators[config.to], config.precision)
            folder.finish()
    return config.out


def _refuse_small(domain: Domain) -> None:
    for index, sample in enumerate(domain.samples):
        height, width = domain.image_size(index)
        if min(height, width) < SMALLEST_PAINTED:
            raise DomainError(
                f"{domain.list_path}:{sample.line}: {sample.image} is {height}x{width}; a "
                f"generator needs at least {SMALLEST_PAINTED} pixels a side"
            )


def _fill(folder: AdaptedFolder, generator: torch.nn.Module, precision: str) -> None:
    """Adapt all images that are not on disk yet: read ahead, compute, write behind."""
    todo = folder.todo()

    def read(item: Item) -> tuple[Item, np.ndarray]:
        return item, item.domain.image(item.index)

    def painted(pictures: Iterator[tuple[Item, np.ndarray]]) -> Iterator[tuple[Item, np.ndarray]]:
        for item, pixels in pictures:
            try:
                yield item, paint(generator, pixels, precision)
            except NumericsError as error:
                raise NumericsError(f"{item.image}: {error}") from None

    with (
        progress("adapt", len(todo), "images") as advance,
        closing(ahead(read, todo, depth=READ_AHEAD)) as pictures,
        closing(ahead(lambda made: folder.add(*made), painted(pictures))) as written,
    ):
        for _ in written:
            advance(1)
