"""`atdt match-camera`: a domain as another domain's camera would have taken it.

Depth that was learnt under one camera is wrong under another: the road appears elsewhere in the
image. Where both cameras are known, A's images can be turned and zoomed to B's pitch, roll and
focal length before anything is learnt from them. What is written: see `atdt.domains.look`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from atdt.domains.look import CameraChange, Look, write_look
from atdt.domains.opening import open_splits
from atdt.domains.remaking import Remaking
from atdt.later import LATER


@dataclass(frozen=True, kw_only=True)
class CameraMatch:
    """What is matched to what.

    Attributes:
        domain: PATH[:SPLIT][@N] of A; without SPLIT every split.
        to: the same of B.
        out: the new domain's folder: absent, empty, or one that the same matching began.
        scale_height, stretch_height: see `CameraChange.between`.
    """

    domain: str
    to: str
    out: Path
    scale_height: bool = False
    stretch_height: bool = field(default=False, metadata=LATER)


def match_camera(config: CameraMatch) -> Path:
    """Write A as B's camera would have taken it; gives back the new domain's folder.

    Raises:
        DomainError: a domain cannot be used, or a focal length or [mount] is unknown.
        UserError: `out` holds something else, or the heights are matched in two ways.
    """
    domains = open_splits(config.domain)
    b = open_splits(config.to)[0]
    change = CameraChange.between(domains[0], b, config.scale_height, config.stretch_height)
    header = {
        "digests": {domain.split: domain.digest() for domain in domains},
        **change.described(),
    }
    making = Remaking("match-camera", config.out, header)
    return write_look(making, domains, Look(camera=change), f"{domains[0].name}-matched")
