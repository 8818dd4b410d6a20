"""`atdt match-camera`: a domain as another domain's camera would have taken it.

    OUT/domain.toml, train.txt …       written when every image is there
    OUT/image/a/b.png                  the image; likewise semantic (ids), depth, normals

Depth that was learnt under one camera is wrong under another: the road appears elsewhere in the
image. Where both cameras are known, A's images can be turned and zoomed to B's pitch, roll and
focal length before anything is learnt from them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from atdt.domains.cameras import Camera, Mount
from atdt.domains.domain import Domain
from atdt.domains.encodings import write_depth, write_normals, write_png
from atdt.domains.lists import LABEL_KINDS, Sample
from atdt.domains.remaking import Remaking, splits_of
from atdt.domains.reprojection import Reprojection
from atdt.domains.writing import Written
from atdt.errors import DomainError
from atdt.files import inside
from atdt.predictions import stems

ENCODINGS = {"semantic": "ids", "depth": "rgb24-1000m", "normals": "rgb8"}
FARTHEST = 1000.0  # metres that the encoding holds; what is beyond has no depth
MOST_CAMERAS = 64  # of B that are looked at, whose median is taken


@dataclass(frozen=True, kw_only=True)
class CameraMatch:
    """What is matched to what.

    Attributes:
        domain: PATH[:SPLIT][@N] of A; without SPLIT every split.
        to: the same of B.
        out: the new domain's folder: absent, empty, or one that the same matching began.
        scale_height: multiply A's depth by B's height ÷ A's: the road then lies as deep below the
            camera as B's, and all else is larger than it was.
    """

    domain: str
    to: str
    out: Path
    scale_height: bool = False


def match_camera(config: CameraMatch) -> Path:
    """Write A as B's camera would have taken it; gives back the new domain's folder.

    What an interrupted call has written is not written again. Right images are left out: a pair
    that is turned is not rectified any more.

    Raises:
        DomainError: a domain cannot be used, or a focal length or [mount] is unknown.
        UserError: `out` holds something else.
    """
    domains = splits_of(config.domain)
    b = splits_of(config.to)[0]
    share, mount = _focal_share(b), _mount(b)
    old = _mount(domains[0])
    scale = mount.height / old.height if config.scale_height else 1.0
    header = {
        "digests": {domain.split: domain.digest() for domain in domains},
        "focal_share": share,
        "mounts": [vars(old), vars(mount)],
        "scale": scale,
    }
    making = Remaking("match-camera", config.out, header)
    if making.begin():
        return config.out
    written = _written(domains, share, replace(mount, height=old.height * scale))
    jobs = [
        partial(_write, config.out, domain, index, sample, share, (old, mount), scale)
        for domain in domains
        for index, sample in enumerate(written.splits[domain.split])
    ]
    making.run(domains[0].name, jobs, "images")
    return making.finish(written, domains)


def _focal_share(domain: Domain) -> float:
    """Focal length ÷ width of the images, the median of some."""
    some = range(min(len(domain), MOST_CAMERAS))
    return float(np.median([_focal(domain, i) / domain.image_size(i)[1] for i in some]))


def _focal(domain: Domain, index: int) -> float:
    focal = domain.focal(index)
    if focal is None:
        raise DomainError(
            f"{domain.path}: the focal length is unknown: write `focal` or `fov` into it"
        )
    return focal


def _mount(domain: Domain) -> Mount:
    mount = domain.description.mount
    if mount is None:
        raise DomainError(
            f"{domain.path}: how its camera stands is unknown: write [mount] with height (metres) "
            "and pitch (degrees, positive looks down) into it"
        )
    return mount


def _written(domains: Sequence[Domain], share: float, mount: Mount) -> Written:
    stem = stems([sample.image for domain in domains for sample in domain.samples])
    splits, cameras = {}, {}
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
            Camera(share * domain.image_size(index)[1]) for index in range(len(domain))
        ]
    kinds = {kind: ENCODINGS[kind] for kind in LABEL_KINDS if domains[0].has(kind)}
    return Written(
        f"{domains[0].name}-matched", domains[0].label_space, splits, cameras, kinds, mount
    )


def _write(
    out: Path,
    domain: Domain,
    index: int,
    sample: Sample,
    share: float,
    mounts: tuple[Mount, Mount],
    scale: float,
) -> None:
    """Write a sample's files, the image last."""
    image = inside(out, sample.image)
    if image.exists():
        return
    pixels = domain.image(index)
    size = pixels.shape[:2]
    focals = _focal(domain, index), share * size[1]
    moved = Reprojection.between(size, focals, mounts)
    for kind, path in _labels(out, sample):
        label = domain.label(index, kind)
        if kind == "semantic":
            write_png(path, moved.ids(label))
        elif kind == "normals":
            write_normals(path, moved.normals(label))
        else:
            metres = moved.depth(label) * np.float32(scale)
            write_depth(path, np.where(metres < FARTHEST, metres, 0), ENCODINGS["depth"])
    write_png(image, moved.image(pixels))


def _labels(out: Path, sample: Sample) -> Iterator[tuple[str, Path]]:
    for kind in LABEL_KINDS:
        if (name := getattr(sample, kind)) is not None:
            yield kind, inside(out, name)
