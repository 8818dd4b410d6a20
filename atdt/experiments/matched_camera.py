"""Domain A as B's camera would have taken it, for all rows of an experiment alike."""

from dataclasses import replace
from pathlib import Path

from atdt.domains.match_camera import CameraMatch, match_camera
from atdt.experiments.pairs import Place
from atdt.experiments.steps import Steps

KINDS = ("own", "matched", "matched-height", "matched-stretch")


def with_matched_camera(
    kind: str, a: Place, b: Place, root: Path, name: str, data: Path, steps: Steps
) -> tuple[Place, Path]:
    """Domain A under the camera that `kind` names; all that learns from A learns from this one.

    Args:
        kind: "own", "matched" in pitch, roll and focal length, or so that the road also lies as
            deep below the camera as B's: "matched-height", where A's depths are scaled, or
            "matched-stretch", where what lies below the camera is stretched.
        a, b: the domains, whose focal length and [mount] are known.
        root: holds data/.
        name: of the experiment.
        data: what the domains are made of.
        steps: the record.

    Returns:
        the place, and what all domains now are made of.
    """
    if kind == "own":
        return a, data
    out = root / "data" / f"{name}-{kind}"
    config = CameraMatch(
        domain=str(a.path),
        to=f"{b.spec('train')}",
        out=out,
        scale_height=kind == "matched-height",
        stretch_height=kind == "matched-stretch",
    )
    made = steps.do("A as B's camera would have taken it", match_camera, config, data, out=out)
    return replace(a, path=made), made
