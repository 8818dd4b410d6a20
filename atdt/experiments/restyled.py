"""Domain A in the colours of B's images, for all rows of an experiment alike."""

from dataclasses import replace
from pathlib import Path

from atdt.domains.rehearse import Rehearsal, rehearse
from atdt.experiments.pairs import Place
from atdt.experiments.sides import Direction
from atdt.experiments.steps import Steps

KINDS = ("own", "moments", "histogram")


def with_colours(
    kind: str, a: Place, b: Place, root: Path, name: str, data: Path, steps: Steps
) -> tuple[Place, Path]:
    """Domain A, recoloured; all that learns from A learns from this one.

    Args:
        kind: "own", or what of B's channels of L*a*b* is taken over: "moments" (mean and deviation)
            or "histogram", by one map for all images.
        a, b, root, name, data, steps: see `atdt.experiments.matched_camera`.

    Returns:
        the place, and what all domains now are made of.
    """
    if kind == "own":
        return a, data
    out = root / "data" / f"{name}-colours-{kind}"
    config = Rehearsal(
        domain=str(a.path), to=b.spec("train"), out=out, colours=kind, keep_camera=True
    )
    made = steps.do("A in B's colours", rehearse, config, data, out=out)
    return replace(a, path=made), made


def recoloured(kind: str, direction: Direction, steps: Steps) -> Direction:
    """The direction from A in B's colours; `kind` as above."""
    a, b = direction.target.a, direction.target.b
    a, data = with_colours(kind, a, b, direction.root, direction.experiment, direction.data, steps)
    source, target = (replace(side, a=a) for side in (direction.source, direction.target))
    return replace(direction, source=source, target=target, data=data)
