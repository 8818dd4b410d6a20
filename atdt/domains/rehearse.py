"""`atdt rehearse`: labelled images of A in B's look, on which what will be done on B is rehearsed.

A's images are taken by B's camera, where both cameras are known, and given B's colours; no label of
B is read. What A does not have, B's shapes and textures, it does not have afterwards either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from atdt.domains.colour_match import ColourMatch, ColourStatistics
from atdt.domains.domain import Domain
from atdt.domains.look import CameraChange, Look, write_look
from atdt.domains.opening import open_splits
from atdt.domains.remaking import Remaking
from atdt.domains.sharing import Origin
from atdt.errors import UserError
from atdt.later import LATER

KEEP = "keep"  # A's colours

Say = Callable[[str], Any]


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What is given whose look.

    Attributes:
        domain: PATH[:SPLIT][@N] of A, of images that no network of the transfer has learnt from;
            without SPLIT every split.
        to: the same of B. Colours are counted on the first split of either.
        out: the new domain's folder: absent, empty, or one that the same rehearsal began.
        colours: "moments" or "histogram", see `atdt.domains.colour_match`, or "keep".
        space: "lab" or "rgb", of whose channels.
        keep_camera: leave the camera as it is, known or not.
        scale_height, stretch_height: see `CameraChange.between`.
    """

    domain: str
    to: str
    out: Path
    colours: str = "moments"
    space: str = "lab"
    keep_camera: bool = False
    scale_height: bool = False
    stretch_height: bool = field(default=False, metadata=LATER)


def rehearse(config: Rehearsal, say: Say = lambda line: None) -> Path:
    """Write A in B's look; gives back the new domain's folder.

    Args:
        say: is told what is taken over of B.

    Raises:
        DomainError: a domain cannot be used.
        UserError: an option, A and B are one, or `out` holds something else.
    """
    domains = open_splits(config.domain)
    others = open_splits(config.to)
    one, other = (map(Origin.of, splits) for splits in (domains, others))
    if any(a.shares(b) for a, b in product(one, other)):
        raise UserError(
            f"{config.domain}: is of {others[0].name}, B itself, whose labels may choose nothing; "
            "a rehearsal is of A"
        )
    header: dict[str, Any] = {
        side: {domain.split: domain.digest() for domain in splits}
        for side, splits in (("digests", domains), ("to", others))
    }
    change = recolour = None
    kept = camera_unknown(config, domains, others)
    for option in ("scale_height", "stretch_height"):
        if kept and getattr(config, option):
            said = option.replace("_", "-")
            raise UserError(f"--{said}: the camera stays A's, {kept}")
    if kept:
        say(f"camera: A's, {kept}")
    else:
        change = CameraChange.between(
            domains[0], others[0], config.scale_height, config.stretch_height
        )
        header["camera"] = change.described()
        say("camera: B's pitch, roll and focal length")
    if config.colours == KEEP:
        say("colours: A's, as asked")
    else:
        a, b = (ColourStatistics.of_domain(d, config.space) for d in (domains[0], others[0]))
        recolour = ColourMatch.between(a, b, config.colours)
        header["colours"] = [config.colours, a.digest(), b.digest()]
        say(f"colours: B's {config.colours} of each channel, {config.space}")
    making = Remaking("rehearse", config.out, header)
    return write_look(making, domains, Look(change, recolour), f"{domains[0].name}-rehearsal")


def camera_unknown(
    config: Rehearsal, domains: Sequence[Domain] = (), others: Sequence[Domain] = ()
) -> str:
    """Why A's camera stays; "" where it becomes B's.

    Args:
        domains, others: splits of A and B, where they are open already.
    """
    if config.keep_camera:
        return "as asked"
    a, *_ = domains or open_splits(config.domain)
    b, *_ = others or open_splits(config.to)
    for letter, domain in (("A", a), ("B", b)):
        if domain.description.mount is None:
            return f"since {letter}'s description has no [mount]"
        if domain.focal(0) is None:
            return f"since {letter}'s focal length is not known"
    return ""
