"""What depth a user has of B: exact as rendered, of stereo pairs, or sparse as a lidar's."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from atdt.decode.proxy_depth import ProxyDepth, proxy_depth
from atdt.domains.convert import Conversion, convert
from atdt.domains.encodings import write_depth
from atdt.domains.opening import open_domain
from atdt.experiments.pairs import Place
from atdt.experiments.steps import Steps
from atdt.progress import progress

KINDS = ("exact", "stereo", "sparse")
LEARNT = ("train", "val")  # splits whose labels a training sees; tests are measured on exact depth
ENCODING = "uint16/256"
FARTHEST = 100.0  # metres: a lidar's reach; AT/DT learns no depth beyond it either
LINES, EACH = 4, 3  # every so many rows, and columns, has a measurement


@dataclass(frozen=True)
class Thinning:
    """Depth that is thinned out like a lidar's.

    Attributes:
        domain: spec of a split with depth.
        out: the new domain's folder, with one list of the split's name.
    """

    domain: str
    out: Path


def thin(config: Thinning) -> Path:
    """Keep depth on every `LINES`-th row and `EACH`-th column up to `FARTHEST`; gives back `out`.

    KITTI's lidar measures about one pixel in twenty, on lines; here it is one in twelve.
    """
    made = convert(
        Conversion(
            domain=config.domain,
            out=config.out,
            labels=("depth",),
            depth_encoding=ENCODING,
            farthest=FARTHEST,
        )
    )
    split = config.domain.rpartition(":")[2]
    domain = open_domain(f"{made}:{split}", labels=["depth"])
    with progress(f"thin {domain.name}:{split}", len(domain), "images") as advance:
        for index in range(len(domain)):
            metres = domain.label(index, "depth")
            kept = np.zeros_like(metres)
            kept[::LINES, ::EACH] = metres[::LINES, ::EACH]
            write_depth(domain.file(index, "depth"), kept, ENCODING)
            advance(1)
    return made


def with_known_depth(kind: str, b: Place, root: Path, name: str, data: Path, steps: Steps) -> Place:
    """Domain B with the depth that a user has of it, for trainings.

    Args:
        kind: one of `KINDS`.
        b: the domain, with exact depth and, for "stereo", right images.
        root: holds data/ and predictions/.
        name: of the experiment.
        data: what the domain is made of.
        steps: the record.

    Returns:
        a place whose training and validation lists have that depth, and whose test list is `b`'s.
    """
    if kind == "exact":
        return b
    elsewhere = {}
    for split in LEARNT:
        spec = b.spec(split)
        if spec is None:
            continue
        out = root / "data" / f"{name}-{kind}" / split
        if kind == "sparse":
            config = Thinning(spec, out)
            elsewhere[split] = steps.do(f"thin depth of B, {split}", thin, config, data, out=out)
            continue
        matching = ProxyDepth(domain=spec, out=root / "predictions" / name / f"stereo-{split}")
        matched = steps.do(
            f"match stereo pairs of B, {split}", proxy_depth, matching, data, out=matching.out
        )
        conversion = Conversion(
            domain=spec,
            out=out,
            labels=("depth",),
            depth_encoding=ENCODING,
            predictions=(matched,),
        )
        elsewhere[split] = steps.do(
            f"B with matched depth, {split}", convert, conversion, matched, out=out
        )
    return replace(b, elsewhere={**b.elsewhere, **elsewhere})
