"""`atdt proxy-depth`: depth of a stereo domain, as predictions that can stand for labels."""

import os
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from atdt.ahead import ahead
from atdt.decode.folder import PredictionsWriter
from atdt.decode.header import header_of_labels
from atdt.digests import sha256_json
from atdt.domains import Domain, open_domain
from atdt.domains.encodings import write_depth
from atdt.domains.pictures import image_size
from atdt.domains.stereo import LIBRARY, Matching, depth, disparity
from atdt.errors import DomainError, UserError
from atdt.predictions import PREDICTIONS, open_predictions
from atdt.progress import progress
from atdt.tasks import get_task
from atdt.tasks.depth import PNG_ENCODING, PNG_RANGE
from atdt.tasks.files import with_suffix

# Within what a PNG of `PNG_ENCODING` holds (256 m); Cityscapes' disparity is below 2 pixels there.
FARTHEST = 255.0
FORMATS = ("npy", "png")
MOST_THREADS = 16
LOOKED_AT = 20  # images whose share of depth is told


@dataclass(frozen=True, kw_only=True)
class ProxyDepth:
    """What is matched, how, and where it goes.

    Attributes:
        domain: PATH[:SPLIT][@N] of a domain with right images and cameras.
        out: the predictions folder.
        matching: see `Matching`.
        farthest: metres; what is farther is none.
        depth_format: "png" (16 bits, metres × 256) or "npy" (float32 metres, four times the bytes).
        workers: threads that match, an image each; None takes one a core.
        resume, overwrite: go on with, or replace, what is in `out`.

    Raises:
        UserError: a value that cannot be used.
    """

    domain: str
    out: Path
    matching: Matching = field(default_factory=Matching)
    farthest: float = FARTHEST
    depth_format: str = "png"
    workers: int | None = None
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.depth_format not in FORMATS:
            raise UserError(f"--depth-format {self.depth_format}: choose {' or '.join(FORMATS)}")
        limit = PNG_RANGE[1] if self.depth_format == "png" else float("inf")
        if not 0 < self.farthest <= limit:
            most = f" of {limit:g} at most in a PNG" if self.depth_format == "png" else ""
            raise UserError(f"--farthest {self.farthest:g}: write metres above 0{most}")
        if self.workers is not None and self.workers < 1:
            raise UserError(f"--workers {self.workers}: write 1 or more")


def proxy_depth(config: ProxyDepth) -> Path:
    """Match the left and right images of a domain.

    Cameras, right images and their sizes are looked at before the first pair is matched.

    Returns:
        the predictions folder, of task "depth" and of whole images: metres, 0 where left and right
        do not agree, where nothing was found, and beyond `farthest`.

    Raises:
        DomainError: an image has no right image of the same size, or its focal length or baseline
            is unknown; names list and line.
        UserError: what is in `config.out` already, see `PredictionsWriter`.
    """
    domain = open_domain(config.domain)
    cameras = [_focal_baseline(domain, index) for index in range(len(domain))]
    head = _header(config, domain, cameras)
    images = [sample.image for sample in domain.samples]
    with PredictionsWriter(
        config.out, head, images, [PREDICTIONS], resume=config.resume, overwrite=config.overwrite
    ) as writer:
        if writer.complete:
            return config.out
        task = get_task("depth")

        def match(index: int) -> dict[str, dict[str, Path]]:
            found = disparity(domain.image(index), domain.right(index), config.matching)
            metres = depth(found, cameras[index], config.farthest)
            path = writer.path(PREDICTIONS, images[index])
            if config.depth_format == "png":
                written = write_depth(with_suffix(path, ".png"), metres, PNG_ENCODING)
            else:
                written = task.write(path, metres)
            return {images[index]: {PREDICTIONS: written}}

        todo = [index for index, image in enumerate(images) if not writer.is_done(image)]
        threads = config.workers or min(os.cpu_count() or 1, MOST_THREADS)
        with (
            progress(f"match {domain.name}:{domain.split}", len(todo), "pairs") as advance,
            closing(ahead(match, todo, threads=threads, depth=threads)) as matched,
        ):
            for written in matched:
                writer.record(written)
                advance(1)
        writer.finish()
    return config.out


def doubt_of_cameras(spec: str) -> str | None:
    """What speaks against the focal length of a domain's first image, and so against its depth.

    Args:
        spec: PATH[:SPLIT][@N] of the domain.

    Raises:
        DomainError: the domain, its image or its camera cannot be read.
    """
    domain = open_domain(spec)
    doubt = domain.camera(0).doubt_of_width(domain.image_size(0)[1])
    return None if doubt is None else f"{domain.list_path}:{domain.samples[0].line}: {doubt}"


def share_with_depth(folder: Path) -> float:
    """The share of pixels that have a depth, over some images of a finished folder."""
    made, task = open_predictions(folder), get_task("depth")
    chosen = made.images[:: -(-len(made.images) // LOOKED_AT)]
    return float(np.mean([np.mean(made.read(image, task) > 0) for image in chosen]))


def _focal_baseline(domain: Domain, index: int) -> float:
    """Focal length × baseline of a pair, in pixels · metres, after a look at both images' sizes."""
    sample = domain.samples[index]
    where = f"{domain.list_path}:{sample.line}"
    left, right = domain.image_size(index), _size_of_right(domain, index)
    if left != right:
        raise DomainError(
            f"{where}: {sample.image} is {left[0]}x{left[1]}, but {sample.right} is "
            f"{right[0]}x{right[1]}; a rectified pair has one size"
        )
    camera = domain.camera(index)
    try:
        return camera.stereo()
    except DomainError as error:
        raise DomainError(f"{where}: {sample.image}: {error}") from None


def _size_of_right(domain: Domain, index: int) -> tuple[int, int]:
    path = domain.file(index, "right")
    try:
        return image_size(path)
    except DomainError as error:
        line = domain.samples[index].line
        raise DomainError(f"{domain.list_path}:{line}: {error}") from None


def _header(config: ProxyDepth, domain: Domain, cameras: list[float]) -> dict[str, Any]:
    """What predictions.json says, see `atdt.decode.header`: all that the numbers depend on."""
    rights = [sample.right for sample in domain.samples]
    sizes = [domain.sizes.of(domain.file(index, "right")) for index in range(len(domain))]
    method = {
        "kind": "stereo",
        **asdict(config.matching),
        "farthest": config.farthest,
        "focal_baseline": {"least": min(cameras), "greatest": max(cameras)},
        "inputs": sha256_json([rights, sizes, cameras]),
    }
    suffix = f".{config.depth_format}"
    return header_of_labels(get_task("depth"), domain, method, suffix=suffix, computed=LIBRARY)
