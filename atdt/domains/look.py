"""A domain's images and labels in another look: another camera, other colours, or both.

    OUT/domain.toml, train.txt …       written when every image is there
    OUT/image/a/b.png                  the image; likewise semantic (ids), depth, normals

What an interrupted call has written is not written again. Right images are left out: a pair that is
turned is not rectified any more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from atdt.domains.cameras import Camera, Mount
from atdt.domains.domain import Domain
from atdt.domains.encodings import write_depth, write_normals, write_png
from atdt.domains.lists import LABEL_KINDS, Sample
from atdt.domains.pose import known_focal, known_mount
from atdt.domains.remaking import Remaking
from atdt.domains.reprojection import Reprojection
from atdt.domains.writing import Written
from atdt.errors import UserError
from atdt.files import inside
from atdt.predictions import stems

ENCODINGS = {"semantic": "ids", "depth": "rgb24-1000m", "normals": "rgb8"}
FARTHEST = 1000.0  # metres that the encoding holds; what is beyond has no depth
MOST_CAMERAS = 64  # of B that are looked at, whose median is taken

Recolour = Callable[[np.ndarray], np.ndarray]  # uint8 (H, W, 3) -> the same


@dataclass(frozen=True)
class CameraChange:
    """From A's camera to B's, at the place where A's stands.

    Attributes:
        focal_share: focal length ÷ width of the images, of B's camera.
        old, new: mounts of A's and B's camera.
        scale: what A's depth is multiplied by.
        below: what lies below A's camera is stretched so many times downwards.
    """

    focal_share: float
    old: Mount
    new: Mount
    scale: float = 1.0
    below: float = 1.0

    @classmethod
    def between(
        cls, a: Domain, b: Domain, scale_height: bool = False, stretch_height: bool = False
    ) -> "CameraChange":
        """The change from A's camera to B's; the road lies as deep below the camera as B's by one
        of two ways, or stays.

        Args:
            scale_height: multiply A's depth by B's height ÷ A's: all is larger than it was.
            stretch_height: stretch what lies below the camera by that ratio: nothing is nearer or
                farther than it was, and what rises above the camera is as large.

        Raises:
            DomainError: B's focal length or a [mount] is unknown.
            UserError: both ways at once.
        """
        if scale_height and stretch_height:
            raise UserError("--scale-height and --stretch-height exclude each other")
        old, new = known_mount(a), known_mount(b)
        ratio = new.height / old.height
        scale, below = (ratio if asked else 1.0 for asked in (scale_height, stretch_height))
        return cls(_focal_share(b), old, new, scale, below)

    @property
    def mount(self) -> Mount:
        """How the camera of the new domain stands."""
        return replace(self.new, height=self.old.height * self.scale * self.below)

    def described(self) -> dict[str, Any]:
        """What the new files depend on, as JSON can hold it."""
        return {
            "focal_share": self.focal_share,
            "mounts": [asdict(self.old), asdict(self.new)],
            "scale": self.scale,
            **({} if self.below == 1 else {"below": self.below}),
        }


@dataclass(frozen=True)
class Look:
    """What is done to every sample.

    Attributes:
        camera: None: it stays.
        recolour: done to the image, after the camera was changed; None: colours stay.
    """

    camera: CameraChange | None = None
    recolour: Recolour | None = None


def write_look(making: Remaking, domains: Sequence[Domain], look: Look, name: str) -> Path:
    """Write domains (splits of one) in another look; gives back the folder.

    Raises:
        DomainError: an image or label cannot be read, or a focal length is unknown.
        RunError: another process is writing there.
        UserError: the folder holds something else.
    """
    with making.begun() as complete:
        if complete:
            return making.out
        written = _written(domains, look.camera, name)
        jobs = (
            (
                inside(making.out, sample.image),
                partial(_write, making.out, domain, index, sample, look),
            )
            for domain in domains
            for index, sample in enumerate(written.splits[domain.split])
        )
        making.run(domains[0].name, jobs, "images")
        return making.finish(written, domains)


def _focal_share(domain: Domain) -> float:
    """Focal length ÷ width of the images, the median of some.

    Raises:
        DomainError: it is unknown.
    """
    some = range(min(len(domain), MOST_CAMERAS))
    return float(np.median([known_focal(domain, i) / domain.image_size(i)[1] for i in some]))


def _written(domains: Sequence[Domain], change: CameraChange | None, name: str) -> Written:
    stem = stems([sample.image for domain in domains for sample in domain.samples])
    splits: dict[str, list[Sample]] = {}
    cameras: dict[str, list[Camera]] = {}
    for domain in domains:
        kinds = [kind for kind in LABEL_KINDS if domain.has(kind)]
        splits[domain.split] = [
            Sample(
                sample.line,
                f"image/{stem[sample.image]}.png",
                camera=f"camera/{stem[sample.image]}.json",
                **{kind: f"{kind}/{stem[sample.image]}.png" for kind in kinds},
            )
            for sample in domain.samples
        ]
        cameras[domain.split] = [
            Camera(
                domain.focal(index)
                if change is None
                else change.focal_share * domain.image_size(index)[1]
            )
            for index in range(len(domain))
        ]
    kinds = {kind: ENCODINGS[kind] for kind in LABEL_KINDS if domains[0].has(kind)}
    mount = domains[0].description.mount if change is None else change.mount
    return Written(name, domains[0].label_space, splits, cameras, kinds, mount)


def _write(out: Path, domain: Domain, index: int, sample: Sample, look: Look) -> None:
    """Write a sample's files, the image last."""
    image = inside(out, sample.image)
    pixels, moved, change = domain.image(index), None, look.camera
    if change is not None:
        size = pixels.shape[:2]
        focals = known_focal(domain, index), change.focal_share * size[1]
        moved = Reprojection.between(size, focals, (change.old, change.new), change.below)
    for kind, path in _labels(out, sample):
        label = domain.label(index, kind)
        if moved is not None:
            label = moved.label(label, kind)
        if kind == "semantic":
            write_png(path, label)
        elif kind == "normals":
            write_normals(path, label)
        else:
            metres = label if change is None else label * np.float32(change.scale)
            write_depth(path, np.where(metres < FARTHEST, metres, 0), ENCODINGS["depth"])
    if moved is not None:
        pixels = moved.image(pixels)
    write_png(image, pixels if look.recolour is None else look.recolour(pixels))


def _labels(out: Path, sample: Sample) -> Iterator[tuple[str, Path]]:
    for kind in LABEL_KINDS:
        if (name := getattr(sample, kind)) is not None:
            yield kind, inside(out, name)
